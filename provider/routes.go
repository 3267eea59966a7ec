package provider

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	utilcache "k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"
)

const (
	// routeMemory is how long what did not answer is not dialled again: every
	// connection would wait for dialTimeout.
	routeMemory = time.Minute
	// toolMemory is how long the program is known that forwards in a group.
	toolMemory = time.Hour
	// maxRoutes bounds what is remembered of each; what was not used for longest is
	// forgotten first, and found anew.
	maxRoutes = 1000
)

// routes remembers what cannot be reached by TCP, and what forwards in which group.
type routes struct {
	// addresses has the addresses of pods that no route leads to, ports those, with
	// their address, that stay silent: other ports of the pod may answer.
	addresses, ports *utilcache.LRUExpireCache
	tools            *utilcache.LRUExpireCache
}

func newRoutes(clock clock.PassiveClock) *routes {
	return &routes{
		addresses: utilcache.NewLRUExpireCacheWithClock(maxRoutes, clock),
		ports:     utilcache.NewLRUExpireCacheWithClock(maxRoutes, clock),
		tools:     utilcache.NewLRUExpireCacheWithClock(maxRoutes, clock),
	}
}

// closed is why an address is not worth a try, or nil.
func (r *routes) closed(ip, address string) error {
	if _, known := r.addresses.Get(ip); known {
		return fmt.Errorf("no route led to %s within the last %s", ip, routeMemory)
	}
	if _, known := r.ports.Get(address); known {
		return fmt.Errorf("%s did not answer within the last %s", address, routeMemory)
	}
	return nil
}

// note remembers what a failed dial tells. A port that refuses is remembered
// nowhere: it answers at once, and may be served in a moment.
func (r *routes) note(ip, address string, err error, silent bool) {
	switch {
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		r.addresses.Add(ip, nil, routeMemory)
	case silent:
		r.ports.Add(address, nil, routeMemory)
	}
}

// tool is the program that forwards in a group.
func (r *routes) tool(group string) (forwarder, bool) {
	f, known := r.tools.Get(group)
	if !known {
		return forwarder{}, false
	}
	return f.(forwarder), true
}

func (r *routes) remember(group string, f forwarder) { r.tools.Add(group, f, toolMemory) }
