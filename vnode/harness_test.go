package vnode

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
)

// bench drives a pod controller step by step in the test's own goroutine: events
// of the cluster are delivered and queues worked off when the test says so.
type bench struct {
	*podController
	t        *testing.T
	cluster  *cluster
	provider *testProvider
	clock    *clocktesting.FakeClock
	events   *record.FakeRecorder
	watch    watch.Interface
}

const ownedPrefix = "provider.example/"

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		t: t, cluster: newCluster(t), provider: newTestProvider(),
		clock: clocktesting.NewFakeClock(time.Unix(1700000000, 0)), events: record.NewFakeRecorder(1000),
	}
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	b.podController = newPodController(cfg, Deps{
		Client: b.cluster, Provider: b.provider, Pods: NewPodInformer(b.cluster, "vk"), Clock: b.clock,
		OwnsAnnotation: func(key string) bool { return strings.HasPrefix(key, ownedPrefix) },
	}, m, b.events, func(name string, pods *memory) Queue {
		return newQueue(name, cfg.RetryMin, cfg.RetryMax, b.clock, m.queues, pods.namespaceOf)
	})
	t.Cleanup(b.close)
	b.provider.NotifyPods(t.Context(), b.notify)
	if b.watch, err = b.cluster.CoreV1().Pods("").Watch(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.watch.Stop)
	return b
}

// settle delivers what happened in the cluster and works off the queues, until
// nothing is left to do. Pods that wait out a pause stay.
func (b *bench) settle() {
	b.t.Helper()
	for round := 0; b.deliver() || b.workOff(); round++ {
		if round > 200 {
			b.t.Fatal("the controller does not come to rest")
		}
	}
}

func (b *bench) deliver() bool {
	select {
	case e := <-b.watch.ResultChan():
		b.see(e.Type, e.Object.(*corev1.Pod))
		return true
	default:
		return false
	}
}

// see does for one event what an informer does.
func (b *bench) see(what watch.EventType, pod *corev1.Pod) {
	b.t.Helper()
	index, handler := b.informer.GetIndexer(), b.handlers()
	old, existed, err := index.Get(pod)
	if err != nil {
		b.t.Fatal(err)
	}
	switch {
	case what == watch.Deleted:
		if err := index.Delete(pod); err != nil {
			b.t.Fatal(err)
		}
		handler.OnDelete(pod)
	case existed:
		if err := index.Update(pod); err != nil {
			b.t.Fatal(err)
		}
		handler.OnUpdate(old, pod)
	default:
		if err := index.Add(pod); err != nil {
			b.t.Fatal(err)
		}
		handler.OnAdd(pod, false)
	}
}

func (b *bench) workOff() bool {
	worked := false
	step := func(q Queue, op string, f func(context.Context, types.UID) error) {
		for q.Len() > 0 {
			uid, _ := q.Get()
			b.attempt(b.t.Context(), q, op, uid, f)
			q.Done(uid)
			worked = true
		}
	}
	step(b.creates, queueCreate, b.reconcile)
	step(b.deletes, queueDelete, b.reconcile)
	step(b.updates, queueStatus, b.syncStatus)
	return worked
}

// pass lets time pass until a queue that waits for it has work, then settles.
func (b *bench) pass(d time.Duration, q Queue) {
	b.t.Helper()
	// The queue's goroutine takes a delayed pod over before it sleeps on the clock.
	eventually(b.t, "a queue waits on the clock", b.clock.HasWaiters)
	eventually(b.t, "a pod is due again", func() bool {
		b.clock.Step(d)
		return q.Len() > 0
	})
	b.settle()
}

// mustRun creates a pod and reports it running.
func (b *bench) mustRun(pod *corev1.Pod) *corev1.Pod {
	b.t.Helper()
	pod = b.cluster.mustCreate(b.t, pod)
	b.settle()
	b.provider.tell(pod, running("10.0.0.1"))
	b.settle()
	got := b.cluster.pod(pod.Name)
	if got == nil || got.Status.Phase != corev1.PodRunning {
		b.t.Fatalf("pod %s does not run: %+v", pod.Name, got)
	}
	return got
}

func (b *bench) recorded() []string {
	var events []string
	for {
		select {
		case e := <-b.events.Events:
			events = append(events, e)
		default:
			return events
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 2*time.Millisecond, 30*time.Second, true,
		func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		t.Fatalf("never came true: %s", what)
	}
}

func tombstone(pod *corev1.Pod) cache.DeletedFinalStateUnknown {
	return cache.DeletedFinalStateUnknown{Key: pod.Namespace + "/" + pod.Name, Obj: pod}
}

func counterValue(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
