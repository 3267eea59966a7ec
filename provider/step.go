package provider

import (
	"context"
	"time"
)

// Stepper takes the loops of a Provider turn by turn on the caller's goroutine,
// where Run lets them go by themselves: a simulation that must replay exactly
// has to own every interleaving. A Provider has one or the other, never both.
type Stepper struct {
	p      *Provider
	last   time.Time
	reaper *reaper
}

// NewStepper returns a Stepper that has not taken a turn. Recover must have
// succeeded before the first.
func NewStepper(p *Provider) *Stepper {
	p.readers = 1 // one call after the other
	p.profiles.reads.alone = true
	return &Stepper{p: p, reaper: newReaper(p)}
}

// Sync is one turn of the sync loop; what could not be scheduled is made anew
// one after the other.
func (s *Stepper) Sync(ctx context.Context) {
	for _, e := range s.p.dueRetries() {
		s.p.retry(ctx, e)
	}
	s.last = s.p.syncTurn(ctx, s.last)
	s.flush(ctx)
}

// flush writes the events that wait, pod by pod; what fails waits for the next
// turn.
func (s *Stepper) flush(ctx context.Context) {
	for _, pod := range s.p.relay.waiting() {
		if err := s.p.relay.write(ctx, pod.uid, pod.events); err != nil {
			return
		}
	}
}

// Pace is how long the sync loop would wait now before its next turn.
func (s *Stepper) Pace() time.Duration {
	_, most := s.p.pace()
	return most
}

// Repair is one turn of the repair loop.
func (s *Stepper) Repair(ctx context.Context) { s.p.repairTurn(ctx, s.reaper) }

// Refresh is one round of the refresh loop.
func (s *Stepper) Refresh(ctx context.Context) { s.p.refreshTurn(ctx) }
