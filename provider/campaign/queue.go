package campaign

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	retryMin = 100 * time.Millisecond
	retryMax = 30 * time.Second
	// workers is how many items of one queue are worked on at the same time.
	workers = 2
)

// queue is a work queue with client-go's rules (an item is worked on by one
// worker at a time, and once more if it is added meanwhile), virtual time, and
// the seed in the place of first in, first out.
type queue struct {
	w        *world
	ready    []types.UID // sorted
	working  map[types.UID]bool
	dirty    map[types.UID]bool
	later    map[types.UID]time.Time
	failures map[types.UID]int
}

func newQueue(w *world) *queue {
	return &queue{w: w, working: map[types.UID]bool{}, dirty: map[types.UID]bool{},
		later: map[types.UID]time.Time{}, failures: map[types.UID]int{}}
}

// settle moves what has waited long enough.
func (q *queue) settle() {
	for uid, at := range q.later {
		if !at.After(q.w.clock.Now()) {
			delete(q.later, uid)
			q.Add(uid)
		}
	}
}

// isDue says whether a worker would find an item.
func (q *queue) isDue() bool { return len(q.ready) > 0 && len(q.working) < workers }

func (q *queue) Add(uid types.UID) {
	if q.working[uid] {
		q.dirty[uid] = true
		return
	}
	q.enqueue(uid)
}

func (q *queue) enqueue(uid types.UID) {
	if at, there := slices.BinarySearch(q.ready, uid); !there {
		q.ready = slices.Insert(q.ready, at, uid)
	}
}

func (q *queue) Get() (types.UID, bool) {
	at := q.w.rng.IntN(len(q.ready))
	uid := q.ready[at]
	q.ready = slices.Delete(q.ready, at, at+1)
	q.working[uid] = true
	return uid, false
}

func (q *queue) Done(uid types.UID) {
	delete(q.working, uid)
	if q.dirty[uid] {
		delete(q.dirty, uid)
		q.enqueue(uid)
	}
}

func (q *queue) AddAfter(uid types.UID, d time.Duration) {
	at := q.w.clock.Now().Add(d)
	if known, waits := q.later[uid]; !waits || at.Before(known) {
		q.later[uid] = at
	}
}

func (q *queue) AddRateLimited(uid types.UID) {
	q.AddAfter(uid, min(retryMin<<min(q.failures[uid], 20), retryMax))
	q.failures[uid]++
}

func (q *queue) Forget(uid types.UID)          { delete(q.failures, uid) }
func (q *queue) NumRequeues(uid types.UID) int { return q.failures[uid] }
func (q *queue) Len() int                      { return len(q.ready) }
func (q *queue) ShutDown()                     {}
func (q *queue) ShutDownWithDrain()            {}
func (q *queue) ShuttingDown() bool            { return false }
