package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// busyGarbage is how much the collector lets pile up between two of its runs, in
	// bytes, while pods come and go, restGarbage at rest. By default that is as much as
	// is in use: next to nothing on a node with few pods, so that a burst of them spent
	// a sixth of its CPU time on collecting.
	busyGarbage = 128 << 20
	restGarbage = 20 << 20
	// busyBytes are allocated in one second by a burst of pods, and never at rest.
	busyBytes = 8 << 20
	// restAfter is how many seconds in a row have to be calm. The memory that the
	// burst took is then given back.
	restAfter = 20
	// leastPercent bounds the work of the collector on a node with very many pods.
	leastPercent = 25
	mostPercent  = 2000
	// percentStep is the least change worth telling the runtime, which stops the
	// program for a moment to hear of it.
	percentStep = 10
	liveBytes   = "/gc/heap/live:bytes"
	allocBytes  = "/gc/heap/allocs:bytes"
)

// limitGarbage keeps the amount of garbage about the same however many pods there
// are, and gives memory back when they rest, until ctx ends. Whoever sets GOGC or
// GOMEMLIMIT knows better.
func limitGarbage(ctx context.Context, env lookupEnv) {
	if _, set := env("GOGC"); set || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var pace pace
	for set := 0; ; {
		live, allocated := readHeap()
		rested := pace.second(allocated)
		if want := garbagePercent(live, pace.garbage()); max(want-set, set-want) >= percentStep {
			debug.SetGCPercent(want)
			set = want
		}
		if rested {
			debug.FreeOSMemory()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// pace tells work from rest by what is allocated. The zero value is at work.
type pace struct {
	allocated uint64
	calm      int // seconds in a row
}

// second takes what was allocated until now, a second after the last time. It is
// true when rest has just begun.
func (p *pace) second(allocated uint64) (rested bool) {
	p.calm++
	if allocated-p.allocated >= busyBytes {
		p.calm = 0
	}
	p.allocated = allocated
	return p.calm == restAfter
}

// garbage is how much may pile up at this pace.
func (p *pace) garbage() uint64 {
	if p.calm >= restAfter {
		return restGarbage
	}
	return busyGarbage
}

// garbagePercent is GOGC for a heap of which the last collection left live bytes.
func garbagePercent(live, garbage uint64) int {
	return int(min(max(garbage*100/max(live, 1), leastPercent), mostPercent))
}

// readHeap is how much the last collection left, and how much was ever allocated.
func readHeap() (live, allocated uint64) {
	samples := []metrics.Sample{{Name: liveBytes}, {Name: allocBytes}}
	metrics.Read(samples)
	return valueOf(samples[0]), valueOf(samples[1])
}

func valueOf(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}
