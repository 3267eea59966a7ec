package campaign

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// hunt plays seeds on all cores until enough have failed.
type hunt struct {
	from, n uint64
	ops     int
	off     Protection
	enough  int
	draw    bool

	began        time.Time
	mu           sync.Mutex
	next         uint64 // the seed to play next, counted from 0
	done         uint64
	turns, calls int
	virtual      time.Duration
	failed       []uint64
}

func (h *hunt) run() {
	h.began = time.Now()
	var workers sync.WaitGroup
	for range cores() {
		workers.Go(h.work)
	}
	workers.Wait()
	if h.draw {
		fmt.Fprintln(os.Stderr)
	}
}

func (h *hunt) work() {
	for {
		seed, more := h.take()
		if !more {
			return
		}
		h.note(seed, Run(NewHistory(seed, h.ops), h.off, false))
	}
}

func (h *hunt) take() (seed uint64, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next >= h.n || len(h.failed) >= h.enough {
		return 0, false
	}
	h.next++
	return h.from + h.next - 1, true
}

func (h *hunt) note(seed uint64, got Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done++
	h.turns, h.calls, h.virtual = h.turns+got.Turns, h.calls+got.Calls, h.virtual+got.Virtual
	if got.Violation != nil {
		h.failed = append(h.failed, seed)
		if h.draw { // the end may be hours away
			fmt.Fprintf(os.Stderr, "seed %d breaks %v\n", seed, got.Violation)
		}
	}
	if h.draw {
		h.bar()
	}
}

// bar draws the progress: over itself on a terminal, and as ten lines elsewhere.
func (h *hunt) bar() {
	steps, begin, end := uint64(10), "", "\n"
	if stat, err := os.Stderr.Stat(); err == nil && stat.Mode()&os.ModeCharDevice != 0 {
		steps, begin, end = 500, "\r", ""
	}
	if h.done%max(h.n/steps, 1) != 0 && h.done != h.n {
		return
	}
	const width = 40
	full := int(h.done * width / h.n)
	gone := time.Since(h.began)
	left := time.Duration(float64(gone) / float64(h.done) * float64(h.n-h.done)).Round(time.Second)
	fmt.Fprintf(os.Stderr, "%s[%s%s] %d of %d seeds, %d failed, %s left   %s", begin,
		strings.Repeat("#", full), strings.Repeat(".", width-full), h.done, h.n, len(h.failed), left, end)
}

func (h *hunt) summary() string {
	return fmt.Sprintf("%d seeds from %d: %d failed %v; %d turns, %d calls of the cloud, %.0f hours of virtual time; %s on %d cores",
		h.done, h.from, len(h.failed), h.failed, h.turns, h.calls, h.virtual.Hours(), time.Since(h.began).Round(time.Second), cores())
}
