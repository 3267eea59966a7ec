package emulator

import (
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// DocumentedRates are the calls per minute of a new account, by the "Limits"
// page of the product. The three actions that the page does not list have the
// rate of the slowest read.
func DocumentedRates() map[string]int {
	return map[string]int{
		eci.ActionDescribeContainerGroups:           2000,
		eci.ActionCreateContainerGroup:              1000,
		eci.ActionDeleteContainerGroup:              1000,
		eci.ActionDescribeContainerGroupPrice:       1000,
		eci.ActionDescribeContainerLog:              500,
		eci.ActionRestartContainerGroup:             500,
		eci.ActionUpdateContainerGroup:              500,
		eci.ActionDescribeMultiContainerGroupMetric: 500,
		eci.ActionDescribeContainerGroupStatus:      500,
		eci.ActionDescribeContainerGroupEvents:      500,
		eci.ActionListUsage:                         500,

		vpc.ActionAllocateEipAddress:    120,
		vpc.ActionAllocateEipAddressPro: 120,
		vpc.ActionAssociateEipAddress:   120,
		vpc.ActionUnassociateEipAddress: 120,
		vpc.ActionDescribeEipAddresses:  600,
		vpc.ActionReleaseEipAddress:     600,
	}
}

// limiter counts calls per action in the current minute.
type limiter struct {
	clock Clock
	rates map[string]int

	mu     sync.Mutex
	minute time.Time
	calls  map[string]int
}

// allow counts one call and says whether it is within the rate.
func (l *limiter) allow(action string) bool {
	rate, limited := l.rates[action]
	if !limited {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := l.clock.Now().Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.calls = minute, map[string]int{}
	}
	l.calls[action]++
	return l.calls[action] <= rate
}
