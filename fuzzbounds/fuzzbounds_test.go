package fuzzbounds

import (
	"testing"
	"time"
)

// recorder notes that a test would have failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

var sink []byte

func TestCheck_FailsWorkOverABound(t *testing.T) {
	for name, work := range map[string]func(){
		"time": func() {
			for start := processorTime(); processorTime()-start < 2*MaxTime; {
				time.Now()
			}
		},
		"memory": func() { sink = make([]byte, 2*MaxMemory) },
	} {
		r := &recorder{TB: t}
		if Check(r, work); !r.failed {
			t.Errorf("work over the bound of %s passes", name)
		}
	}
}

func TestCheck_PassesCheapWork(t *testing.T) {
	Check(t, func() { sink = make([]byte, 1<<20) })
}

func TestCheck_RunsSlowWorkAgain(t *testing.T) {
	runs := 0
	Check(t, func() {
		if runs++; runs == 1 {
			sink = make([]byte, 2*MaxMemory)
		}
	})
	if runs != 2 {
		t.Errorf("the work was run %d times, want 2: it is cheap the second time", runs)
	}
}
