package vnode

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
)

func TestNewPodIsCreatedOnce(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.settle()
	if n := b.provider.count("create", pod); n != 1 {
		t.Errorf("created %d times, want 1", n)
	}
	if n := b.provider.count("update", pod); n != 0 {
		t.Errorf("updated %d times, want 0", n)
	}
}

func TestThousandNewPodsStartWithoutWaiting(t *testing.T) {
	b := newBench(t)
	for i := range 1000 {
		b.cluster.mustCreate(t, newPod(fmt.Sprintf("p%d", i)))
		b.deliver()
	}
	b.settle() // the clock stands still: a global rate would leave pods behind
	if n := len(b.provider.allCalls()); n != 1000 {
		t.Errorf("%d creates without any time passing, want 1000", n)
	}
}

func TestPodThatTheProviderHasIsNotCreatedAgain(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.provider.has(pod)
	b.settle()
	if calls := b.provider.allCalls(); len(calls) != 0 {
		t.Errorf("provider was called: %v", calls)
	}
}

func TestPodThatChangedWhileNobodyLookedIsUpdated(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.provider.has(pod)
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2" })
	b.settle()
	if n := b.provider.count("update", pod); n != 1 {
		t.Errorf("updated %d times, want 1: %v", n, b.provider.allCalls())
	}
}

func TestFailedUpdateOfAPodFoundAtStartIsRetried(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	old := pod.DeepCopy()
	old.Spec.Containers[0].Image = "nginx:0" // and the same generation
	b.provider.has(old)
	b.provider.onUpdate = func(*corev1.Pod) error { return errors.New("busy") }
	b.settle()
	b.provider.onUpdate = nil
	b.pass(time.Second, b.creates)
	if n := b.provider.count("update", pod); n != 2 {
		t.Errorf("updated %d times, want 2", n)
	}
}

func TestStatusSeenAtStartIsWritten(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	there := pod.DeepCopy()
	there.Status = running("10.0.0.9")
	b.provider.has(there)
	b.settle()
	if got := b.cluster.pod("a").Status; got.Phase != corev1.PodRunning || got.PodIP != "10.0.0.9" {
		t.Errorf("status = %+v", got)
	}
}

func TestNothingIsCreatedWhileTheProviderCannotSayWhatItHas(t *testing.T) {
	b := newBench(t)
	b.provider.onGet = func(*corev1.Pod) error { return errors.New("cloud unreachable") }
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	if n := b.provider.count("create", pod); n != 0 {
		t.Fatalf("created %d times, want 0", n)
	}
	b.provider.onGet = nil
	b.pass(time.Second, b.creates)
	if n := b.provider.count("create", pod); n != 1 {
		t.Errorf("created %d times after the provider came back, want 1", n)
	}
}

func TestChangesOfSpecLabelsAndAnnotationsReachTheProvider(t *testing.T) {
	for name, edit := range map[string]func(*corev1.Pod){
		"spec":       func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2" },
		"label":      func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} },
		"annotation": func(p *corev1.Pod) { p.Annotations = map[string]string{"a": "b"} },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			pod := b.mustRun(newPod("a"))
			b.cluster.change(t, "a", edit)
			b.settle()
			if n := b.provider.count("update", pod); n != 1 {
				t.Errorf("updated %d times, want 1", n)
			}
		})
	}
}

func TestChangesThatMeanNothingToTheProviderDoNotReachIt(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Annotations = map[string]string{ownedPrefix + "id": "x"} })
	b.cluster.change(t, "a", func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: "other", Status: corev1.ConditionTrue})
	})
	b.settle()
	if n := b.provider.count("update", pod); n != 0 {
		t.Errorf("updated %d times, want 0", n)
	}
}

func TestFailedUpdateIsRetried(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.onUpdate = func(*corev1.Pod) error { return errors.New("busy") }
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	b.settle()
	b.provider.onUpdate = nil
	b.pass(time.Second, b.creates)
	if n := b.provider.count("update", pod); n != 2 {
		t.Errorf("updated %d times, want 2", n)
	}
	if events := strings.Join(b.recorded(), "\n"); !strings.Contains(events, "Warning ProviderUpdateFailed busy") {
		t.Errorf("no event of the failure: %s", events)
	}
}

func TestSuccessorOfTheSameNameIsCreatedWhileTheOldPodEnds(t *testing.T) {
	b := newBench(t)
	old := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 0)
	successor := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	if n := b.provider.count("create", successor); n != 1 {
		t.Errorf("successor created %d times, want 1: %v", n, b.provider.allCalls())
	}
	if n := b.provider.count("delete", old); n != 1 {
		t.Errorf("old pod deleted %d times, want 1", n)
	}
}

func TestSuccessorThatARelistShowsAsAnUpdateIsAnotherPod(t *testing.T) {
	b := newBench(t)
	old := b.mustRun(newPod("a"))
	successor := newPod("a")
	successor.UID, successor.ResourceVersion, successor.Generation = "successor", "9999", 1
	successor.Status.Phase = corev1.PodPending
	b.handlers().OnUpdate(old, successor)
	b.settle()
	if b.provider.count("create", successor) != 1 || b.provider.count("delete", old) != 1 {
		t.Errorf("calls: %v", b.provider.allCalls())
	}
}

func TestEndedPodsAreNeverCreated(t *testing.T) {
	for _, phase := range []corev1.PodPhase{corev1.PodSucceeded, corev1.PodFailed} {
		b := newBench(t)
		pod := newPod("a")
		pod.Status.Phase = phase
		b.cluster.mustCreate(t, pod)
		b.settle()
		if calls := b.provider.allCalls(); len(calls) != 0 {
			t.Errorf("%s: provider was called: %v", phase, calls)
		}
	}
}

