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
	// Launches and Endings are the queues that Deps.NewQueue has made.
	Launches, Endings Queue
}

// NewStepper returns a Stepper that has not taken a turn. Recover must have
// succeeded before the first.
func NewStepper(p *Provider) *Stepper {
	p.readers = 1 // one call after the other
	p.profiles.reads.alone = true
	return &Stepper{p: p, reaper: newReaper(p), Launches: p.launches.Queue, Endings: p.endings.Queue}
}

// Work takes one item from q, one of the stepper's queues, and works on it.
func (s *Stepper) Work(ctx context.Context, q Queue) {
	if q == s.Launches {
		s.p.launches.next(ctx)
		return
	}
	s.p.endings.next(ctx)
}

// Sync is one turn of the sync loop.
func (s *Stepper) Sync(ctx context.Context) {
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
