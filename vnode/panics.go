package vnode

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// Every goroutine of this package begins with a deferred HandleCrashWithContext,
// which logs and counts a panic and, unless utilruntime.ReallyCrash says otherwise,
// ends it there. architecture_test.go checks that.

// catchPanic calls f and turns a panic into an error.
func catchPanic(ctx context.Context, f func() error) (err error) {
	defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
	return f()
}

// panicked stores a panic as an error, for HandleCrashWithContext.
func panicked(err *error) func(context.Context, any) {
	return func(_ context.Context, cause any) { *err = fmt.Errorf("panic: %v", cause) }
}

// withPanicsAnswered answers a request whose handler panics with 500, or cuts the answer
// off where it has begun.
func withPanicsAnswered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &begunWriter{ResponseWriter: w}
		defer utilruntime.HandleCrashWithContext(r.Context(), func(_ context.Context, cause any) {
			if cause == http.ErrAbortHandler || begun.begun {
				panic(http.ErrAbortHandler)
			}
			http.Error(w, "the virtual node failed to answer this request; its log says why", http.StatusInternalServerError)
		})
		h.ServeHTTP(begun, r)
	})
}

// begunWriter notes that an answer has begun, or that the connection was taken
// over.
type begunWriter struct {
	http.ResponseWriter
	begun bool
}

// Unwrap returns the writer below.
func (w *begunWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader begins the answer.
func (w *begunWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write begins the answer.
func (w *begunWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// Flush sends what was written.
func (w *begunWriter) Flush() {
	w.begun = true
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a recorder of a test may not
}

// Hijack takes the connection over.
func (w *begunWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// guardedLogs is what serves logs, with a panic as the error of the request.
func guardedLogs(logs api.ContainerLogsHandlerFunc) api.ContainerLogsHandlerFunc {
	return func(ctx context.Context, namespace, pod, container string, opts api.ContainerLogOpts) (out io.ReadCloser, err error) {
		err = catchPanic(ctx, func() (err error) {
			out, err = logs(ctx, namespace, pod, container, opts)
			return err
		})
		return out, err
	}
}

// guardedExec is what runs commands, with a panic as the error of the stream.
func guardedExec(run api.ContainerExecHandlerFunc) api.ContainerExecHandlerFunc {
	return func(ctx context.Context, namespace, pod, container string, cmd []string, attach api.AttachIO) error {
		return catchPanic(ctx, func() error { return run(ctx, namespace, pod, container, cmd, attach) })
	}
}

// guardedAttach is what attaches, with a panic as the error of the stream.
func guardedAttach(attachTo api.ContainerAttachHandlerFunc) api.ContainerAttachHandlerFunc {
	return func(ctx context.Context, namespace, pod, container string, attach api.AttachIO) error {
		return catchPanic(ctx, func() error { return attachTo(ctx, namespace, pod, container, attach) })
	}
}

// guardedForward is what forwards ports, with a panic as the error of the stream:
// the library calls it on a goroutine that does not recover.
func guardedForward(forward api.PortForwardHandlerFunc) api.PortForwardHandlerFunc {
	return func(ctx context.Context, namespace, pod string, port int32, stream io.ReadWriteCloser) error {
		return catchPanic(ctx, func() error { return forward(ctx, namespace, pod, port, stream) })
	}
}
