package vnode

import (
	"context"
	"fmt"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/clock"
)

// caller makes every call into the provider: measured, and with a panic turned
// into an error, so that one poisoned pod cannot take the node down.
type caller struct {
	metrics *metrics
	clock   clock.PassiveClock
}

func (c *caller) call(ctx context.Context, op string, f func() error) error {
	start := c.clock.Now()
	panicked := true
	var err error
	func() {
		defer func() {
			if panicked {
				err = c.recovered(ctx, op, recover())
			}
		}()
		err = f()
		panicked = false
	}()
	result := providerResult(err)
	if panicked {
		result = resultPanic
	}
	c.metrics.providerCall(op, result, c.clock.Since(start))
	return err
}

// recovered counts a panic and hands it to those who log and count all of them, with
// the stack that the error leaves out.
func (c *caller) recovered(ctx context.Context, op string, cause any) error {
	c.metrics.panics.WithLabelValues(op).Inc()
	for _, handle := range utilruntime.PanicHandlers {
		handle(ctx, cause)
	}
	return fmt.Errorf("panic in %s: %v", op, cause)
}
