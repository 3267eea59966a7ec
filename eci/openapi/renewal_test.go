package openapi

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keys gives keys with a life of an hour, unless failing; each has a number.
type keys struct {
	clock   *fakeClock
	failing atomic.Bool
	asked   atomic.Int32
	// hold, if set, keeps a renewal waiting.
	hold chan struct{}
}

var errNoKey = errors.New("no key today")

func (k *keys) fetch(ctx context.Context) (Credential, time.Time, error) {
	n := k.asked.Add(1)
	if k.hold != nil {
		select {
		case <-k.hold:
		case <-ctx.Done():
			return Credential{}, time.Time{}, ctx.Err()
		}
	}
	if k.failing.Load() {
		return Credential{}, time.Time{}, errNoKey
	}
	return keyNamed(strings.Repeat("k", int(n))), k.clock.Now().Add(time.Hour), nil
}

func newKeys() (*keys, *renewing) {
	k := &keys{clock: newFakeClock()}
	return k, newRenewing(k.fetch, k.clock, nil)
}

func (k *keys) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := k.clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// awaitRenewals waits until the renewals that callers have begun are over.
func awaitRenewals(r *renewing) {
	<-r.flight.DoChan("", func() (any, error) { return nil, nil })
}

func TestRenewing_AsksOnceForAQueueOfCalls(t *testing.T) {
	k, r := newKeys()
	k.hold = make(chan struct{})
	var all sync.WaitGroup
	begun := make(chan struct{}, 50)
	for range 50 {
		all.Go(func() {
			begun <- struct{}{}
			if _, err := r.Credential(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		<-begun
	}
	close(k.hold)
	all.Wait()
	if n := k.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestRenewing_RemembersAFailure is about a queue in which each call repeated the
// failed renewal of the one before, seconds each.
func TestRenewing_RemembersAFailure(t *testing.T) {
	k, r := newKeys()
	k.failing.Store(true)
	for range 50 {
		if _, err := r.Credential(t.Context()); !errors.Is(err, errNoKey) {
			t.Fatal(err)
		}
	}
	if n := k.asked.Load(); n != 1 {
		t.Errorf("asked %d times at once", n)
	}
	for range 20 {
		k.pass(t, firstRenewBackoff)
		_, _ = r.Credential(t.Context())
	}
	if n := k.asked.Load(); n < 3 || n > 7 {
		t.Errorf("asked %d times in 20 seconds of failures", n)
	}
	k.failing.Store(false)
	k.pass(t, maxRenewBackoff)
	if got, err := r.Credential(t.Context()); err != nil || got.AccessKeyID == "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRenewing_GoesOnWithCredentialsThatAreStillValid(t *testing.T) {
	k, r := newKeys()
	first, err := r.Credential(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.failing.Store(true)
	k.pass(t, 55*time.Minute)
	for range 10 {
		got, err := r.Credential(t.Context())
		if err != nil || got != first {
			t.Fatalf("got %+v, %v", got, err)
		}
		awaitRenewals(r)
	}
	if n := k.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
	k.pass(t, 5*time.Minute)
	if _, err := r.Credential(t.Context()); !errors.Is(err, errNoKey) {
		t.Errorf("after their end: %v", err)
	}
}

func TestRenewing_RenewsAheadOfTheEnd(t *testing.T) {
	k, r := newKeys()
	if _, err := r.Credential(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.pass(t, 49*time.Minute)
	_, _ = r.Credential(t.Context())
	awaitRenewals(r)
	if n := k.asked.Load(); n != 1 {
		t.Errorf("asked %d times after 49 minutes of 60", n)
	}
	k.pass(t, time.Minute)
	_, _ = r.Credential(t.Context())
	awaitRenewals(r)
	if got, err := r.Credential(t.Context()); err != nil || got.AccessKeyID != "kk" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRenewing_AHangingRenewalDelaysNoCallWithValidCredentials(t *testing.T) {
	k, r := newKeys()
	if _, err := r.Credential(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.hold = make(chan struct{})
	k.pass(t, 55*time.Minute)
	for range 10 {
		if _, err := r.Credential(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(k.hold)
	awaitRenewals(r)
}

func TestRenewing_WaitingEndsWithTheContext(t *testing.T) {
	k, r := newKeys()
	k.hold = make(chan struct{})
	defer awaitRenewals(r)
	defer close(k.hold)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Credential(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRenewing_RefusesAKeyThatHasExpired(t *testing.T) {
	clock := newFakeClock()
	var told error
	r := newRenewing(func(context.Context) (Credential, time.Time, error) { return keyNamed("old"), clock.Now(), nil }, clock, func(err error) { told = err })
	if _, err := r.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "clock") || told == nil {
		t.Errorf("got %v, told %v", err, told)
	}
}

func TestRenewing_APanicIsAFailure(t *testing.T) {
	r := newRenewing(func(context.Context) (Credential, time.Time, error) { panic("nil map") }, newFakeClock(), nil)
	if _, err := r.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "nil map") {
		t.Errorf("got %v", err)
	}
}
