package vnode

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
)

func TestDeletedPodStaysUntilTheProviderSaysThatItEnded(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") == nil {
		t.Fatal("object left while the provider still runs the pod")
	}
	if n := b.provider.count("delete", pod); n != 1 {
		t.Fatalf("asked %d times, want 1", n)
	}
	var last corev1.PodStatus
	b.cluster.setFail(func(verb string) error {
		if verb == "delete" {
			got, _ := b.cluster.get("default", "a")
			last = got.Status
		}
		return nil
	})
	b.provider.tell(pod, ended(corev1.PodFailed, 143))
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Fatal("object still there after the end")
	}
	if last.Phase != corev1.PodFailed || last.ContainerStatuses[0].State.Terminated.ExitCode != 143 {
		t.Errorf("status when removed = %+v", last)
	}
	final := b.cluster.deletes[len(b.cluster.deletes)-1]
	if *final.GracePeriodSeconds != 0 || final.Preconditions == nil || *final.Preconditions.UID != pod.UID {
		t.Errorf("removed with %+v", final)
	}
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("asked %d times in all, want 1", n)
	}
	if _, ok := b.pods.read(pod.UID); ok {
		t.Error("pod is still remembered")
	}
}

func TestEndReportedFromWithinDeletePodIsEnough(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Errorf("object still there, calls %v", b.provider.count("delete", pod))
	}
}

func TestPodOfWhichTheProviderHasNothingGoesAtOnceWithAFinalStatus(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.drop(pod.UID)
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Fatal("object still there")
	}
	patches := b.cluster.statusPatches()
	final := patches[len(patches)-1]
	if !strings.Contains(final, `"phase":"Failed"`) || !strings.Contains(final, "ContainerStatusUnknown") {
		t.Errorf("final status = %s", final)
	}
}

func TestPodDeletedBeforeItCouldBeCreatedGoesAtOnce(t *testing.T) {
	b := newBench(t)
	b.provider.onCreate = func(*corev1.Pod) error { return errors.New("no stock") }
	b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
}

func TestFailedDeleteIsRetriedUntilItSucceeds(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.onDelete = func(*corev1.Pod) error { return errors.New("throttled") }
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	for range 25 {
		b.pass(time.Minute, b.deletes)
	}
	if b.cluster.pod("a") == nil {
		t.Fatal("object left although the provider was not asked")
	}
	b.provider.onDelete = nil
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.pass(time.Minute, b.deletes)
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
	if n := b.provider.count("delete", pod); n < 27 {
		t.Errorf("asked %d times", n)
	}
}

func TestEndWithoutASuccessfulDeletePodIsNotEnough(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.onDelete = func(*corev1.Pod) error { return errors.New("throttled") }
	b.provider.tell(pod, ended(corev1.PodSucceeded, 0))
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") == nil {
		t.Error("object left although the provider may keep what is left of the pod")
	}
}

func TestSilentProviderIsAskedAgainAndNeverTooOften(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	b.settle()
	if n := b.provider.count("delete", pod); n != 1 {
		t.Fatalf("asked %d times within a moment, want 1", n)
	}
	b.provider.drop(pod.UID) // it ended, and the report got lost
	b.pass(time.Minute, b.deletes)
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
}

func TestShorterGracePeriodIsPassedOn(t *testing.T) {
	b := newBench(t)
	pod := newPod("a")
	pod.Finalizers = []string{"example.com/hold"} // a force delete then leaves the object
	pod = b.mustRun(pod)
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	b.cluster.mustDelete(t, "a", 0)
	b.settle()
	if n := b.provider.count("delete", pod); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestFinalizerDoesNotMakeUsRemoveAnObjectOverAndOver(t *testing.T) {
	b := newBench(t)
	pod := newPod("a")
	pod.Finalizers = []string{"example.com/hold"}
	pod = b.mustRun(pod)
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	b.settle()
	if n := len(b.cluster.deletes); n != 2 { // the user's and ours
		t.Errorf("%d deletes, want 2", n)
	}
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Finalizers = nil })
	if err := b.cluster.tracker.Delete(podsResource, "default", "a"); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if _, ok := b.pods.read(pod.UID); ok {
		t.Error("pod is still remembered")
	}
}

