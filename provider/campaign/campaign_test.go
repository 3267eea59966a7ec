package campaign

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// The default is few seeds, for every go test under the race detector plays
// them; make test plays 2,000 without it, make faults as many as asked for.
var (
	seeds    = flag.Uint64("seeds", 20, "how many seeds the campaign plays")
	from     = flag.Uint64("from", 1, "the first seed")
	seed     = flag.Uint64("seed", 0, "play this seed alone, and print what happened")
	ops      = flag.Int("ops", 60, "how many operations a history has")
	crowd    = flag.Int("crowd", 1000, "how many pods that cannot be made the memory is measured with")
	progress = flag.Bool("progress", false, "draw how far the campaign is")
)

// TestMain collects garbage less often: the worlds are small and short.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

func TestNoSeedBreaksAnInvariant(t *testing.T) {
	if *seed != 0 {
		report(t, *seed, NoneOff)
		return
	}
	h := hunt{from: *from, n: *seeds, ops: *ops, off: NoneOff, enough: 3, draw: *progress}
	h.run()
	t.Log(h.summary())
	fmt.Fprintln(os.Stderr, h.summary())
	for _, s := range h.failed {
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
	t.Errorf("seed %d breaks %q: %s\nreplay: go test ./provider/campaign -run Seed -seed=%d -v\nshrunk from %d to %d operations: %s\n%s",
		seed, got.Violation.Invariant, got.Violation.What, seed, len(h), len(short), short, tail(again.Trace))
}

// tail is the end of a trace.
func tail(trace []string) string {
	const most = 300
	return strings.Join(trace[max(0, len(trace)-most):], "\n")
}

// Each protection is switched off alone, from outside, around the real code: this
// shows that the campaign would notice its loss within 2,000 seeds. first is a
// seed that failed when this was written; other calls in the code between may have
// made another history of it, and then all are played.
func TestWithoutAnyOneProtectionTheCampaignFails(t *testing.T) {
	for off, want := range map[Protection]struct {
		first      uint64
		invariants []string
	}{
		NoClientToken:  {1, []string{"one group"}},
		NoRecovery:     {720, []string{"one group", "no end while the group runs", "no object leaves before its group", "convergence", "true ends"}},
		OneSighting:    {1029, []string{"no end while the group runs", "no object leaves before its group", "no kill without a request"}},
		NoConfirmation: {2, []string{"no end while the group runs", "no object leaves before its group"}},
		NoFinalStatus:  {2, []string{"final status first"}},
		NoGrace:        {2, []string{"the whole grace"}},
		NoTags:         {22, []string{"true ends", "strangers are left alone", "own groups only", "no kill without a request", "one group", "no end while the group runs", "no object leaves before its group"}},
		NoReserve:      {60, []string{"sync keeps its pace"}},
	} {
		t.Run(string(off), func(t *testing.T) {
			seed := want.first
			if Run(NewHistory(seed, 60), off, false).Violation == nil {
				h := hunt{from: 1, n: 2000, ops: 60, off: off, enough: 1}
				if h.run(); len(h.failed) == 0 {
					t.Fatal("2,000 seeds hold every invariant without it")
				}
				seed = h.failed[0]
			}
			got := Run(NewHistory(seed, 60), off, false).Violation
			if got == nil || !slices.Contains(want.invariants, got.Invariant) {
				t.Errorf("seed %d breaks %+v, want one of %q", seed, got, want.invariants)
			}
			t.Logf("seed %d breaks %+v", seed, got)
		})
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	for seed := range uint64(5) {
		h := NewHistory(1+seed, 60)
		first, second := Run(h, NoneOff, true), Run(h, NoneOff, true)
		for i := range first.Trace {
			if i >= len(second.Trace) || first.Trace[i] != second.Trace[i] {
				t.Fatalf("seed %d differs at line %d:\n%s\n%s", 1+seed, i, first.Trace[i], tail(second.Trace[:min(i+1, len(second.Trace))]))
			}
		}
		if len(first.Trace) < 50 {
			t.Errorf("seed %d: only %d lines happened", 1+seed, len(first.Trace))
		}
	}
}

func TestAFailingHistoryShrinksAndFailsAlike(t *testing.T) {
	h := hunt{from: 1, n: 2000, ops: 60, off: NoFinalStatus, enough: 1}
	h.run()
	if len(h.failed) == 0 {
		t.Fatal("nothing fails without the final status")
	}
	long := NewHistory(h.failed[0], 60)
	short := Shrink(long, NoFinalStatus)
	if len(short) >= len(long)/2 {
		t.Errorf("%d operations shrank to %d: %s", len(long), len(short), short)
	}
	again, err := ParseHistory(short.String())
	if err != nil {
		t.Fatal(err)
	}
	want := Run(long, NoFinalStatus, false).Violation.Invariant
	if got := Run(again, NoFinalStatus, false).Violation; got == nil || got.Invariant != want {
		t.Errorf("the shrunk history %s breaks %+v, want %q", short, got, want)
	}
}

func TestAHistoryOfUnknownOperationsIsRefused(t *testing.T) {
	for _, text := range []string{"fly:1", "run", "run:x", "run:99999"} {
		if h, err := ParseHistory(text); err == nil {
			t.Errorf("%q was read as %v", text, h)
		}
	}
}

// cores is how many histories are played at the same time.
func cores() int { return runtime.GOMAXPROCS(0) }
