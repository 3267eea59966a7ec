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

// budget is the token bucket of one action. A nil budget has no limit. It does
// not keep reads, creates and deletes from each other: every action has a bucket
// of its own, as it has at the cloud.
type budget struct {
	limiter *rate.Limiter
	full    Rate
	// shown is the rate of now, waiting the number of calls that wait for it.
	shown, waiting prometheus.Gauge

	mu      sync.Mutex
	share   float64
	lastCut time.Time
}

func newBudget(full Rate, shown, waiting prometheus.Gauge) *budget {
	shown.Set(full.PerSecond)
	return &budget{limiter: rate.NewLimiter(rate.Limit(full.PerSecond), full.Burst), full: full, shown: shown, waiting: waiting, share: 1}
}

// wait takes a token and returns how long that took. When ctx ends first the
// token is given back and the error is ctx.Err().
func (b *budget) wait(ctx context.Context, clock Clock) (time.Duration, error) {
	if err := ctx.Err(); err != nil || b == nil {
		return 0, err
	}
	now := clock.Now()
	token := b.limiter.ReserveN(now, 1)
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
	b.limiter.SetLimitAt(now, rate.Limit(b.full.PerSecond*b.share))
	b.limiter.SetBurstAt(now, max(1, int(float64(b.full.Burst)*b.share)))
	b.shown.Set(b.full.PerSecond * b.share)
}
