package provider

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mustSetProfile writes the profile of the cluster.
func (w *world) mustSetProfile(data map[string]string) {
	w.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: request.ProfileNamespace, Name: request.ProfileName}, Data: data}
	maps := corev1.SchemeGroupVersion.WithResource("configmaps")
	if _, err := w.kube.CoreV1().ConfigMaps(object.Namespace).Get(w.Context(), object.Name, metav1.GetOptions{}); err == nil {
		if err := w.kube.Tracker().Update(maps, object, object.Namespace); err != nil {
			w.Fatal(err)
		}
		return
	}
	w.mustAdd(object)
}

// requestOf is what was asked for the group of a pod that has not ended.
func (w *world) requestOf(pod *corev1.Pod) eci.CreateContainerGroupRequest {
	w.Helper()
	for _, g := range w.emulator.Groups() {
		if g.Request.ContainerGroupName == request.GroupName(pod.Namespace, pod.Name) && !eci.IsTerminal(g.Status) {
			return g.Request
		}
	}
	w.Fatalf("no group for %s", pod.Name)
	return eci.CreateContainerGroupRequest{}
}

const spotForTests = `[{"name": "tests", "namespaceSelector": {"matchLabels": {"stage": "test"}},
	"objectSelector": {"matchLabels": {"app": "web"}}, "effect": {"annotations": {"k8s.aliyun.com/eci-ram-role-name": "tester"}}}]`

func labelled(p *corev1.Pod) { p.Labels = map[string]string{"app": "web"} }

func TestTheProfileOfTheClusterIsReadLive(t *testing.T) {
	w := newWorld(t)
	w.mustAdd(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"stage": "test"}}})
	before := w.mustRun("before", labelled)
	w.mustSetProfile(map[string]string{"selectors": spotForTests})
	w.pass(profileAge)
	with, other := w.mustRun("with", labelled), w.mustRun("other")
	own := w.mustRun("own", labelled, annotated("eci-ram-role-name", "mine"))
	if n := w.recorded(reasonDefaults); n != 1 {
		t.Errorf("%d events tell what the profile gives, want one for the pod that got it", n)
	}
	w.mustSetProfile(nil)
	w.pass(profileAge)
	after := w.mustRun("after", labelled)
	for pod, want := range map[*corev1.Pod]string{before: "", with: "tester", other: "", own: "mine", after: ""} {
		if got := w.requestOf(pod).RAMRoleName; got != want {
			t.Errorf("pod %s has the role %q, want %q", pod.Name, got, want)
		}
	}
}

func TestAThousandPodsAtOnceReadTheProfileOnce(t *testing.T) {
	w := newWorld(t)
	w.kube.ClearActions()
	for range 1000 {
		if _, _, err := w.profiles.apply(t.Context(), &corev1.Pod{}, w.cfg.Request); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.kube.Actions()); n != 1 {
		t.Errorf("%d reads", n)
	}
}

func TestAProfileThatCannotBeReadHoldsPodsBackAndABrokenOneIsTold(t *testing.T) {
	w := newWorld(t)
	down := true
	w.kube.PrependReactor("get", "configmaps", func(k8stesting.Action) (bool, apiruntime.Object, error) {
		return down, nil, errors.New("the API server is away")
	})
	pod := w.mustAddPod("web")
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Error("the pod may have landed in the wrong place")
	}
	w.expectLive(0)
	down = false
	w.pass(failurePause) // the error is not asked for again at once
	w.mustSetProfile(map[string]string{"selectors": "{"})
	w.recorded("")
	w.mustCreatePod(pod)
	if n := w.recorded(reasonProfileInvalid); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// gate counts reads of a resource and holds them until it is opened.
type gate struct {
	reads atomic.Int32
	open  chan struct{}
}

func (w *world) gateReads(resource string, err error) *gate {
	g := &gate{open: make(chan struct{})}
	w.kube.PrependReactor("get", resource, func(k8stesting.Action) (bool, apiruntime.Object, error) {
		g.reads.Add(1)
		<-g.open
		return err != nil, nil, err
	})
	return g
}

// applyAtOnce has many workers ask for the profile, opens the gate once the first
// reads and the others had every chance to, and returns the errors that they got.
func (w *world) applyAtOnce(workers int, g *gate) (failed int) {
	var running sync.WaitGroup
	var errs, asked atomic.Int32
	for range workers {
		running.Go(func() {
			asked.Add(1)
			if _, _, err := w.profiles.apply(w.Context(), &corev1.Pod{ObjectMeta: objectMeta("web")}, w.cfg.Request); err != nil {
				errs.Add(1)
			}
		})
	}
	for asked.Load() < int32(workers) || g.reads.Load() == 0 {
		runtime.Gosched()
	}
	for range 10_000 {
		runtime.Gosched()
	}
	close(g.open)
	running.Wait()
	return int(errs.Load())
}

func TestProfiles_FiftyWorkersReadOnce(t *testing.T) {
	for name, test := range map[string]struct {
		resource string
		before   func(*world)
		err      error
	}{
		"when nothing is known":        {"configmaps", func(*world) {}, nil},
		"when it is too old":           {"configmaps", func(w *world) { w.mustApply(); w.pass(profileMostAge) }, nil},
		"the labels of a namespace":    {"namespaces", func(*world) {}, nil},
		"when the API server is away":  {"configmaps", func(*world) {}, errors.New("the API server is away")},
		"when a namespace is not read": {"namespaces", func(*world) {}, errors.New("the API server is away")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustAdd(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"stage": "test"}}})
			w.mustSetProfile(map[string]string{"selectors": spotForTests})
			test.before(w)
			const workers = 50
			g := w.gateReads(test.resource, test.err)
			failed := w.applyAtOnce(workers, g)
			if n := g.reads.Load(); n != 1 {
				t.Errorf("%d reads, want 1", n)
			}
			if want := map[bool]int{true: workers}[test.err != nil]; failed != want {
				t.Errorf("%d workers failed, want %d", failed, want)
			}
		})
	}
}

func (w *world) mustApply() {
	w.Helper()
	if _, _, err := w.profiles.apply(w.Context(), &corev1.Pod{ObjectMeta: objectMeta("web")}, w.cfg.Request); err != nil {
		w.Fatal(err)
	}
}

func TestProfiles_AWorkerThatLeavesFailsAlone(t *testing.T) {
	w := newWorld(t)
	g := w.gateReads("configmaps", nil)
	ctx, leave := context.WithCancel(t.Context())
	left, stays := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answer chan error) {
		_, err := w.profiles.current(ctx)
		answer <- err
	}
	go ask(ctx, left)
	for g.reads.Load() == 0 {
		runtime.Gosched()
	}
	go ask(t.Context(), stays)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that left got %v", err)
	}
	close(g.open)
	if err := <-stays; err != nil {
		t.Errorf("the one that stayed got %v", err)
	}
}

func TestSharedReads_APanicIsAnError(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	_, err := newSharedReads(w.clock).do(t.Context(), "key", func(context.Context) (any, error) { panic("a fault of ours") })
	if err == nil {
		t.Error("no error")
	}
}
