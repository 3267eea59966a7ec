package emulator

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Fault is something that goes wrong with calls. Its effects add up; the zero
// Fault has none.
type Fault struct {
	// Action that is hit; empty hits all.
	Action string
	// When narrows it further by the parameters of the call; nil hits all. It
	// is called with a lock held and must not call the emulator.
	When func(action string, params map[string]string) bool
	// Skip lets that many matching calls pass first; Times is how many are
	// then hit, 0 for all until Remove.
	Skip, Times int

	// Latency is waited before acting, on the emulator's clock.
	Latency time.Duration
	// Error is answered instead of acting.
	Error *eci.Error
	// DropRequest cuts the connection before acting, DropAnswer after it, by
	// http.ErrAbortHandler: they need a real server around the handler.
	DropRequest, DropAnswer bool
	// EmptyList makes lists (groups, statuses, events) empty, with success.
	EmptyList bool
	// HideYoung keeps groups younger than this out of lists, and their logs
	// unknown: reads that lag behind writes.
	HideYoung time.Duration
	// Frozen makes lists show the groups as they were at Inject, deleted ones
	// included.
	Frozen bool
	// NoStock makes creates fail for want of stock.
	NoStock *NoStock
}

// NoStock is a shortage. The zero value is one of everything.
type NoStock struct {
	// ZoneID and the size narrow it; empty and 0 mean any.
	ZoneID      string
	CPU, Memory float64
	// Late accepts the create and ends the group as ScheduleFailed.
	Late bool
}

// Injected is a fault at work.
type Injected struct {
	faults *Faults
	fault  Fault
	frozen []*group
	seen   int
	hits   int
}

// Faults is the set of injected faults, safe for concurrent use.
type Faults struct {
	snapshot func() []*group

	mu     sync.Mutex
	active []*Injected
}

// effects are what the faults do to one call.
type effects struct {
	latency    time.Duration
	err        *eci.Error
	dropBefore bool
	dropAnswer bool
	empty      bool
	hideYoung  time.Duration
	frozen     []*group
	isFrozen   bool
	shortages  []NoStock
}

// Throttled is the error of a passed rate, for Fault.Error.
func Throttled() *eci.Error { return throttled() }

// Unavailable is the error of a broken cloud (HTTP 503), for Fault.Error.
func Unavailable() *eci.Error {
	return refuse(503, eci.CodeServiceUnavailable, "The request has failed due to a temporary failure of the server.")
}

// Refusal is any error by its HTTP status and code, for Fault.Error.
func Refusal(status int, code string) *eci.Error { return refuse(status, code, "Injected %s.", code) }

// Inject adds a fault; of several with an Error the first wins.
func (f *Faults) Inject(fault Fault) *Injected {
	in := &Injected{faults: f, fault: fault}
	if fault.Frozen {
		in.frozen = f.snapshot()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = append(f.active, in)
	return in
}

// Clear removes all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = nil
}

// Remove ends the fault.
func (in *Injected) Remove() {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	in.faults.active = slices.DeleteFunc(in.faults.active, func(other *Injected) bool { return other == in })
}

// Hits is how many calls the fault has hit.
func (in *Injected) Hits() int {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	return in.hits
}

// strike finds what hits a call and does the part that comes before acting.
func (f *Faults) strike(ctx context.Context, clock Clock, c *call) *eci.Error {
	f.mu.Lock()
	for _, in := range f.active {
		if in.matches(c) {
			in.apply(&c.effects)
		}
	}
	f.mu.Unlock()
	wait(ctx, clock, c.effects.latency)
	if c.effects.dropBefore {
		c.effects.dropAnswer = true
		return refuse(503, eci.CodeServiceUnavailable, "dropped")
	}
	return c.effects.err
}

func (in *Injected) matches(c *call) bool {
	if in.fault.Action != "" && in.fault.Action != c.action {
		return false
	}
	if in.fault.When != nil && !in.fault.When(c.action, c.params) {
		return false
	}
	if in.seen++; in.seen <= in.fault.Skip {
		return false
	}
	return in.fault.Times == 0 || in.hits < in.fault.Times
}

func (in *Injected) apply(to *effects) {
	in.hits++
	to.latency += in.fault.Latency
	if to.err == nil {
		to.err = in.fault.Error
	}
	to.dropBefore = to.dropBefore || in.fault.DropRequest
	to.dropAnswer = to.dropAnswer || in.fault.DropAnswer
	to.empty = to.empty || in.fault.EmptyList
	to.hideYoung = max(to.hideYoung, in.fault.HideYoung)
	if in.fault.Frozen {
		to.frozen, to.isFrozen = in.frozen, true
	}
	if in.fault.NoStock != nil {
		to.shortages = append(to.shortages, *in.fault.NoStock)
	}
}

// wait lets d pass on the clock, or the caller go away.
func wait(ctx context.Context, clock Clock, d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	timer := clock.AfterFunc(d, func() { close(done) })
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// hits says whether the shortage concerns a size in a zone.
func (s NoStock) hits(zone string, cpu, memory float64) bool {
	return (s.ZoneID == "" || s.ZoneID == zone) && (s.CPU == 0 || s.CPU == cpu) && (s.Memory == 0 || s.Memory == memory)
}
