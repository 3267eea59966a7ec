package campaign

import (
	"iter"
	"time"
)

// task is one thread of an instance: a worker with its item, a turn of a loop.
// It is a coroutine: it stops at every call that leaves the process, before and
// after the call has acted, and goes on when the scheduler picks it again. Of
// all tasks only one is ever running.
type task struct {
	wakeAt time.Time
	over   bool
	user   bool // it works for a user who reads
	next   func() (struct{}, bool)
	yield  func(struct{}) bool
}

// newTask makes a task that has not started.
func newTask(run func()) *task {
	t := &task{}
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		run()
	})
	return t
}

// resume runs the task up to its next stop.
func (t *task) resume() {
	_, more := t.next()
	t.over = !more
}

// suspend is called from inside of the task.
func (t *task) suspend() { t.yield(struct{}{}) }
