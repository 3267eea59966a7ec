package emulator

import (
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// DocumentedRates are the calls per minute of a new account, by the "Limits"
// page of the product; see DocumentedBuckets for creates and deletes. The three
// actions that the page does not list have the rate of the slowest read.
func DocumentedRates() map[string]int {
	return map[string]int{
		eci.ActionDescribeContainerGroups:           2000,
		eci.ActionDescribeContainerGroupPrice:       1000,
		eci.ActionDescribeContainerLog:              500,
		eci.ActionExecContainerCommand:              500,
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

// Bucket is a rate that is not counted by the minute: Burst calls at once, then
// PerSecond.
type Bucket struct {
	PerSecond float64
	Burst     int
}

// DocumentedBuckets are those of creates and deletes: 100 at once, then 20 a
// second, by the "Limits" page of today (product-overview/limits). Older pages
// say 1,000 a minute.
func DocumentedBuckets() map[string]Bucket {
	bucket := Bucket{PerSecond: 20, Burst: 100}
	return map[string]Bucket{eci.ActionCreateContainerGroup: bucket, eci.ActionDeleteContainerGroup: bucket}
}

// limiter counts calls per action in the current minute, or fills a bucket.
type limiter struct {
	clock   Clock
	rates   map[string]int
	buckets map[string]Bucket

	mu     sync.Mutex
	minute time.Time
	calls  map[string]int
	levels map[string]level
}

// level is how full a bucket was, in calls, at a time.
type level struct {
	calls float64
	at    time.Time
}

func newLimiter(clock Clock, rates map[string]int, buckets map[string]Bucket) *limiter {
	return &limiter{clock: clock, rates: rates, buckets: buckets, levels: map[string]level{}}
}

// allow counts one call and says whether it is within the rate.
func (l *limiter) allow(action string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[action]; ok && !l.take(action, b) {
		return false
	}
	rate, limited := l.rates[action]
	if !limited {
		return true
	}
	if minute := l.clock.Now().Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.calls = minute, map[string]int{}
	}
	l.calls[action]++
	return l.calls[action] <= rate
}

// take takes a call out of a bucket, if there is one in it. A refused call takes
// none.
func (l *limiter) take(action string, b Bucket) bool {
	now, full := l.clock.Now(), float64(b.Burst)
	have := full
	if last, seen := l.levels[action]; seen {
		have = min(full, last.calls+now.Sub(last.at).Seconds()*b.PerSecond)
	}
	taken := have >= 1
	if taken {
		have--
	}
	l.levels[action] = level{have, now}
	return taken
}
