package vnode

import (
	"context"
	"io"
	"net/http"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// tailKey marks the context of a request for the log of --tail=0.
type tailKey struct{}

// noticeTail keeps what the library loses: to it no tail and a tail of no lines
// are both 0 (node/api/logs.go), and `kubectl logs -f --tail=0` would show all of
// the past.
func noticeTail(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("tailLines") == "0" {
			r = r.WithContext(context.WithValue(r.Context(), tailKey{}, true))
		}
		h.ServeHTTP(w, r)
	})
}

// withoutPast tells the provider of such a request by a Tail of -1.
func withoutPast(logs api.ContainerLogsHandlerFunc) api.ContainerLogsHandlerFunc {
	return func(ctx context.Context, namespace, pod, container string, opts api.ContainerLogOpts) (io.ReadCloser, error) {
		if ctx.Value(tailKey{}) != nil {
			opts.Tail = -1
		}
		return logs(ctx, namespace, pod, container, opts)
	}
}
