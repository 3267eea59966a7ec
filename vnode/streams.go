package vnode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// streamLimiter counts the streams of each namespace, so that one tenant cannot
// take those of all others.
type streamLimiter struct {
	perNamespace, total int

	mu   sync.Mutex
	open map[string]int // by namespace
	all  int
}

func newStreamLimiter(l KubeletLimits) *streamLimiter {
	return &streamLimiter{perNamespace: l.MaxStreamsPerNamespace, total: l.maxStreams(), open: map[string]int{}}
}

// tooManyStreams is why a stream is refused.
type tooManyStreams struct {
	code    int
	message string
}

func (e *tooManyStreams) Error() string { return e.message }

// acquire takes a stream for a namespace, which release gives back.
func (s *streamLimiter) acquire(namespace string) (release func(), err *tooManyStreams) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.open[namespace]; n >= s.perNamespace {
		return nil, &tooManyStreams{http.StatusTooManyRequests, fmt.Sprintf(
			"namespace %q has %d streams (logs, exec, attach, port-forward) open on this node, the most that kubelet.limits.maxStreamsPerNamespace allows; close some of them",
			namespace, n)}
	}
	if s.all >= s.total {
		return nil, &tooManyStreams{http.StatusServiceUnavailable, fmt.Sprintf(
			"this node has %d streams (logs, exec, attach, port-forward) open, the most that kubelet.limits.maxConnections allows; try again later", s.all)}
	}
	s.open[namespace]++
	s.all++
	return sync.OnceFunc(func() { s.release(namespace) }), nil
}

func (s *streamLimiter) release(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[namespace]--; s.open[namespace] == 0 {
		delete(s.open, namespace)
	}
}

// streamNamespace returns the namespace of a path whose answer goes on for as long
// as its reader likes; ok reports whether it is such a path.
func streamNamespace(path string) (namespace string, ok bool) {
	for _, prefix := range []string{"/containerLogs/", "/exec/", "/attach/", "/portForward/"} {
		if rest, found := strings.CutPrefix(path, prefix); found {
			namespace, _, _ = strings.Cut(rest, "/")
			return namespace, true
		}
	}
	return "", false
}

// portForward makes every connection that is forwarded a stream of its own: one
// request can carry any number of them.
func (s *streamLimiter) portForward(forward api.PortForwardHandlerFunc) api.PortForwardHandlerFunc {
	return func(ctx context.Context, namespace, pod string, port int32, stream io.ReadWriteCloser) error {
		release, err := s.acquire(namespace)
		if err != nil {
			return err
		}
		defer release()
		return forward(ctx, namespace, pod, port, stream)
	}
}
