package campaign

import (
	"time"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// inFlight is how many calls may come late: what waited for its turn in the
// budget is sent when the scheduler picks it, so that calls can bunch. There are
// two workers each for creates and deletes, and three loops.
const inFlight = 7

// budget counts the calls of one process as the cloud would.
type budget struct {
	rates  map[string]openapi.Rate
	levels map[string]level
}

// level is how many calls were left at a time.
type level struct {
	calls float64
	at    time.Time
}

func newBudget(rates map[string]openapi.Rate) budget {
	return budget{rates: rates, levels: map[string]level{}}
}

// take takes a call out of the bucket of an action, if there is one in it.
func (b budget) take(action string, now time.Time) bool {
	rate, limited := b.rates[action]
	if !limited {
		return true
	}
	left := level{float64(rate.Burst), now}
	if was, known := b.levels[action]; known {
		left.calls = min(left.calls, was.calls+now.Sub(was.at).Seconds()*rate.PerSecond)
	}
	left.calls--
	b.levels[action] = left
	return left.calls > -inFlight
}
