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
	"github.com/eci-vnode/eci-vnode/provider/request"
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
	resp, lost := t.serve(req)
	w.noteLie(params, lies)
	w.say("%s  %s %s: %d%s", t.i.name, action, about(params), resp.StatusCode, map[bool]string{true: " (connection cut)"}[lost])
	switch action {
	case eci.ActionCreateContainerGroup:
		w.checkCreate(params)
	case eci.ActionDeleteContainerGroup:
		w.checkDelete(before, params.Get("ContainerGroupId"))
	}
	w.checkGroups()
	if err := t.i.stop(); err != nil {
		return nil, err
	}
	if lost {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, nil
}

// serve hands the request to the emulator; lost says that its answer does not
// arrive.
func (t wire) serve(req *http.Request) (resp *http.Response, lost bool) {
	rec := httptest.NewRecorder()
	defer func() {
		if cause := recover(); cause != nil {
			err, is := cause.(error)
			if !is || !errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			resp, lost = rec.Result(), true
		}
	}()
	t.i.w.emulator.ServeHTTP(rec, req)
	return rec.Result(), false
}

// about names the group or the pod of a call, for the trace.
func about(params url.Values) string {
	if ids := params.Get("ContainerGroupIds"); ids != "" {
		return ids
	}
	for key, value := range params {
		if value[0] == request.TagUID && strings.HasSuffix(key, ".Key") && !params.Has("ContainerGroupName") {
			return "of " + params.Get(strings.TrimSuffix(key, "Key")+"Value")
		}
	}
	return params.Get("ContainerGroupId") + params.Get("ContainerGroupName")
}
