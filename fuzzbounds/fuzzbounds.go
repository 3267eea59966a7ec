package fuzzbounds

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// Bounds of one piece of work.
const (
	// MaxTime is the processor time that the work may take.
	MaxTime = 100 * time.Millisecond * raceFactor
	// MaxMemory is how many bytes the work may allocate, the bytes that it gives
	// back included.
	MaxMemory = 64 << 20 * memoryFactor
)

// Work that passes these is ended together with the process: it would hold the
// machine of the test as it would hold the node.
const (
	lastTime   = 2 * time.Minute
	lastMemory = 512 << 20 * memoryFactor
)

// tries is how often work that was too slow is run: garbage of earlier work and
// other goroutines of the process count as well.
const tries = 3

// Cost is what a piece of work took.
type Cost struct {
	Time   time.Duration
	Memory uint64
}

// Check fails the test when work takes more than MaxTime or MaxMemory. The work is
// run again when it was over a bound, so that it must be repeatable; the best run
// counts.
func Check(t testing.TB, work func()) {
	t.Helper()
	check(t, Cost{Time: MaxTime, Memory: MaxMemory}, work)
}

func check(t testing.TB, most Cost, work func()) {
	t.Helper()
	var best Cost
	for try := range tries {
		cost := Measure(work)
		if try == 0 {
			best = cost
		}
		best.Time, best.Memory = min(best.Time, cost.Time), min(best.Memory, cost.Memory)
		if best.Time <= most.Time && best.Memory <= most.Memory {
			return
		}
		runtime.GC()
	}
	if best.Time > most.Time {
		t.Errorf("the work took %v of processor time, more than %v", best.Time, most.Time)
	}
	if best.Memory > most.Memory {
		t.Errorf("the work allocated %d KB, more than %d KB", best.Memory>>10, most.Memory>>10)
	}
}

// Measure runs work once. It panics when the work passes the last bounds.
func Measure(work func()) Cost {
	done := make(chan struct{})
	defer close(done)
	timeBefore, memoryBefore := processorTime(), allocated()
	go watch(done, memoryBefore)
	work()
	return Cost{Time: processorTime() - timeBefore, Memory: allocated() - memoryBefore}
}

// watch ends the process when the work does not end.
func watch(done <-chan struct{}, memoryBefore uint64) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	end := time.NewTimer(lastTime)
	defer end.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if memory := allocated() - memoryBefore; memory > lastMemory {
				panic(fmt.Sprintf("the work has allocated %d MB and goes on", memory>>20))
			}
		case <-end.C:
			panic(fmt.Sprintf("the work has not ended after %v", lastTime))
		}
	}
}

// allocated returns the bytes that the process has ever allocated on the heap.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
