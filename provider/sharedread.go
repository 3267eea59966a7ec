package provider

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/clock"
)

const (
	// sharedReadTimeout bounds a read that several callers wait for, as none of
	// their contexts does.
	sharedReadTimeout = 15 * time.Second
	// failurePause is how long a failed read is not repeated: its error answers
	// those who were queued behind it.
	failurePause = time.Second
)

// sharedReads lets callers that want the same object at the same time share one
// read of it. Each waits with its own context.
type sharedReads struct {
	clock clock.PassiveClock
	group singleflight.Group
	// alone has every caller read for itself, on its own goroutine: a simulation
	// has to own every interleaving.
	alone bool

	mu       sync.Mutex
	failures map[string]failure
}

// failure is what the last read of an object came to.
type failure struct {
	at  time.Time
	err error
}

func newSharedReads(clock clock.PassiveClock) *sharedReads {
	return &sharedReads{clock: clock, failures: map[string]failure{}}
}

// do calls read, unless somebody else is just reading the object with that key or
// has failed to a moment ago: then it returns what that came to.
func (s *sharedReads) do(ctx context.Context, key string, read func(context.Context) (any, error)) (any, error) {
	if s.alone {
		return s.noted(ctx, key, read)
	}
	answer := s.group.DoChan(key, func() (_ any, err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedReadTimeout)
		defer cancel()
		return s.noted(ctx, key, read)
	})
	select {
	case got := <-answer:
		return got.Val, got.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// noted calls read and remembers its error, unless it has failed a moment ago.
func (s *sharedReads) noted(ctx context.Context, key string, read func(context.Context) (any, error)) (got any, err error) {
	if err := s.failed(key); err != nil {
		return nil, err
	}
	defer func() { s.note(key, err) }()
	return read(ctx)
}

func (s *sharedReads) note(key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	maps.DeleteFunc(s.failures, func(_ string, f failure) bool { return now.Sub(f.at) >= failurePause })
	delete(s.failures, key)
	if err != nil {
		s.failures[key] = failure{now, err}
	}
}

// failed returns the error of a read that has just failed, or nil.
func (s *sharedReads) failed(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, had := s.failures[key]; had && s.clock.Since(f.at) < failurePause {
		return f.err
	}
	return nil
}
