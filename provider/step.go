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
func NewStepper(p *Provider) *Stepper { return &Stepper{p: p, reaper: newReaper(p)} }

// Sync is one turn of the sync loop; what could not be scheduled is made anew
// one after the other.
func (s *Stepper) Sync(ctx context.Context) {
	for _, e := range s.p.dueRetries() {
		s.p.retry(ctx, e)
	}
	s.last = s.p.syncTurn(ctx, s.last)
	s.p.relay.flush(ctx, 1)
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
