package provider

import (
	"context"
	"sync"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
)

// Queue holds the pods that wait for one kind of work; client-go's rate limiting
// queue is one.
type Queue = workqueue.TypedRateLimitingInterface[types.UID]

// The names of the queues.
const (
	// QueueLaunches holds the pods whose group has to be found, or made anew.
	QueueLaunches = "launches"
	// QueueEndings holds the pods whose group outlives its grace period, or is taken
	// back by the cloud.
	QueueEndings = "endings"
)

// podWork is work on single pods that may wait for the budget, for the API server or
// for the cloud, none of which the sync loop does. Whatever the queue holds, do looks
// at the pod as it is now and does what is missing.
type podWork struct {
	Queue
	name string
	do   func(context.Context, types.UID) error
}

// podWorkers is how many pods of one queue are worked on at the same time.
const podWorkers = 10

// newQueue returns the queue of that name, which waits by the given clock.
func newQueue(name string, clock clock.WithTicker) Queue {
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](firstRetry/10, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[types.UID]{Name: name, Clock: clock})
}

// run works until ctx ends, and returns when the work in hand is done.
func (w *podWork) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		defer utilruntime.HandleCrashWithContext(ctx)
		w.ShutDown()
	})
	defer stop()
	var workers sync.WaitGroup
	for range podWorkers {
		workers.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			for w.next(ctx) {
			}
		})
	}
	workers.Wait()
}

// next works on the next pod, and reports whether there may be another.
func (w *podWork) next(ctx context.Context) bool {
	uid, shutdown := w.Get()
	if shutdown {
		return false
	}
	defer w.Done(uid)
	if ctx.Err() != nil {
		return true // the queue hands out what it holds until it is empty
	}
	if err := catchPanic(ctx, func() error { return w.do(ctx, uid) }); err != nil {
		log.G(ctx).WithError(err).WithFields(log.Fields{"uid": string(uid), "queue": w.name}).Warn("work on a pod failed; will try again")
		w.AddRateLimited(uid)
		return true
	}
	w.Forget(uid)
	return true
}
