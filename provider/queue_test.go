package provider

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// stepQueue is a queue by the clock of a test: nothing is worked on before drain.
type stepQueue struct {
	Queue // what the provider does not call panics
	clock clock.PassiveClock
	due   map[types.UID]time.Time
	fails map[types.UID]int
}

func newStepQueue(clock clock.PassiveClock) *stepQueue {
	return &stepQueue{clock: clock, due: map[types.UID]time.Time{}, fails: map[types.UID]int{}}
}

func (q *stepQueue) Add(uid types.UID) { q.AddAfter(uid, 0) }

func (q *stepQueue) AddAfter(uid types.UID, d time.Duration) {
	at := q.clock.Now().Add(d)
	if known, waits := q.due[uid]; !waits || at.Before(known) {
		q.due[uid] = at
	}
}

func (q *stepQueue) AddRateLimited(uid types.UID) {
	q.fails[uid]++
	q.AddAfter(uid, time.Second)
}

func (q *stepQueue) Forget(uid types.UID) { delete(q.fails, uid) }
func (q *stepQueue) Done(types.UID)       {}

// ready returns the pods whose time has come, sorted.
func (q *stepQueue) ready() []types.UID {
	var ready []types.UID
	for uid, at := range q.due {
		if !at.After(q.clock.Now()) {
			ready = append(ready, uid)
		}
	}
	slices.Sort(ready)
	return ready
}

func (q *stepQueue) Get() (types.UID, bool) {
	uid := q.ready()[0]
	delete(q.due, uid)
	return uid, false
}

// drain works on all that is due, and on what that adds.
func (w *world) drain(work *podWork) {
	w.Helper()
	q := work.Queue.(*stepQueue)
	for n := 0; len(q.ready()) > 0; n++ {
		if n > 10000 {
			w.Fatalf("the queue %s is never empty", work.name)
		}
		work.next(w.Context())
	}
}
