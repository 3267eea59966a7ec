package leader

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// ErrFenced says that a write was held back: this process may have been deposed.
var ErrFenced = errors.New("not sent: the lease of the leader was not renewed in time, another replica may lead")

// Fence is open while this process certainly leads. Its zero value is closed.
type Fence struct {
	mu    sync.Mutex
	until time.Time
	now   func() time.Time // nil is time.Now
}

// Check is nil while the fence is open, and else ErrFenced.
func (f *Fence) Check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.time()
	// The monotonic clock stands still while the machine sleeps, the other one
	// can be set: either may close the fence.
	if now.Before(f.until) && now.Round(0).Before(f.until.Round(0)) {
		return nil
	}
	return ErrFenced
}

// open lets writes through until then.
func (f *Fence) open(until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = until
}

// close ends it at once.
func (f *Fence) close() { f.open(time.Time{}) }

func (f *Fence) time() time.Time {
	if f.now == nil {
		return time.Now()
	}
	return f.now()
}

// Transport sends with next what only reads, and what writes only while the
// fence is open.
func (f *Fence) Transport(next http.RoundTripper) http.RoundTripper {
	return fenced{fence: f, next: next}
}

type fenced struct {
	fence *Fence
	next  http.RoundTripper
}

// RoundTrip closes the body of a request that it holds back, as the interface
// asks for.
func (t fenced) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := t.fence.Check(); err != nil {
			if r.Body != nil {
				_ = r.Body.Close() // nothing was read of it
			}
			return nil, err
		}
	}
	return t.next.RoundTrip(r)
}

// WrappedRoundTripper lets client-go find what is below.
func (t fenced) WrappedRoundTripper() http.RoundTripper { return t.next }
