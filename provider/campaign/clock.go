package campaign

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// simClock is the true time of a world, the cloud's and the API server's. It
// moves only when the scheduler moves it.
type simClock struct{ cloud *emulator.FakeClock }

func (c simClock) Now() time.Time                  { return c.cloud.Now() }
func (c simClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// nodeClock is the clock of one process, which may be wrong.
type nodeClock struct {
	// The provider and the pod controller make timers only in their own loops,
	// which do not run here: any other method panics.
	clock.WithTicker
	i *instance
}

func (c nodeClock) Now() time.Time                  { return c.i.w.clock.Now().Add(c.i.skew) }
func (c nodeClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// clientClock is the clock of one instance's client: its pauses suspend the
// task that called.
type clientClock struct{ i *instance }

func (c clientClock) Now() time.Time { return c.i.w.clock.Now().Add(c.i.skew) }

// Sleep rounds d up to a power of two of a millisecond, for the client jitters
// its pauses: up to 250, 500, 1,000 ms and so on.
func (c clientClock) Sleep(ctx context.Context, d time.Duration) error {
	pause := 125 * time.Millisecond
	for pause <= d {
		pause *= 2
	}
	if c.i.dead {
		return context.Canceled
	}
	c.i.w.task.wakeAt = c.i.w.clock.Now().Add(pause)
	c.i.w.task.suspend()
	return ctx.Err()
}
