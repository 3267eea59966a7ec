package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
)

// catchPanics lets no panic in a goroutine end the program: each is logged with its
// stack, by the logger of its context or else by logger, and counted. Goroutines of
// Kubernetes' libraries are caught in the same way.
func catchPanics(logger log.Logger, registry prometheus.Registerer) {
	panics := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "eci_vnode_panics_total",
		Help: "Panics that were caught. Each is an error of this program; the log has its stack.",
	})
	registry.MustRegister(panics)
	log.L = logger
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = []func(context.Context, any){func(ctx context.Context, cause any) {
		if cause == http.ErrAbortHandler {
			return // an answer that was cut off on purpose
		}
		panics.Inc()
		log.G(ctx).WithField("stack", string(debug.Stack())).Errorf("panic: %v", cause)
	}}
}

// panicked stores a panic as an error, for HandleCrashWithContext.
func panicked(err *error) func(context.Context, any) {
	return func(_ context.Context, cause any) { *err = fmt.Errorf("panic: %v", cause) }
}

// keepUp runs a loop until it returns, and anew after a panic.
func keepUp(ctx context.Context, loop func(context.Context)) {
	pause := wait.Backoff{Duration: time.Second, Factor: 2, Steps: 10, Cap: time.Minute}.DelayFunc()
	_ = pause.Until(ctx, true, true, func(ctx context.Context) (bool, error) { // ends with the loop or ctx
		loop(ctx)
		return true, nil
	})
}
