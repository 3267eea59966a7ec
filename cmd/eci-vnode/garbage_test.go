package main

import "testing"

func TestGarbageIsCollectedSoonerAtRestThanAtWork(t *testing.T) {
	var p pace
	const live = 64 << 20
	if got := garbagePercent(live, p.allowance()); got != 100 {
		t.Errorf("at the start GOGC is %d, want 100: 64 MB over 64 MB", got)
	}
	allocated := uint64(0)
	for range restAfter {
		allocated += busyBytes
		if p.second(allocated) {
			t.Fatal("a burst was taken for rest")
		}
	}
	for second := 1; second <= 2*restAfter; second++ {
		allocated += busyBytes - 1
		if rested := p.second(allocated); rested != (second == restAfter) {
			t.Errorf("calm second %d: rest begins: %t", second, rested)
		}
	}
	if got := garbagePercent(live, p.allowance()); got != 25 {
		t.Errorf("at rest GOGC is %d, want 25: 16 MB over 64 MB", got)
	}
	if p.second(allocated + busyBytes); p.allowance() != busyGarbage {
		t.Error("the next burst was taken for rest")
	}
	if low, high := garbagePercent(4<<30, restGarbage), garbagePercent(0, busyGarbage); low != leastPercent || high != mostPercent {
		t.Errorf("GOGC is %d for a very large heap and %d for an empty one, want %d and %d", low, high, leastPercent, mostPercent)
	}
}

func TestTheRuntimeTellsOfItsHeap(t *testing.T) {
	if live, allocated := readHeap(); allocated == 0 || live > allocated {
		t.Errorf("%d bytes live of %d ever allocated", live, allocated)
	}
}
