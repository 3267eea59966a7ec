package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Access is one line of the access log. It never holds a parameter.
type Access struct {
	Action    string
	RequestID string
	// Status is the HTTP status, 0 when the connection was cut by a fault.
	Status int
	// Code is the cloud's error code, empty for success.
	Code     string
	Duration time.Duration
}

// refusal is the error body on the wire.
type refusal struct {
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	Recommend string `json:"Recommend"`
}

// Server returns an HTTP server of the emulator, whose limits fit long URLs.
// The caller sets its address and runs it.
func (e *Emulator) Server() *http.Server {
	return &http.Server{Handler: e, MaxHeaderBytes: MaxRequestBytes, ReadHeaderTimeout: 30 * time.Second}
}

// ServeHTTP serves one call of the OpenAPI at the path /, or the stream of an
// announced command.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == execPath {
		e.serveExec(w, r)
		return
	}
	start := time.Now()
	c := &call{requestID: e.ids.request(), host: r.Host, webSocket: "ws", gone: r.Context()}
	if r.TLS != nil {
		c.webSocket = "wss"
	}
	answer, err := e.serve(c, w, r)
	access := Access{Action: c.action, RequestID: c.requestID, Status: http.StatusOK}
	if err != nil {
		access.Status, access.Code = err.HTTPStatus, err.Code
		answer = refusal{
			RequestID: c.requestID, HostID: r.Host, Code: err.Code, Message: err.Message,
			Recommend: "https://api.aliyun.com/troubleshoot?q=" + err.Code,
		}
	}
	cut := c.effects.dropAnswer
	if cut {
		access.Status = 0
	}
	if !cut {
		cut = !writeJSON(w, access.Status, answer)
	}
	access.Duration = time.Since(start)
	e.observe(access)
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// serve does everything but write the answer.
func (e *Emulator) serve(c *call, w http.ResponseWriter, r *http.Request) (any, *eci.Error) {
	m, err := readMessage(w, r)
	if err != nil {
		return nil, err
	}
	c.action = m.action()
	if r.URL.Path != "/" && r.URL.Path != "" {
		return nil, refuse(http.StatusNotFound, eci.CodeInvalidAction, "The path is / only.")
	}
	if c.params, err = m.params(e.cfg.Strict); err != nil {
		return nil, err
	}
	cred, err := e.verifier.verify(m)
	if err != nil {
		return nil, err
	}
	act, err := e.admit(c, m, cred)
	if err != nil {
		return nil, err
	}
	e.count(c.action)
	if !e.limiter.allow(c.action) {
		return nil, throttled()
	}
	if err := e.faults.strike(r.Context(), e.clock, c); err != nil {
		return nil, err
	}
	return act.serve(c)
}

func (e *Emulator) count(action string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls[action]++
}

func writeJSON(w http.ResponseWriter, status int, answer any) bool {
	body, err := json.Marshal(answer)
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err == nil
}