func TestForceDeletedPodIsStoppedInTheProviderUntilThatSucceeds(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.onDelete = func(*corev1.Pod) error { return errors.New("throttled") }
	b.cluster.mustDelete(t, "a", 0)
	b.settle()
	if _, ok := b.pods.read(pod.UID); !ok {
		t.Fatal("pod forgotten while the provider runs it")
	}
	b.provider.onDelete = nil
	b.pass(time.Second, b.deletes)
	if n := b.provider.count("delete", pod); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	if _, ok := b.pods.read(pod.UID); ok {
		t.Error("pod is still remembered")
	}
}

func TestForceDeleteDuringAGracefulOneIsPassedOn(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	b.cluster.mustDelete(t, "a", 0)
	b.settle()
	if n := b.provider.count("delete", pod); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestTombstoneStopsThePodInTheProvider(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.handlers().OnDelete(tombstone(pod))
	b.settle()
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

func TestTombstoneOfAPodNeverSeenStopsItToo(t *testing.T) {
	b := newBench(t)
	pod := newPod("a")
	pod.UID = "never-seen"
	b.provider.has(pod)
	b.handlers().OnDelete(tombstone(pod))
	b.settle()
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

func TestPodThatEndedBeforeAStartGoesWithoutAReport(t *testing.T) {
	b := newBench(t)
	pod := newPod("a")
	pod.Status = ended(corev1.PodSucceeded, 0)
	pod = b.cluster.mustCreate(t, pod)
	b.provider.has(pod)
	b.settle()
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

func TestPodCalledFailedByOthersStaysWhileTheProviderRunsIt(t *testing.T) {
	b := newBench(t)
	b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") == nil {
		t.Error("object left while the provider still runs the pod")
	}
}

func TestPodDeletedWhileItIsBeingCreatedIsStoppedAfterwards(t *testing.T) {
	b := newBench(t)
	b.provider.onCreate = func(*corev1.Pod) error {
		// The delete arrives, and another worker picks it up, in mid-create.
		b.cluster.mustDelete(t, "a", 30)
		b.deliver()
		uid, _ := b.deletes.Get()
		b.attempt(t.Context(), b.deletes, queueDelete, uid, b.reconcile)
		b.deletes.Done(uid)
		if calls := b.provider.allCalls(); len(calls) != 1 {
			t.Errorf("provider called for a pod that is being created: %v", calls)
		}
		return nil
	}
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("asked %d times, want 1: %v", n, b.provider.allCalls())
	}
}

func TestRemovalThatMeetsASuccessorLeavesIt(t *testing.T) {
	b := newBench(t)
	b.mustRun(newPod("a"))
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.cluster.mustDelete(t, "a", 30)
	b.deliver()
	// The object goes and a successor comes, and no event of it has arrived yet.
	b.cluster.mustDelete(t, "a", 0)
	successor := b.cluster.mustCreate(t, newPod("a"))
	b.workOff()
	if got := b.cluster.pod("a"); got == nil || got.UID != successor.UID {
		t.Fatalf("successor is gone: %+v", got)
	}
	if got := b.cluster.pod("a").Status.Phase; got != corev1.PodPending {
		t.Errorf("status of the successor = %s", got)
	}
	b.settle()
	if n := b.provider.count("create", successor); n != 1 {
		t.Errorf("successor created %d times, want 1", n)
	}
}

func TestFinalStatusThatTheServerRefusesDoesNotKeepThePod(t *testing.T) {
	b := newBench(t)
	b.mustRun(newPod("a"))
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.cluster.setFail(func(verb string) error {
		if verb == "patch" {
			return apierrors.NewInvalid(podKind, "a", nil)
		}
		return nil
	})
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
}

func TestFailedRemovalIsRetried(t *testing.T) {
	b := newBench(t)
	b.mustRun(newPod("a"))
	b.provider.deleted = func(p *corev1.Pod) { b.provider.tell(p, ended(corev1.PodSucceeded, 0)) }
	b.cluster.mustDelete(t, "a", 30)
	b.cluster.setFail(func(verb string) error {
		if verb == "delete" {
			return apierrors.NewConflict(podsResource.GroupResource(), "a", errors.New("try again"))
		}
		return nil
	})
	b.settle()
	if b.cluster.pod("a") == nil {
		t.Fatal("object gone")
	}
	b.cluster.setFail(nil)
	b.pass(time.Second, b.updates)
	if b.cluster.pod("a") != nil {
		t.Error("object still there")
	}
}

func TestLateReportOfAGonePodIsDropped(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 0)
	b.settle()
	before := len(b.cluster.statusPatches())
	b.provider.tell(pod, ended(corev1.PodFailed, 137))
	b.settle()
	if n := len(b.cluster.statusPatches()) - before; n != 0 {
		t.Errorf("%d writes for a pod that is gone", n)
	}
	if _, ok := b.pods.read(pod.UID); ok {
		t.Error("pod is remembered again")
	}
}

func TestEventThatArrivesAfterTheAnswerToAPatchDoesNotTakeUsBack(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	stale := pod.DeepCopy()
	stale.ResourceVersion = "1"
	stale.Status = corev1.PodStatus{Phase: corev1.PodPending}
	b.see(watch.Modified, stale)
	e, _ := b.pods.read(pod.UID)
	if e.pod.Status.Phase != corev1.PodRunning {
		t.Errorf("remembered %+v", e.pod.Status)
	}
}

func TestAPodThatEndsFastIsWrittenOnce(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	before := len(b.cluster.statusPatches())
	b.cluster.mustDelete(t, "a", 30)
	b.settle()
	stopping := running("10.0.0.1")
	stopping.Message = "its containers end"
	b.provider.tell(pod, stopping)
	b.settle()
	if patches := b.cluster.statusPatches()[before:]; len(patches) != 0 {
		t.Errorf("written at once: %v", patches)
	}
	b.provider.tell(pod, corev1.PodStatus{Phase: corev1.PodFailed})
	b.settle()
	b.pass(b.pendingPause, b.updates)
	if patches := b.cluster.statusPatches()[before:]; len(patches) != 1 {
		t.Errorf("%d writes, want the end alone: %v", len(patches), patches)
	}
}

// TestDelete_PodThatHasEndedAtTheAPIServerIsStopped changes the phase of a pod that
// runs, as anybody may who writes the status of pods.
func TestDelete_PodThatHasEndedAtTheAPIServerIsStopped(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })
	b.settle()
	if n := b.provider.count("delete", pod); n != 1 {
		t.Errorf("the provider was asked %d times to stop it", n)
	}
	if got := b.cluster.pod("a"); got == nil || got.Status.Phase != corev1.PodFailed {
		t.Errorf("the object is %v", got)
	}
}

