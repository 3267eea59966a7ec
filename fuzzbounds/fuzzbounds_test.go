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

// little is what the work of these tests may take.
var little = Cost{Time: 20 * time.Millisecond, Memory: 4 << 20}

func TestCheck_FailsWorkOverABound(t *testing.T) {
	for name, work := range map[string]func(){
		"time": func() {
			for start := processorTime(); processorTime()-start < 2*little.Time; {
				sink = append(sink[:0], 1)
			}
		},
		"memory": func() { sink = make([]byte, 2*little.Memory) },
	} {
		r := &recorder{TB: t}
		if check(r, little, work); !r.failed {
			t.Errorf("work over the bound of %s passes", name)
		}
	}
}

func TestCheck_PassesCheapWork(t *testing.T) {
	Check(t, func() { sink = make([]byte, 1<<20) })
}

func TestCheck_RunsWorkOverABoundAgain(t *testing.T) {
	runs := 0
	check(t, little, func() {
		if runs++; runs == 1 {
			sink = make([]byte, 2*little.Memory)
		}
	})
	if runs != 2 {
		t.Errorf("the work was run %d times, want 2: it is cheap the second time", runs)
	}
}
