package openapi

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eci-vnode/eci-vnode/eci"
)

func gauge() prometheus.Gauge { return prometheus.NewGauge(prometheus.GaugeOpts{Name: "g"}) }

func TestABudgetLetsABurstThroughAndThenItsRate(t *testing.T) {
	clock := newFakeClock()
	b := newBudget(Rate{PerSecond: 10, Burst: 5}, gauge(), gauge())
	for range 25 {
		if _, err := b.wait(context.Background(), clock); err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.total(); math.Abs((got - 2*time.Second).Seconds()) > 0.01 {
		t.Errorf("25 calls took %s, want 2s", got)
	}
}

func TestAWaitThatIsGivenUpCostsNoToken(t *testing.T) {
	clock := newFakeClock()
	b := newBudget(Rate{PerSecond: 1, Burst: 1}, gauge(), gauge())
	if _, err := b.wait(context.Background(), clock); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		impatient, giveUp := context.WithCancel(context.Background())
		if _, err := b.wait(impatient, canceling{clock, giveUp}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	waited, err := b.wait(context.Background(), clock)
	if err != nil || waited > time.Second {
		t.Errorf("waited %s, %v; want at most 1s", waited, err)
	}
}

// canceling ends the context when somebody sleeps.
type canceling struct {
	*fakeClock
	cancel func()
}

func (c canceling) Sleep(ctx context.Context, _ time.Duration) error {
	c.cancel()
	return ctx.Err()
}

func TestABudgetHalvesWhenThrottledAndComesBackSlowly(t *testing.T) {
	now := time.Now()
	b := newBudget(Rate{PerSecond: 32, Burst: 64}, gauge(), gauge())
	refused := &eci.Error{Code: eci.CodeThrottlingUser, HTTPStatus: 400}
	for range 10 {
		b.learn(refused, now)
	}
	if got := perSecond(b); got != 16 {
		t.Errorf("one burst of refusals: %v per second, want 16", got)
	}
	for range 20 {
		now = now.Add(cutPause)
		b.learn(refused, now)
	}
	if got := perSecond(b); got != 1 {
		t.Errorf("the least is %v per second, want 1", got)
	}
	b.learn(&eci.Error{Code: eci.CodeNoStock, HTTPStatus: 403}, now)
	b.learn(nil, now)
	if got := perSecond(b); got <= 1 || got > 2 {
		t.Errorf("after one success: %v per second", got)
	}
	for range 60 {
		b.learn(nil, now)
	}
	if burst := b.reserved.Burst() + b.shared.Burst(); perSecond(b) != 32 || burst != 64 {
		t.Errorf("the whole budget must come back, got %v and %d", perSecond(b), burst)
	}
}

// perSecond is the rate of both parts of a budget.
func perSecond(b *budget) float64 { return float64(b.reserved.Limit() + b.shared.Limit()) }

func TestDefaultRatesStayInsideTheDocumentedOnes(t *testing.T) {
	rates := DefaultRates()
	for action, perMinute := range map[string]float64{"DescribeContainerGroups": 2000, "DescribeContainerLog": 500} {
		if r := rates[action]; r.PerSecond*60+float64(r.Burst) > perMinute+0.001 || r.PerSecond*60 < perMinute*0.8 {
			t.Errorf("%s: %+v", action, r)
		}
	}
	for _, action := range []string{"CreateContainerGroup", "DeleteContainerGroup"} {
		if r := rates[action]; r.PerSecond != 20 || r.Burst > 100 || r.Burst < 90 {
			t.Errorf("%s: %+v, want a little less than a bucket of 100 and 20 a second", action, r)
		}
	}
}

func TestEachActionHasItsOwnBudget(t *testing.T) {
	s := startServer(t, ok)
	clock := newFakeClock()
	c := newClient(t, s.URL, func(cfg *Config, d *Deps) {
		cfg.Rates = map[string]Rate{eci.ActionCreateContainerGroup: {PerSecond: 1, Burst: 1}}
		d.Clock = clock
	})
	for range 3 {
		if err := errors.Join(create(c, "t"), list(c, "")); err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.total(); math.Abs(got.Seconds()-2) > 0.01 {
		t.Errorf("waited %s for 3 creates, want 2s", got)
	}
}
