package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbage is how much the collector lets pile up between two of its runs, in
	// bytes. By default that is as much as is in use: next to nothing on a node with
	// few pods, so that a burst of them spent a sixth of its CPU time on collecting.
	garbage = 48 << 20
	// leastPercent bounds the work of the collector on a node with very many pods.
	leastPercent = 40
	mostPercent  = 1000
	// percentStep is the least change worth telling the runtime, which stops the
	// program for a moment to hear of it.
	percentStep = 10
	liveBytes   = "/gc/heap/live:bytes"
)

// limitGarbage keeps the amount of garbage about the same however many pods there
// are, until ctx ends. Whoever sets GOGC or GOMEMLIMIT knows better.
func limitGarbage(ctx context.Context, env lookupEnv) {
	if _, set := env("GOGC"); set || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	set := 0
	for {
		if want := garbagePercent(readLive()); max(want-set, set-want) >= percentStep {
			debug.SetGCPercent(want)
			set = want
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// garbagePercent is GOGC for a heap of which the last collection left live bytes.
func garbagePercent(live uint64) int {
	return int(min(max(garbage*100/max(live, 1), leastPercent), mostPercent))
}

// readLive is how much the last collection left.
func readLive() uint64 {
	sample := []metrics.Sample{{Name: liveBytes}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
