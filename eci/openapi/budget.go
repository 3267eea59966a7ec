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

// userShare is the part of every budget that calls of eci.PriorityUser and
// eci.PrioritySpare can use up together. The rest is reserved for the control loops.
const userShare = 0.75

// budget is the token bucket of one action. A nil budget has no limit. It does
// not keep reads, creates and deletes from each other: every action has a bucket
// of its own, as it has at the cloud.
type budget struct {
	limiter *rate.Limiter
	// users is what calls pass first that are not of the control loops.
	users *rate.Limiter
	full  Rate
	// shown is the rate of now, waiting the number of calls that wait for it.
	shown, waiting prometheus.Gauge

	mu      sync.Mutex
	share   float64
	lastCut time.Time
}

func newBudget(full Rate, shown, waiting prometheus.Gauge) *budget {
	shown.Set(full.PerSecond)
	return &budget{
		limiter: rate.NewLimiter(rate.Limit(full.PerSecond), full.Burst),
		users:   rate.NewLimiter(rate.Limit(full.PerSecond*userShare), userBurst(full.Burst)),
		full:    full, shown: shown, waiting: waiting, share: 1,
	}
}

func userBurst(burst int) int { return max(1, int(float64(burst)*userShare)) }

// wait takes a token and returns how long that took. When ctx ends first the
// token is given back and the error is ctx.Err(). A call of eci.PrioritySpare never
// waits: it fails with eci.ErrNoBudget.
func (b *budget) wait(ctx context.Context, clock Clock) (time.Duration, error) {
	if err := ctx.Err(); err != nil || b == nil {
		return 0, err
	}
	switch eci.PriorityOf(ctx) {
	case eci.PrioritySpare:
		if now := clock.Now(); !b.users.AllowN(now, 1) || !b.limiter.AllowN(now, 1) {
			return 0, eci.ErrNoBudget
		}
		return 0, nil
	case eci.PriorityUser:
		first, err := b.waitFor(ctx, b.users, clock)
		if err != nil {
			return first, err
		}
		second, err := b.waitFor(ctx, b.limiter, clock)
		return first + second, err
	}
	return b.waitFor(ctx, b.limiter, clock)
}

// waitFor takes a token of one limiter.
func (b *budget) waitFor(ctx context.Context, limiter *rate.Limiter, clock Clock) (time.Duration, error) {
	now := clock.Now()
	token := limiter.ReserveN(now, 1)
	d := token.DelayFrom(now)
	if d <= 0 {
		return 0, nil
	}
	b.waiting.Inc()
	defer b.waiting.Dec()
	if err := clock.Sleep(ctx, d); err != nil {
		token.CancelAt(clock.Now())
		return clock.Now().Sub(now), err
	}
	return d, nil
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
	perSecond, burst := b.full.PerSecond*b.share, max(1, int(float64(b.full.Burst)*b.share))
	b.limiter.SetLimitAt(now, rate.Limit(perSecond))
	b.limiter.SetBurstAt(now, burst)
	b.users.SetLimitAt(now, rate.Limit(perSecond*userShare))
	b.users.SetBurstAt(now, userBurst(burst))
	b.shown.Set(b.full.PerSecond * b.share)
}
