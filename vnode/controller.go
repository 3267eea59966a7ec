package vnode

import (
	"context"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// podController keeps the provider in step with the pods of the API server, and
// the status of the pods in step with the provider. Work is by pod UID in three
// queues with workers of their own; whatever a queue holds, a worker looks at the
// pod as it is now and does what is missing.
type podController struct {
	provider Provider
	client   kubernetes.Interface
	informer cache.SharedIndexInformer
	recorder record.EventRecorder
	owns     func(annotation string) bool
	clock    clock.WithTicker
	metrics  *metrics
	calls    *caller

	workers       int
	pendingPause  time.Duration
	deleteRecheck time.Duration
	shutdownGrace time.Duration

	pods                      *memory
	creates, deletes, updates Queue // updates: of status
}

func newPodController(cfg Config, d Deps, m *metrics, recorder record.EventRecorder, queue func(name string, pods *memory) Queue) *podController {
	pods := newMemory()
	return &podController{
		provider: d.Provider, client: d.Client, informer: d.Pods, recorder: recorder,
		owns: d.OwnsAnnotation, clock: d.Clock, metrics: m,
		calls:   &caller{metrics: m, clock: d.Clock},
		workers: cfg.Workers, pendingPause: cfg.PendingPause, deleteRecheck: cfg.DeleteRecheck, shutdownGrace: cfg.ShutdownGrace,
		pods:    pods,
		creates: queue(queueCreate, pods), deletes: queue(queueDelete, pods), updates: queue(queueStatus, pods),
	}
}

// run works until ctx ends, then lets the calls in flight come to their end. Pods
// are left as they are.
func (c *podController) run(ctx context.Context) {
	working, cancel := c.outlive(ctx)
	defer cancel()
	var done sync.WaitGroup
	start := func(q Queue, op string, f func(context.Context, types.UID) error) {
		for range c.workers {
			done.Go(func() {
				defer utilruntime.HandleCrashWithContext(ctx)
				c.work(ctx, working, q, op, f)
			})
		}
	}
	start(c.creates, queueCreate, c.reconcile)
	start(c.deletes, queueDelete, c.reconcile)
	start(c.updates, queueStatus, c.syncStatus)
	<-ctx.Done()
	c.close()
	done.Wait()
}

// close stops the queues; it is safe to call when run never was.
func (c *podController) close() {
	for _, q := range []Queue{c.creates, c.deletes, c.updates} {
		q.ShutDown()
	}
}

// outlive returns a context for calls, which ends a grace period after ctx does:
// a create that is cut off half-way costs more than the wait.
func (c *podController) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer utilruntime.HandleCrashWithContext(working, func(context.Context, any) { cancel() })
		timer := c.clock.NewTimer(c.shutdownGrace)
		defer timer.Stop()
		select {
		case <-timer.C():
			cancel()
		case <-working.Done():
		}
	})
	return working, func() { stop(); cancel() }
}

func (c *podController) work(ctx, working context.Context, q Queue, op string, f func(context.Context, types.UID) error) {
	for {
		uid, shutdown := q.Get()
		if shutdown {
			return
		}
		// A queue that shuts down still hands out what it holds.
		if ctx.Err() == nil {
			c.workOn(working, q, op, uid, f)
		} else {
			q.Done(uid)
		}
	}
}

// workOn makes one attempt at a pod and gives it back to the queue, come what may.
func (c *podController) workOn(ctx context.Context, q Queue, op string, uid types.UID, f func(context.Context, types.UID) error) {
	defer utilruntime.HandleCrashWithContext(ctx, func(context.Context, any) { q.AddRateLimited(uid) })
	defer q.Done(uid)
	c.attempt(ctx, q, op, uid, f)
}

func (c *podController) attempt(ctx context.Context, q Queue, op string, uid types.UID, f func(context.Context, types.UID) error) {
	ctx = c.withPod(ctx, uid)
	err := func() (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = c.calls.recovered(ctx, op, cause)
			}
		}()
		return f(ctx, uid)
	}()
	if err == nil {
		q.Forget(uid)
		return
	}
	log.G(ctx).WithError(err).WithField("failures", q.NumRequeues(uid)+1).Warnf("%s of pod failed, will be retried", op)
	q.AddRateLimited(uid)
}

// withPod puts the fields of a pod on the logger of ctx.
func (c *podController) withPod(ctx context.Context, uid types.UID) context.Context {
	fields := log.Fields{"uid": string(uid)}
	if r, ok := c.pods.read(uid); ok {
		fields["namespace"], fields["pod"] = r.pod.Namespace, r.pod.Name
	}
	return log.WithLogger(ctx, log.G(ctx).WithFields(fields))
}

// enqueue hands a pod to the workers that call the provider.
func (c *podController) enqueue(uid types.UID) {
	r, ok := c.pods.read(uid)
	switch {
	case !ok:
	case r.deleting():
		c.deletes.Add(uid)
	default:
		c.creates.Add(uid)
	}
}

func isTerminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}
