package vnode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// quickConfig is a Config for tests that run on the real clock.
func quickConfig() Config {
	cfg := validConfig()
	cfg.Node.InternalIP = "127.0.0.1"
	cfg.Node.PingInterval = 10 * time.Millisecond
	cfg.Node.StatusInterval = time.Hour // what the tests see must not hang on it
	cfg.Kubelet.Address, cfg.Kubelet.Port = "127.0.0.1", 0
	cfg.Workers = 4
	cfg.RetryMin, cfg.RetryMax = time.Millisecond, 10*time.Millisecond
	return cfg
}

// startedNode is a node that runs: stop ends it and waits until Run has returned.
type startedNode struct {
	*VirtualNode
	client kubernetes.Interface
	stop   func()
}

func mustStart(t *testing.T, cfg Config, client kubernetes.Interface, p Provider) startedNode {
	t.Helper()
	registry := prometheus.NewRegistry()
	return mustStartWith(t, cfg, Deps{
		Client: client, Provider: p, Pods: NewPodInformer(client, cfg.Node.Name), Registry: registry, Gatherer: registry,
		OwnsAnnotation: func(key string) bool { return strings.HasPrefix(key, ownedPrefix) },
	})
}

func mustStartWith(t *testing.T, cfg Config, deps Deps) startedNode {
	t.Helper()
	v, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return startedNode{v, deps.Client, stop}
}

func mustBeReady(t *testing.T, v startedNode) {
	t.Helper()
	eventually(t, "node is ready", func() bool {
		select {
		case <-v.Ready():
			return true
		default:
			return false
		}
	})
	if c, ok := v.client.(interface {
		mustBeWatched(*testing.T, schema.GroupVersionResource, int)
	}); ok {
		c.mustBeWatched(t, podsResource, 1)
	}
}

// recovering is a provider whose recovery is answered by a function.
type recovering struct {
	*testProvider
	answer func([]*corev1.Pod) error
}

func (p recovering) Recover(_ context.Context, pods []*corev1.Pod) error { return p.answer(pods) }

func TestPodLivesAndDiesOnARunningNode(t *testing.T) {
	c, p := newCluster(t), newTestProvider()
	p.created = func(pod *corev1.Pod) { p.tell(pod, running("10.0.0.1"), ownedPrefix+"id", "eci-1") }
	p.deleted = func(pod *corev1.Pod) { p.tell(pod, ended(corev1.PodSucceeded, 0)) }
	v := mustStart(t, quickConfig(), c, p)
	mustBeReady(t, v)
	for i := range 20 {
		c.mustCreate(t, newPod(fmt.Sprintf("p%d", i)))
	}
	for i := range 20 {
		name := fmt.Sprintf("p%d", i)
		eventually(t, name+" runs", func() bool {
			pod := c.pod(name)
			return pod.Status.Phase == corev1.PodRunning && pod.Annotations[ownedPrefix+"id"] == "eci-1"
		})
		c.mustDelete(t, name, 30)
	}
	for i := range 20 {
		name := fmt.Sprintf("p%d", i)
		eventually(t, name+" is gone", func() bool { return c.pod(name) == nil })
	}
	creates := 0
	for _, call := range p.allCalls() {
		if strings.HasPrefix(call, "create ") {
			creates++
		}
	}
	if creates != 20 {
		t.Errorf("%d creates for 20 pods", creates)
	}
}

