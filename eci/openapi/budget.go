package openapi

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Additive increase and multiplicative decrease of a budget, as shares of its
// configured rate.
const (
	minShare = 1.0 / 32
	// raiseShare gives the whole rate back after some 50 good calls.
	raiseShare = 1.0 / 50
	// cutPause joins the refusals of one burst into one decrease.
	cutPause = time.Second
)

// reservedShare is the part of every budget that only calls of eci.PriorityControl can
// use; they can use the rest as well.
const reservedShare = 0.25

// budget is the token bucket of one action, in two parts. A nil budget has no limit.
// It does not keep reads, creates and deletes from each other: every action has a
// bucket of its own, as it has at the cloud.
type budget struct {
	reserved, shared *rate.Limiter
	full             Rate
	// shown is the rate of now, waiting the number of calls that wait for it.
	shown, waiting prometheus.Gauge

	mu      sync.Mutex
	share   float64
	lastCut time.Time
}

func newBudget(full Rate, shown, waiting prometheus.Gauge) *budget {
	reserved, shared := full.split(1)
	shown.Set(full.PerSecond)
	return &budget{
		reserved: rate.NewLimiter(rate.Limit(reserved.PerSecond), reserved.Burst),
		shared:   rate.NewLimiter(rate.Limit(shared.PerSecond), shared.Burst),
		full:     full, shown: shown, waiting: waiting, share: 1,
	}
}

// split divides a share of a rate into the part that is reserved and the part that is
// not. One call at a time is always possible in the latter.
func (r Rate) split(share float64) (reserved, shared Rate) {
	perSecond, burst := r.PerSecond*share, max(1, int(float64(r.Burst)*share))
	kept := int(float64(burst) * reservedShare)
	reserved = Rate{PerSecond: perSecond * reservedShare, Burst: kept}
	shared = Rate{PerSecond: perSecond - reserved.PerSecond, Burst: burst - kept}
	if kept == 0 { // too small to be divided
		reserved.PerSecond, shared.PerSecond = 0, perSecond
	}
	return reserved, shared
}

// wait takes a token and returns how long that took. When ctx ends first the
// token is given back and the error is ctx.Err(). A call of eci.PrioritySpare never
// waits: it fails with eci.ErrNoBudget.
func (b *budget) wait(ctx context.Context, clock Clock) (time.Duration, error) {
	if err := ctx.Err(); err != nil || b == nil {
		return 0, err
	}
	now := clock.Now()
	if eci.PriorityOf(ctx) == eci.PrioritySpare {
		if !b.shared.AllowN(now, 1) {
			return 0, eci.ErrNoBudget
		}
		return 0, nil
	}
	token := b.reserve(eci.PriorityOf(ctx), now)
	d := token.DelayFrom(now)
	if d <= 0 {
		return 0, nil
	}
	b.waiting.Inc()
	defer b.waiting.Dec()
	if err := clock.Sleep(ctx, d); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		token.CancelAt(clock.Now())
		return clock.Now().Sub(now), err
	}
	return d, nil
}

// reserve takes the token that comes first of those that the priority may use.
func (b *budget) reserve(priority eci.Priority, now time.Time) *rate.Reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	shared := b.shared.ReserveN(now, 1)
	if priority != eci.PriorityControl || shared.DelayFrom(now) <= 0 {
		return shared
	}
	reserved := b.reserved.ReserveN(now, 1)
	if !reserved.OK() || reserved.DelayFrom(now) >= shared.DelayFrom(now) {
		reserved.CancelAt(now)
		return shared
	}
	shared.CancelAt(now)
	return reserved
}

// learn halves the budget when the cloud throttled and raises it after success.
func (b *budget) learn(err error, now time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case eci.IsThrottled(err):
		if now.Sub(b.lastCut) < cutPause {
			return
		}
		b.lastCut = now
		b.share = max(b.share/2, minShare)
	case err == nil && b.share < 1:
		b.share = min(b.share+raiseShare, 1)
	default:
		return
	}
	// The burst shrinks with the rate: it holds tokens that the cloud has just
	// said are not there.
	reserved, shared := b.full.split(b.share)
	b.reserved.SetLimitAt(now, rate.Limit(reserved.PerSecond))
	b.reserved.SetBurstAt(now, reserved.Burst)
	b.shared.SetLimitAt(now, rate.Limit(shared.PerSecond))
	b.shared.SetBurstAt(now, shared.Burst)
	b.shown.Set(b.full.PerSecond * b.share)
}
