package emulator

import (
	"container/heap"
	"sync"
	"time"
)

// event is something that happens at a time: one entry of the queue.
type event struct {
	at    time.Time
	seq   uint64
	fn    func()
	index int
}

// queue holds all that will happen, in one heap with one timer: thousands of
// groups cost no goroutine each. Its own lock makes it safe to add events from
// anywhere; the events run under the emulator's lock.
type queue struct {
	clock Clock
	// fire is called when an event is due; it has to drain the queue.
	fire func()

	mu      sync.Mutex
	events  eventHeap
	seq     uint64
	timer   Timer
	timerAt time.Time
	// armed numbers the timers, so that a late tick of an old one does not
	// forget the new one.
	armed uint64
	// draining is set while someone drains: no timer is needed meanwhile.
	draining bool
	closed   bool
	ticks    sync.WaitGroup
}

// after adds an event; events of one time run in the order of their adding.
func (q *queue) after(d time.Duration, fn func()) *event {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seq++
	ev := &event{at: q.clock.Now().Add(d), seq: q.seq, fn: fn, index: -1}
	if q.closed {
		return ev
	}
	heap.Push(&q.events, ev)
	q.arm()
	return ev
}

// cancel takes an event back; nil and past events are fine.
func (q *queue) cancel(ev *event) {
	if ev == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if ev.index >= 0 && !q.closed {
		heap.Remove(&q.events, ev.index)
		q.arm()
	}
}

// drain runs all due events, and those that they add. The caller holds the
// emulator's lock.
func (q *queue) drain() {
	for fn := q.popDue(); fn != nil; fn = q.popDue() {
		fn()
	}
}

func (q *queue) popDue() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 || q.events[0].at.After(q.clock.Now()) {
		q.draining = false
		q.arm()
		return nil
	}
	q.draining = true
	return heap.Pop(&q.events).(*event).fn
}

// arm points the one timer at the earliest event. The caller holds q.mu.
func (q *queue) arm() {
	if q.draining || q.closed {
		return
	}
	if len(q.events) == 0 {
		q.disarm()
		return
	}
	next := q.events[0].at
	if q.timer != nil && q.timerAt.Equal(next) {
		return
	}
	q.disarm()
	q.ticks.Add(1)
	q.timerAt = next
	q.armed++
	number := q.armed
	q.timer = q.clock.AfterFunc(next.Sub(q.clock.Now()), func() { q.tick(number) })
}

func (q *queue) disarm() {
	if q.timer != nil && q.timer.Stop() {
		q.ticks.Done()
	}
	q.timer = nil
}

func (q *queue) tick(number uint64) {
	defer q.ticks.Done()
	q.mu.Lock()
	if number == q.armed {
		q.timer = nil
	}
	closed := q.closed
	q.mu.Unlock()
	if !closed {
		q.fire()
	}
}

// close drops all events and waits for a running tick.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.disarm()
	q.events = nil
	q.mu.Unlock()
	q.ticks.Wait()
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *eventHeap) Push(x any) {
	ev := x.(*event)
	ev.index = len(*h)
	*h = append(*h, ev)
}

func (h *eventHeap) Pop() any {
	old := *h
	ev := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	ev.index = -1
	return ev
}
