package vnode

import (
	"context"
	"net/http"
	"time"

	"github.com/eci-vnode/eci-vnode/vnode/connlimit"
)

const (
	// maxHeaderBytes holds the longest command: all of it travels in the URL.
	maxHeaderBytes = 1 << 20
	// maxUnauthenticatedBytes bounds what strangers can have held in memory while
	// their requests are incomplete.
	maxUnauthenticatedBytes = 16 << 20
	// drainTimeout is how long requests in flight may go on after shutdown began.
	drainTimeout = 5 * time.Second
	// refusalTimeout is how long a client may take to read why it was refused.
	refusalTimeout = 5 * time.Second
)

// limitedHandler serves requests that are authorized. Until one is, the deadlines
// of the server are on: here they come off for streams, and are set anew for all
// other answers.
type limitedHandler struct {
	limits  KubeletLimits
	streams *streamLimiter
	next    http.Handler
}

func (h *limitedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// No request of the kubelet API has a body: streams take over the connection.
	if r.ContentLength != 0 {
		refuse(w, http.StatusRequestEntityTooLarge, "requests to the kubelet API have no body")
		return
	}
	namespace, isStream := streamNamespace(r.URL.Path)
	if !isStream {
		h.serveAnswer(w, r)
		return
	}
	release, err := h.streams.acquire(namespace)
	if err != nil {
		refuse(w, err.code, err.message)
		return
	}
	defer release()
	h.serveStream(w, r)
}

func (h *limitedHandler) serveStream(w http.ResponseWriter, r *http.Request) {
	if !promoted(w, r) {
		return
	}
	setDeadlines(w, time.Time{})
	h.next.ServeHTTP(w, r)
}

func (h *limitedHandler) serveAnswer(w http.ResponseWriter, r *http.Request) {
	if !promoted(w, r) {
		return
	}
	until := time.Now().Add(h.limits.AnswerTimeout.Duration)
	ctx, cancel := context.WithDeadline(r.Context(), until)
	defer cancel()
	setDeadlines(w, until)
	h.next.ServeHTTP(w, r.WithContext(ctx))
}

// promoted makes the connection of r one of an authorized client, or refuses r.
func promoted(w http.ResponseWriter, r *http.Request) bool {
	if err := connlimit.Promote(r.Context()); err != nil {
		refuse(w, http.StatusServiceUnavailable, "this node has as many connections as kubelet.limits.maxConnections allows; try again later")
		return false
	}
	return true
}

// setDeadlines sets when the connection of a request ends; zero is never. Every
// connection of net/http can have deadlines.
func setDeadlines(w http.ResponseWriter, until time.Time) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(until)
	_ = conn.SetWriteDeadline(until)
}

// refuse answers a request that goes no further and closes its connection. A body
// that is still to come is not waited for.
func refuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Connection", "close")
	conn := http.NewResponseController(w)
	now := time.Now()
	_ = conn.SetReadDeadline(now)
	_ = conn.SetWriteDeadline(now.Add(refusalTimeout))
	http.Error(w, message, code)
}