func TestRefusedPodFailsWithTheReasonAndIsNotRetried(t *testing.T) {
	b := newBench(t)
	b.provider.onCreate = func(*corev1.Pod) error {
		return errdefs.InvalidInput("spec.volumes[0].hostPath: not supported")
	}
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	status := b.cluster.pod("a").Status
	if status.Phase != corev1.PodFailed || status.Reason != "ProviderFailed" || status.Message != "spec.volumes[0].hostPath: not supported" {
		t.Errorf("status = %+v", status)
	}
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	b.settle()
	if n := b.provider.count("create", pod); n != 1 {
		t.Errorf("created %d times, want 1", n)
	}
	if got := b.creates.NumRequeues(pod.UID); got != 0 {
		t.Errorf("%d retries pending", got)
	}
	events := b.recorded()
	if len(events) != 1 || events[0] != "Warning ProviderCreateFailed spec.volumes[0].hostPath: not supported" {
		t.Errorf("events = %q", events)
	}
}

func TestOtherCreateErrorsLeaveThePodPendingAndAreRetriedForEver(t *testing.T) {
	for _, policy := range []corev1.RestartPolicy{corev1.RestartPolicyAlways, corev1.RestartPolicyNever} {
		t.Run(string(policy), func(t *testing.T) {
			b := newBench(t)
			b.provider.onCreate = func(*corev1.Pod) error { return errors.New("no stock") }
			pod := newPod("a")
			pod.Spec.RestartPolicy = policy
			pod = b.cluster.mustCreate(t, pod)
			b.settle()
			for range 30 {
				b.pass(time.Minute, b.creates)
			}
			status := b.cluster.pod("a").Status
			if status.Phase != corev1.PodPending || status.Reason != "ProviderFailed" || status.Message != "no stock" {
				t.Errorf("status = %+v", status)
			}
			if n := len(b.cluster.statusPatches()); n != 1 {
				t.Errorf("status written %d times for one message, want 1", n)
			}
			b.provider.onCreate = nil
			b.pass(time.Minute, b.creates)
			if n := b.provider.count("create", pod); n != 32 {
				t.Errorf("created %d times, want 32", n)
			}
			if got := b.cluster.pod("a").Status; got.Reason != "" || got.Message != "" {
				t.Errorf("status still tells of the failure: %+v", got)
			}
		})
	}
}

func TestStatusOfAFailureDoesNotCallOffThePause(t *testing.T) {
	b := newBench(t)
	attempts := 0
	b.provider.onCreate = func(*corev1.Pod) error {
		attempts++
		return fmt.Errorf("no stock (request %d)", attempts) // another message each time
	}
	b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	if attempts != 1 {
		t.Errorf("tried %d times without any time passing, want 1", attempts)
	}
}

func TestPausesGrowFromATenthOfASecondToFiveMinutes(t *testing.T) {
	cfg := DefaultConfig()
	limiter := newLimiter(cfg.RetryMin, cfg.RetryMax)
	previous := time.Duration(0)
	for i := range 20 {
		pause := limiter.When("uid")
		if i == 0 && (pause < 80*time.Millisecond || pause > 100*time.Millisecond) {
			t.Errorf("first pause = %s", pause)
		}
		if pause > 5*time.Minute || pause < previous*6/10 {
			t.Errorf("pause %d = %s after %s", i, pause, previous)
		}
		previous = pause
	}
	if previous < 4*time.Minute {
		t.Errorf("last pause = %s", previous)
	}
}

func TestPanickingProviderHurtsOnlyThePodConcerned(t *testing.T) {
	b := newBench(t)
	b.provider.onCreate = func(pod *corev1.Pod) error {
		if pod.Name == "poisoned" {
			panic("nil map")
		}
		return nil
	}
	poisoned := b.cluster.mustCreate(t, newPod("poisoned"))
	healthy := b.cluster.mustCreate(t, newPod("healthy"))
	b.settle()
	if n := b.provider.count("create", healthy); n != 1 {
		t.Errorf("healthy pod created %d times, want 1", n)
	}
	if got := counterValue(t, b.metrics.panics.WithLabelValues(opCreate)); got != 1 {
		t.Errorf("panics counted = %v, want 1", got)
	}
	if got := b.cluster.pod("poisoned").Status.Message; !strings.Contains(got, "nil map") {
		t.Errorf("message = %q", got)
	}
	b.provider.onCreate = nil
	b.pass(time.Second, b.creates)
	if n := b.provider.count("create", poisoned); n != 2 {
		t.Errorf("poisoned pod created %d times, want 2", n)
	}
}

func TestUpdate_IsObservedOnceTheProviderHasTakenIt(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	busy := errors.New("busy")
	b.provider.onUpdate = func(*corev1.Pod) error { return busy }
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2"; p.Generation++ })
	b.settle()
	if got := b.cluster.pod("a"); got.Generation == pod.Generation || got.Status.ObservedGeneration != pod.Status.ObservedGeneration {
		t.Errorf("generation %d is observed, of %d, while the provider is busy", got.Status.ObservedGeneration, got.Generation)
	}
	busy = nil
	b.pass(time.Minute, b.creates)
	if got := b.cluster.pod("a"); got.Status.ObservedGeneration != got.Generation {
		t.Errorf("generation %d is observed, of %d", got.Status.ObservedGeneration, got.Generation)
	}
}
