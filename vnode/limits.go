package vnode

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// readHeaderTimeout bounds how long a client may take over its handshake and
	// the head of its request, idleTimeout the time between two requests.
	readHeaderTimeout = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	// answerTimeout bounds a whole answer that is no stream.
	answerTimeout = time.Minute
	// maxHeaderBytes holds the longest command: all of it travels in the URL.
	maxHeaderBytes = 1 << 20
	// maxBodyBytes: no request of the kubelet API has a body, but for streams,
	// whose connection is taken over.
	maxBodyBytes = 1 << 20
	// drainTimeout is how long requests in flight may go on after shutdown began.
	drainTimeout = 5 * time.Second
)

// limitConnections makes further clients wait until one leaves.
func limitConnections(l net.Listener, most int) net.Listener { return netutil.LimitListener(l, most) }

// limited bounds the size of every request, and the time of those that are no
// streams.
func limited(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		var until time.Time // a stream takes off what the request before it set
		if !streams(r.URL.Path) {
			until = time.Now().Add(answerTimeout)
			ctx, cancel := context.WithDeadline(r.Context(), until)
			defer cancel()
			r = r.WithContext(ctx)
		}
		// Every connection of net/http can have deadlines.
		conn := http.NewResponseController(w)
		_ = conn.SetReadDeadline(until)
		_ = conn.SetWriteDeadline(until)
		h.ServeHTTP(w, r)
	})
}

// streams says whether the answer goes on for as long as its reader likes.
func streams(path string) bool {
	for _, prefix := range []string{"/containerLogs/", "/exec/", "/attach/", "/portForward/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