// notYet is an error of a provider that waits.
type notYet struct{ error }

func (notYet) NotYet() bool { return true }

func TestDelete_EventIsForFailuresOnly(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{"failure": {errors.New("broken"), 1}, "waits": {notYet{errors.New("being created")}, 0}} {
		b := newBench(t)
		b.mustRun(newPod("a"))
		b.provider.onDelete = func(*corev1.Pod) error { return c.err }
		b.cluster.mustDelete(t, "a", 30)
		b.settle()
		if events := b.warnings(reasonDeleteFailed); events != c.want {
			t.Errorf("%s: %d events, want %d", name, events, c.want)
		}
	}
}

// warnings takes the events off the recorder and counts those with a reason.
func (b *bench) warnings(reason string) (n int) {
	for len(b.events.Events) > 0 {
		if strings.Contains(<-b.events.Events, reason) {
			n++
		}
	}
	return n
}

// TestCreate_ProviderThatWaitsIsNoFailure answers a create, and an update, with an error
// that only waits.
func TestCreate_ProviderThatWaitsIsNoFailure(t *testing.T) {
	b := newBench(t)
	answer := error(notYet{errors.New("being created")})
	b.provider.onCreate = func(*corev1.Pod) error { return answer }
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	if n := b.warnings(reasonCreateFailed); n != 0 {
		t.Errorf("%d events %s", n, reasonCreateFailed)
	}
	if got := b.cluster.pod("a").Status; got.Reason != "" {
		t.Errorf("the status says %s: %s", got.Reason, got.Message)
	}
	answer = nil
	b.pass(time.Minute, b.creates)
	b.provider.tell(pod, running("10.0.0.1"))
	b.settle()
	b.provider.onUpdate = func(*corev1.Pod) error { return notYet{errors.New("not known")} }
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	b.settle()
	if n := b.warnings(reasonUpdateFailed); n != 0 {
		t.Errorf("%d events %s", n, reasonUpdateFailed)
	}
	b.provider.onUpdate = nil
	b.pass(time.Minute, b.creates)
	if n := b.provider.count("update", pod); n != 2 {
		t.Errorf("updated %d times, want 2", n)
	}
}