func TestNoPodIsTouchedAndTheNodeIsUnreadyUntilRecoverySucceeds(t *testing.T) {
	c := newCluster(t)
	pod := c.mustCreate(t, newPod("a"))
	attempts, allowed := atomic.Int32{}, atomic.Bool{}
	p := recovering{testProvider: newTestProvider()}
	p.answer = func(pods []*corev1.Pod) error {
		attempts.Add(1)
		if len(pods) != 1 || pods[0].UID != pod.UID {
			t.Errorf("recovery got %v", pods)
		}
		if !allowed.Load() {
			return errors.New("cloud unreachable")
		}
		return nil
	}
	v := mustStart(t, quickConfig(), c, p)
	eventually(t, "recovery is retried", func() bool { return attempts.Load() > 3 })
	eventually(t, "node says that it recovers", func() bool {
		r := readyOf(c)
		return r.Status == corev1.ConditionFalse && r.Reason == "Recovering"
	})
	if calls := p.allCalls(); len(calls) != 0 {
		t.Errorf("provider was called before it had recovered: %v", calls)
	}
	allowed.Store(true)
	mustBeReady(t, v)
	eventually(t, "pod is created", func() bool { return p.count("create", pod) == 1 })
	eventually(t, "node is Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
}

func TestPanicInRecoveryIsAFailedRecovery(t *testing.T) {
	c, attempts := newCluster(t), atomic.Int32{}
	p := recovering{testProvider: newTestProvider(), answer: func([]*corev1.Pod) error {
		if attempts.Add(1) == 1 {
			panic("nil map")
		}
		return nil
	}}
	mustBeReady(t, mustStart(t, quickConfig(), c, p))
}

func TestStraysOfAProviderWithoutRecoveryAreStopped(t *testing.T) {
	c, p := newCluster(t), newTestProvider()
	kept := c.mustCreate(t, newPod("kept"))
	p.has(kept)
	stray := newPod("stray")
	stray.UID = "stray"
	p.has(stray)
	replaced := newPod("kept")
	replaced.UID = "replaced"
	p.has(replaced)
	mustBeReady(t, mustStart(t, quickConfig(), c, p))
	eventually(t, "strays are stopped", func() bool { return p.count("delete", stray) == 1 && p.count("delete", replaced) == 1 })
	if n := p.count("delete", kept); n != 0 {
		t.Errorf("deleted a pod that the API server has, %d times", n)
	}
}

func TestShutdownFinishesWhatIsInFlightAndLeavesPods(t *testing.T) {
	c, p := newCluster(t), newTestProvider()
	started, release := make(chan struct{}), make(chan struct{})
	p.onCreate = func(pod *corev1.Pod) error {
		if pod.Name == "slow" {
			close(started)
			<-release
		}
		return nil
	}
	cfg := quickConfig()
	cfg.Workers = 1
	v := mustStart(t, cfg, c, p)
	mustBeReady(t, v)
	slow := c.mustCreate(t, newPod("slow"))
	<-started
	queued := c.mustCreate(t, newPod("queued"))
	eventually(t, "second pod waits for the worker", func() bool { return v.pods.creates.Len() == 1 })
	stopped := make(chan struct{})
	go func() { v.stop(); close(stopped) }()
	eventually(t, "queues are closed", v.pods.creates.ShuttingDown)
	select {
	case <-stopped:
		t.Fatal("Run returned with a create in flight")
	default:
	}
	close(release)
	<-stopped
	if !hasPod(p, slow) {
		t.Error("create in flight was not finished")
	}
	if n := p.count("create", queued); n != 0 {
		t.Errorf("%d creates began after shutdown", n)
	}
	if c.pod("slow") == nil || p.count("delete", slow) != 0 {
		t.Error("shutdown deleted a pod")
	}
}

func TestCallsThatOutliveTheShutdownGraceAreCancelled(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	working, release := b.outlive(ctx)
	defer release()
	cancel()
	eventually(t, "calls are cancelled after the grace period", func() bool {
		b.clock.Step(b.shutdownGrace / 4)
		return working.Err() != nil
	})
	if b.clock.Since(time.Unix(1700000000, 0)) < b.shutdownGrace {
		t.Error("calls were cancelled at once")
	}
}

func TestSlowCreatesHoldUpNeitherDeletesNorStatuses(t *testing.T) {
	c, p := newCluster(t), newTestProvider()
	release := make(chan struct{})
	p.onCreate = func(pod *corev1.Pod) error {
		if strings.HasPrefix(pod.Name, "slow") {
			<-release
		}
		return nil
	}
	p.deleted = func(pod *corev1.Pod) { p.tell(pod, ended(corev1.PodSucceeded, 0)) }
	cfg := quickConfig()
	cfg.Workers = 2
	v := mustStart(t, cfg, c, p)
	mustBeReady(t, v)
	defer v.stop()
	defer close(release)
	fast := c.mustCreate(t, newPod("fast"))
	eventually(t, "fast pod is created", func() bool { return hasPod(p, fast) })
	for i := range 3 {
		c.mustCreate(t, newPod(fmt.Sprintf("slow%d", i)))
	}
	eventually(t, "creates are stuck", func() bool { return v.pods.creates.Len() == 1 })
	p.tell(fast, running("10.0.0.1"))
	eventually(t, "status is written", func() bool { return c.pod("fast").Status.Phase == corev1.PodRunning })
	c.mustDelete(t, "fast", 30)
	eventually(t, "pod is gone", func() bool { return c.pod("fast") == nil })
}

func TestPortInUseIsAnErrorAtOnce(t *testing.T) {
	first := mustStart(t, quickConfig(), newCluster(t), newTestProvider())
	mustBeReady(t, first)
	cfg := quickConfig()
	cfg.Kubelet.Port = first.node.object().Status.DaemonEndpoints.KubeletEndpoint.Port
	client := newCluster(t)
	v, err := New(cfg, Deps{Client: client, Provider: newTestProvider(), Pods: NewPodInformer(client, "vk")})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for the kubelet API") {
		t.Errorf("error = %v", err)
	}
}

func TestMissingDependenciesAreReportedAtOnce(t *testing.T) {
	_, err := New(validConfig(), Deps{})
	for _, what := range []string{"Deps.Client", "Deps.Provider", "Deps.Pods"} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("nothing about %s in: %v", what, err)
		}
	}
}

func TestEventsGoThroughTheirOwnClient(t *testing.T) {
	client, events, p := newCluster(t), newCluster(t), newTestProvider()
	p.onCreate = func(*corev1.Pod) error { return errors.New("no stock") }
	cfg := quickConfig()
	client.mustCreate(t, newPod("a")) // before: the fake has no events of what is made between a list and its watch
	mustStartWith(t, cfg, Deps{Client: client, EventsClient: events, Provider: p, Pods: NewPodInformer(client, "vk")})
	eventually(t, "event is recorded", func() bool {
		list, err := events.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 1 && list.Items[0].Reason == "ProviderCreateFailed" && list.Items[0].Count > 1
	})
}

func hasPod(p *testProvider, pod *corev1.Pod) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.pods[pod.UID]
	return ok
}

func readyOf(c *cluster) corev1.NodeCondition {
	n, err := c.CoreV1().Nodes().Get(context.Background(), "vk", metav1.GetOptions{})
	if err != nil {
		return corev1.NodeCondition{}
	}
	if i := nodeConditionIndex(n.Status.Conditions, corev1.NodeReady); i >= 0 {
		return n.Status.Conditions[i]
	}
	return corev1.NodeCondition{}
}
