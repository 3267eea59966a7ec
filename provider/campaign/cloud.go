package campaign

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// wire carries the client's requests to the emulator without a network. Every
// call stops before and after it has acted.
type wire struct{ i *instance }

func (t wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	w, action := t.i.w, params.Get("Action")
	w.checkBudget(t.i, action)
	if err := t.i.stop(); err != nil {
		return nil, err
	}
	before, lies := w.liveGroups(), w.lieHits()
	answer, lost := t.serve(req)
	slow := w.faults.takeSlow()
	t.i.noteCall(params, answer, lost || slow > timeout, lies)
	resp := answer.Result()
	w.say("%s  %s %s: %d%s", t.i.name, action, about(params), resp.StatusCode, map[bool]string{true: " (connection cut)"}[lost])
	w.checkRefused(params)
	w.checkTarget(params)
	if action == eci.ActionDeleteContainerGroup {
		w.checkForce(before, params)
		w.checkDelete(before, params.Get("ContainerGroupId"))
	}
	w.checkGroups()
	if err := t.i.answerSlowly(slow); err != nil {
		return nil, err
	}
	if lost {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, nil
}

// serve hands the request to the emulator; lost says that its answer does not
// arrive.
func (t wire) serve(req *http.Request) (rec *httptest.ResponseRecorder, lost bool) {
	rec = httptest.NewRecorder()
	defer func() {
		if cause := recover(); cause != nil {
			err, is := cause.(error)
			if !is || !errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			lost = true
		}
	}()
	t.i.w.emulator.ServeHTTP(rec, req)
	return rec, false
}

// about names the group or the pod of a call, for the trace.
func about(params url.Values) string {
	if ids := params.Get("ContainerGroupIds"); ids != "" {
		return ids
	}
	if uid := podOf(params); uid != "" && !params.Has("ContainerGroupName") {
		return "of " + string(uid)
	}
	return params.Get("ContainerGroupId") + params.Get("ContainerGroupName")
}
