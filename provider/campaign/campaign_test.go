package campaign

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds    = flag.Uint64("seeds", 2000, "how many seeds the campaign plays")
	from     = flag.Uint64("from", 1, "the first seed")
	seed     = flag.Uint64("seed", 0, "play this seed alone, and print what happened")
	ops      = flag.Int("ops", 60, "how many operations a history has")
	progress = flag.Bool("progress", false, "print how far the campaign is")
)

// TestMain collects garbage less often: the worlds are small and short.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

func TestCampaign(t *testing.T) {
	if *seed != 0 {
		report(t, *seed, NoneOff)
		return
	}
	began := time.Now()
	failed, turns, calls := hunt(*from, *seeds, NoneOff, 3)
	t.Logf("%d seeds from %d, %d turns, %d calls of the cloud, %s on %d cores",
		*seeds, *from, turns, calls, time.Since(began).Round(time.Second), runtime.GOMAXPROCS(0))
	for _, s := range failed {
		report(t, s, NoneOff)
	}
}

// report plays a seed and, if it fails, what it shrinks to.
func report(t *testing.T, seed uint64, off Protection) {
	t.Helper()
	h := NewHistory(seed, *ops)
	got := Run(h, off, true)
	if got.Violation == nil {
		t.Logf("seed %d holds every invariant:\n%s", seed, strings.Join(got.Trace, "\n"))
		return
	}
	short := Shrink(h, off)
	again := Run(short, off, true)
	t.Errorf("seed %d breaks %q: %s\nreplay: go test ./provider/campaign -run Campaign -seed=%d -v\nshrunk from %d to %d operations: %s\n%s",
		seed, got.Violation.Invariant, got.Violation.What, seed, len(h), len(short), short, tail(again.Trace))
}

// hunt plays seeds on all cores until enough have failed.
func hunt(from, n uint64, off Protection, enough int) (failed []uint64, turns, calls int) {
	var mu sync.Mutex
	var next, done atomic.Uint64
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				s := from + next.Add(1) - 1
				mu.Lock()
				stop := s >= from+n || len(failed) >= enough
				mu.Unlock()
				if stop {
					return
				}
				got := Run(NewHistory(s, *ops), off, false)
				mu.Lock()
				turns, calls = turns+got.Turns, calls+got.Calls
				if got.Violation != nil {
					failed = append(failed, s)
				}
				if at := done.Add(1); *progress && at%1000 == 0 {
					println(at, "of", n, "seeds,", len(failed), "failed,", int(time.Since(began).Seconds()), "s")
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return failed, turns, calls
}

// tail is the end of a trace.
func tail(trace []string) string {
	const most = 300
	return strings.Join(trace[max(0, len(trace)-most):], "\n")
}
