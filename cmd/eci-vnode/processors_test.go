//go:build unix

package main

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func TestSeveralProcessorsFromAFullSecondUntilManySpareOnes(t *testing.T) {
	start := time.Now()
	n, used, now := need{at: start}, time.Duration(0), start
	second := func(share float64) bool {
		now = now.Add(time.Second)
		used += time.Duration(share * float64(time.Second))
		return n.several(used, now)
	}
	for _, share := range []float64{0, 0.4, 0.7, 0.7} {
		if second(share) {
			t.Errorf("several processors for %.1f of one", share)
		}
	}
	for range 2 {
		for i, share := range []float64{0.9, 0.1, 1.8, 0.7} {
			if !second(share) {
				t.Errorf("one processor in second %d of much work", i)
			}
		}
		for i := 1; i <= 2*spareAfter; i++ {
			if got := second(0.1); got != (i < spareAfter) {
				t.Errorf("spare second %d: several processors: %t", i, got)
			}
		}
	}
}

// A limiter runs until its context ends, and leaves the setting to whoever has one.
func TestOneProcessorUnlessGOMAXPROCSIsSet(t *testing.T) {
	t.Cleanup(runtime.SetDefaultGOMAXPROCS)
	runtime.SetDefaultGOMAXPROCS()
	before := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	limitProcessors(ctx, func(string) (string, bool) { return "4", true })
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors, want %d as before", got, before)
	}
	limitProcessors(ctx, func(string) (string, bool) { return "", false })
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("%d processors, want 1", got)
	}
}
