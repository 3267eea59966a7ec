package sandbox

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// reporter tells the user what happens, with the seconds since the start.
// Safe for concurrent use: children report too.
type reporter struct {
	start time.Time
	mu    sync.Mutex
	out   io.Writer
}

func newReporter(out io.Writer) *reporter { return &reporter{start: time.Now(), out: out} }

func (r *reporter) sayf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "[%6.1fs] %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

// print writes without the time, for tables and instructions.
func (r *reporter) print(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprint(r.out, text)
}
