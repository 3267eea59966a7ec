package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// hangsAfter is how long the sync loop of a node may ask the cloud nothing. It
// asks every few seconds, and a throttled account slows that to a quarter of a
// minute; a failed call counts as well, so that an outage of the cloud or of the
// API server ends no process.
const hangsAfter = 5 * time.Minute

// heartbeat is the last time that the sync loop asked the cloud.
// While recovering is true there is no loop yet, and any call counts: to read some
// thousand groups takes long on a throttled account.
type heartbeat struct {
	last       atomic.Int64 // Unix nanoseconds, 0 before the first call
	now        func() time.Time
	recovering func() bool
}

func newHeartbeat(recovering func() bool) *heartbeat {
	return &heartbeat{now: time.Now, recovering: recovering}
}

// observe takes every attempt of every call.
func (h *heartbeat) observe(a openapi.Attempt) {
	if a.Action == eci.ActionDescribeContainerGroupStatus || h.recovering() {
		h.last.Store(h.now().UnixNano())
	}
}

// hung says since when the sync loop has stopped, or nothing. A process that
// stands by has none.
func (h *heartbeat) hung() string {
	last := h.last.Load()
	if last == 0 {
		return ""
	}
	if silent := h.now().Sub(time.Unix(0, last)); silent > hangsAfter {
		return fmt.Sprintf("the sync loop has not asked the cloud for %s", silent.Truncate(time.Second))
	}
	return ""
}
