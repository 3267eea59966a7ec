package openapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Times of the renewal of temporary credentials.
const (
	// renewTimeout bounds one renewal with all of its requests.
	renewTimeout = 15 * time.Second
	// renewShare is the part of their life that is left when credentials are
	// renewed: ten minutes of an hour.
	renewShare = 6
	// renewPause is the shortest time between two renewals that succeed.
	renewPause = 10 * time.Second
	// expiryMargin is how long before their end credentials are used no more: a
	// call has to arrive, and clocks differ.
	expiryMargin = 15 * time.Second
	// A failure is remembered for firstRenewBackoff, which doubles with each
	// further one up to maxRenewBackoff.
	firstRenewBackoff = time.Second
	maxRenewBackoff   = 30 * time.Second
)

// fetchFunc gets temporary credentials and the time when they expire.
type fetchFunc func(ctx context.Context) (Credential, time.Time, error)

// renewing keeps temporary credentials fresh. They are renewed ahead of their
// end, once for all callers, while calls go on with those that are still valid.
// A failure is remembered for a moment, so that a queue of calls does not repeat
// it one by one.
type renewing struct {
	fetch fetchFunc
	clock Clock
	// observe is told how each renewal went; it may be nil.
	observe func(error)
	flight  singleflight.Group

	mu       sync.Mutex
	current  Credential
	expires  time.Time // zero before the first success
	next     time.Time // when to ask again
	failures int       // in a row
	failure  error     // the last renewal's, nil after a success
}

func newRenewing(fetch fetchFunc, clock Clock, observe func(error)) *renewing {
	if observe == nil {
		observe = func(error) {}
	}
	return &renewing{fetch: fetch, clock: clock, observe: observe}
}

// Credential returns credentials that are valid now. It waits for a renewal only
// when there are none, and no longer than ctx.
func (r *renewing) Credential(ctx context.Context) (Credential, error) {
	current, valid, due, failure := r.state()
	switch {
	case valid && !due:
		return current, nil
	case !due:
		return Credential{}, failure
	}
	renewed := r.flight.DoChan("", func() (_ any, err error) {
		defer recovered(&err)
		r.renew()
		return nil, nil
	})
	if valid {
		return current, nil
	}
	select {
	case <-renewed:
	case <-ctx.Done():
		return Credential{}, ctx.Err()
	}
	current, valid, _, failure = r.state()
	if !valid && failure == nil {
		failure = fmt.Errorf("the credentials expired while they were renewed")
	}
	if !valid {
		return Credential{}, failure
	}
	return current, nil
}

// state reports what is known now; due says that a renewal is to begin.
func (r *renewing) state() (current Credential, valid, due bool, failure error) {
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	valid = now.Before(r.expires.Add(-expiryMargin))
	due = !now.Before(r.next) || !valid && r.failure == nil
	return r.current, valid, due, r.failure
}

// renew asks once and keeps the answer. It has a time of its own: the caller that
// happened to begin it may give up while others still wait.
func (r *renewing) renew() {
	if _, _, due, _ := r.state(); !due {
		return // somebody was faster
	}
	ctx, cancel := context.WithTimeout(context.Background(), renewTimeout)
	defer cancel()
	credential, expires, err := r.safeFetch(ctx)
	now := r.clock.Now()
	if err == nil && !now.Before(expires.Add(-expiryMargin)) {
		err = fmt.Errorf("the new credentials have expired at %s: check the clock of this machine", expires.UTC().Format(time.RFC3339))
	}
	r.keep(credential, expires, err, now)
	r.observe(err)
}

// safeFetch makes a panic an error, which counts as one of the place.
func (r *renewing) safeFetch(ctx context.Context) (credential Credential, expires time.Time, err error) {
	defer recovered(&err)
	return r.fetch(ctx)
}

// recovered makes a panic an error.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic: %v", cause)
	}
}

func (r *renewing) keep(credential Credential, expires time.Time, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
	if err != nil {
		r.next = now.Add(min(firstRenewBackoff<<min(r.failures, 10), maxRenewBackoff))
		r.failures++
		return
	}
	r.failures = 0
	r.current, r.expires = credential, expires
	r.next = now.Add(max(expires.Sub(now)*(renewShare-1)/renewShare, renewPause))
}
