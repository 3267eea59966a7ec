package main

import "testing"

func TestTheAmountOfGarbageIsBounded(t *testing.T) {
	for live, want := range map[uint64]int{0: mostPercent, 32 << 20: 200, 64 << 20: 100, 4 << 30: leastPercent} {
		if got := garbagePercent(live, 64<<20); got != want {
			t.Errorf("GOGC for %d live bytes is %d, want %d", live, got, want)
		}
	}
}

func TestRestBeginsOnceAfterEachBurst(t *testing.T) {
	var p pace
	allocated := uint64(0)
	for range 2 {
		for range 2 * restAfter {
			allocated += busyBytes
			if p.second(allocated) || p.garbage() != busyGarbage {
				t.Fatal("a burst was taken for rest")
			}
		}
		for second := 1; second <= 2*restAfter; second++ {
			allocated += busyBytes - 1
			if rested := p.second(allocated); rested != (second == restAfter) {
				t.Errorf("calm second %d: rest begins: %t", second, rested)
			}
			if resting := p.garbage() == restGarbage; resting != (second >= restAfter) {
				t.Errorf("calm second %d: as little garbage as at rest: %t", second, resting)
			}
		}
	}
}

func TestTheRuntimeTellsOfItsHeap(t *testing.T) {
	if live, allocated := readHeap(); allocated == 0 || live > allocated {
		t.Errorf("%d bytes live of %d ever allocated", live, allocated)
	}
}
