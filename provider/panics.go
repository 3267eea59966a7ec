package provider

import (
	"context"
	"fmt"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Every goroutine of this package begins with a deferred HandleCrashWithContext,
// which logs and counts a panic and, unless utilruntime.ReallyCrash says otherwise,
// ends it there. architecture_test.go checks that.

// A loop that panicked begins anew after a pause between firstRestart and
// lastRestart, which is short again once the loop has run for longRun.
const (
	firstRestart = time.Second
	lastRestart  = time.Minute
	longRun      = 10 * time.Minute
)

// keepUp runs a loop until it returns, and anew after a panic.
func (p *Provider) keepUp(ctx context.Context, loop func(context.Context)) {
	pause := wait.Backoff{Duration: firstRestart, Factor: 2, Steps: 10, Cap: lastRestart}.DelayWithReset(p.deps.Clock, longRun)
	for catchPanic(ctx, func() error { loop(ctx); return nil }) != nil && p.sleep(ctx, pause()) {
	}
}

// catchPanic calls f and turns a panic into an error.
func catchPanic(ctx context.Context, f func() error) (err error) {
	defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
	return f()
}

// panicked stores a panic as an error, for HandleCrashWithContext.
func panicked(err *error) func(context.Context, any) {
	return func(_ context.Context, cause any) { *err = fmt.Errorf("panic: %v", cause) }
}
