package vnode

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func condition(pod *corev1.Pod, t corev1.PodConditionType) corev1.PodCondition {
	if c := findCondition(pod.Status.Conditions, t); c != nil {
		return *c
	}
	return corev1.PodCondition{}
}

func TestStatusAndAnnotationsOfTheProviderTravelInOnePatch(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	b.cluster.change(t, "a", func(p *corev1.Pod) {
		p.Labels = map[string]string{"late": "yes"}
		p.Annotations = map[string]string{"user": "kept", ownedPrefix + "same": "1"}
	})
	b.settle()
	b.provider.tell(pod, running("10.0.0.1"), ownedPrefix+"id", "eci-1", ownedPrefix+"same", "1", "foreign", "no")
	b.settle()

	patches := b.cluster.statusPatches()
	if len(patches) != 1 {
		t.Fatalf("%d patches, want 1: %v", len(patches), patches)
	}
	var sent struct {
		Metadata struct {
			UID         string            `json:"uid"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal([]byte(patches[0]), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.Metadata.UID != string(pod.UID) {
		t.Errorf("precondition = %q, want %q", sent.Metadata.UID, pod.UID)
	}
	if len(sent.Metadata.Annotations) != 1 || sent.Metadata.Annotations[ownedPrefix+"id"] != "eci-1" {
		t.Errorf("annotations sent = %v", sent.Metadata.Annotations)
	}
	got := b.cluster.pod("a")
	if got.Labels["late"] != "yes" || got.Annotations["user"] != "kept" || got.Annotations["foreign"] != "" {
		t.Errorf("labels %v, annotations %v", got.Labels, got.Annotations)
	}
	if got.Status.Phase != corev1.PodRunning || got.Status.PodIPs[0].IP != "10.0.0.1" || got.Status.ObservedGeneration != 1 {
		t.Errorf("status = %+v", got.Status)
	}
}

func TestReportsAreCoalescedAndTheNewestCounts(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	var reporters sync.WaitGroup
	for range 20 {
		reporters.Go(func() { b.provider.tell(pod, running("10.0.0.1")) })
	}
	reporters.Wait()
	b.provider.tell(pod, running("10.0.0.2"))
	b.settle()
	if n := len(b.cluster.statusPatches()); n != 1 {
		t.Errorf("%d patches, want 1", n)
	}
	if got := b.cluster.pod("a").Status.PodIPs; len(got) != 1 || got[0].IP != "10.0.0.2" {
		t.Errorf("pod IPs = %v", got)
	}
}

func TestAPodThatComesUpFastCostsOneWrite(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	b.provider.tell(pod, corev1.PodStatus{Phase: corev1.PodPending})
	b.settle()
	b.provider.tell(pod, running("10.0.0.1"))
	b.settle()
	if patches := b.cluster.statusPatches(); len(patches) != 1 {
		t.Errorf("%d patches, want 1: %v", len(patches), patches)
	}
	if got := b.cluster.pod("a"); got.Status.Phase != corev1.PodRunning {
		t.Errorf("phase %s: a pod that runs must not wait", got.Status.Phase)
	}
}

func TestAPodThatComesUpSlowlyIsShownPendingAfterAPause(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	b.provider.tell(pod, corev1.PodStatus{Phase: corev1.PodPending, HostIP: "10.0.0.9"})
	b.settle()
	if patches := b.cluster.statusPatches(); len(patches) != 0 {
		t.Errorf("written at once: %v", patches)
	}
	b.pass(b.pendingPause, b.updates)
	if got := b.cluster.pod("a"); got.Status.HostIP != "10.0.0.9" {
		t.Errorf("status %+v", got.Status)
	}
}

func TestChangedAddressReplacesTheOldOne(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.tell(pod, running("10.0.0.2"))
	b.settle()
	if got := b.cluster.pod("a").Status.PodIPs; len(got) != 1 || got[0].IP != "10.0.0.2" {
		t.Errorf("pod IPs = %v", got)
	}
}

func TestStatusThatIsThereAlreadyIsNotWritten(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	before := len(b.cluster.statusPatches())
	b.clock.Step(time.Hour)
	again := running("10.0.0.1")
	again.StartTime = &metav1.Time{Time: time.Unix(1700000000, 5)}
	b.provider.tell(pod, again)
	b.settle()
	b.clock.Step(time.Hour)
	b.provider.tell(pod, again) // fractions of seconds do not survive the API server
	b.settle()
	if n := len(b.cluster.statusPatches()) - before; n != 1 {
		t.Errorf("%d writes, want 1 for the start time", n)
	}
}

func TestConditionsOfOthersStay(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: "example.com/gate", Status: corev1.ConditionTrue})
	})
	b.settle()
	changed := running("10.0.0.1")
	changed.ContainerStatuses[0].RestartCount = 1
	b.provider.tell(pod, changed)
	b.settle()
	patches := b.cluster.statusPatches()
	if last := patches[len(patches)-1]; strings.Contains(last, "example.com/gate") {
		t.Errorf("sent a condition of others: %s", last)
	}
	got := b.cluster.pod("a")
	if condition(got, "example.com/gate").Status != corev1.ConditionTrue || got.Status.ContainerStatuses[0].RestartCount != 1 {
		t.Errorf("status = %+v", got.Status)
	}
}

func TestReadyFollowsTheReadinessGates(t *testing.T) {
	b := newBench(t)
	gated := newPod("a")
	gated.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
	b.mustRun(gated)
	pod := b.cluster.pod("a")
	if c := condition(pod, corev1.PodReady); c.Status != corev1.ConditionFalse || c.Reason != "ReadinessGatesNotReady" {
		t.Fatalf("Ready = %+v before the gate opens", c)
	}
	if c := condition(pod, corev1.ContainersReady); c.Status != corev1.ConditionTrue {
		t.Errorf("ContainersReady = %+v", c)
	}
	b.cluster.change(t, "a", func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: "example.com/gate", Status: corev1.ConditionTrue})
	})
	b.settle()
	if c := condition(b.cluster.pod("a"), corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Errorf("Ready = %+v after the gate opened", c)
	}
	b.cluster.change(t, "a", func(p *corev1.Pod) {
		findCondition(p.Status.Conditions, "example.com/gate").Status = corev1.ConditionFalse
	})
	b.settle()
	if c := condition(b.cluster.pod("a"), corev1.PodReady); c.Status != corev1.ConditionFalse {
		t.Errorf("Ready = %+v after the gate closed", c)
	}
}

func TestTransitionTimesMoveWithTheStatusOnly(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	first := condition(pod, corev1.PodReady).LastTransitionTime
	b.clock.Step(time.Hour)
	restarted := running("10.0.0.1")
	restarted.ContainerStatuses[0].RestartCount = 1
	b.provider.tell(pod, restarted)
	b.settle()
	if got := condition(b.cluster.pod("a"), corev1.PodReady).LastTransitionTime; !got.Equal(&first) {
		t.Errorf("transition time moved from %s to %s without a transition", first, got)
	}
	unready := restarted.DeepCopy()
	unready.ContainerStatuses[0].Ready = false
	b.provider.tell(pod, *unready)
	b.settle()
	got := condition(b.cluster.pod("a"), corev1.PodReady)
	if got.Status != corev1.ConditionFalse || !got.LastTransitionTime.Time.Equal(b.clock.Now()) {
		t.Errorf("Ready = %+v", got)
	}
}

func TestEndIsFinal(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.tell(pod, ended(corev1.PodSucceeded, 0))
	b.provider.tell(pod, running("10.0.0.1")) // overtaken on its way
	b.settle()
	if got := b.cluster.pod("a").Status.Phase; got != corev1.PodSucceeded {
		t.Fatalf("phase = %s", got)
	}
	b.provider.tell(pod, ended(corev1.PodFailed, 1))
	b.settle()
	if got := b.cluster.pod("a").Status.Phase; got != corev1.PodSucceeded {
		t.Errorf("phase went from Succeeded to %s", got)
	}
}

func TestEndDeclaredByOthersIsNotTakenBack(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" })
	b.provider.tell(pod, running("10.0.0.1"))
	b.settle()
	if got := b.cluster.pod("a").Status; got.Phase != corev1.PodFailed || got.Reason != "Evicted" {
		t.Errorf("status = %+v", got)
	}
}

func TestLateExitCodeOfAnEndedPodIsStillWritten(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.provider.tell(pod, corev1.PodStatus{Phase: corev1.PodFailed})
	b.settle()
	b.provider.tell(pod, ended(corev1.PodFailed, 3))
	b.settle()
	if got := b.cluster.pod("a").Status.ContainerStatuses; len(got) != 1 || got[0].State.Terminated.ExitCode != 3 {
		t.Errorf("container statuses = %+v", got)
	}
}

func TestReadyFlippedByOthersIsWrittenAgain(t *testing.T) {
	b := newBench(t)
	b.mustRun(newPod("a"))
	b.cluster.change(t, "a", func(p *corev1.Pod) { // as the node lifecycle controller does
		findCondition(p.Status.Conditions, corev1.PodReady).Status = corev1.ConditionFalse
	})
	b.settle()
	if c := condition(b.cluster.pod("a"), corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Errorf("Ready = %+v", c)
	}
}

func TestFailedWriteIsRetried(t *testing.T) {
	for name, fail := range map[string]error{
		"conflict": apierrors.NewConflict(podsResource.GroupResource(), "a", errors.New("changed")),
		"5xx":      apierrors.NewInternalError(errors.New("etcd")),
		"network":  errors.New("connection refused"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			pod := b.cluster.mustCreate(t, newPod("a"))
			b.settle()
			b.cluster.setFail(func(string) error { return fail })
			b.provider.tell(pod, running("10.0.0.1"))
			b.settle()
			b.cluster.setFail(nil)
			b.pass(time.Second, b.updates)
			if got := b.cluster.pod("a").Status.Phase; got != corev1.PodRunning {
				t.Errorf("phase = %s", got)
			}
		})
	}
}

func TestReportOfAPodThatJustLeftIsDroppedQuietly(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 0)
	b.provider.tell(pod, running("10.0.0.2")) // the delete event is still on its way
	b.workOff()
	if n := b.updates.NumRequeues(pod.UID); n != 0 {
		t.Errorf("%d retries", n)
	}
}

func TestReportOfAReplacedPodDoesNotTouchItsSuccessor(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	b.cluster.mustDelete(t, "a", 0)
	b.cluster.mustCreate(t, newPod("a"))
	b.provider.tell(pod, running("10.0.0.2"), ownedPrefix+"id", "old")
	b.workOff()
	if got := b.cluster.pod("a"); got.Status.PodIP != "" || got.Annotations[ownedPrefix+"id"] != "" {
		t.Errorf("successor got %+v %v", got.Status, got.Annotations)
	}
	if n := b.updates.NumRequeues(pod.UID); n != 0 {
		t.Errorf("%d retries", n)
	}
}

func TestAnObjectThatNothingKeepsIsNotPatched(t *testing.T) {
	for name, c := range map[string]struct {
		finalizers []string
		want       int
	}{
		"nothing keeps it":     {nil, 0},
		"a finalizer keeps it": {[]string{"example.com/hold"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			pod := b.mustRun(newPod("a"))
			before := len(b.cluster.statusPatches())
			b.cluster.change(t, "a", func(p *corev1.Pod) {
				p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: b.clock.Now()}, ptr.To[int64](0)
				p.Finalizers = c.finalizers
			})
			b.deliver()
			b.provider.tell(pod, running("10.0.0.2"))
			b.workOff()
			b.pass(b.pendingPause, b.updates)
			if n := len(b.cluster.statusPatches()) - before; n != c.want {
				t.Errorf("%d patches, want %d", n, c.want)
			}
		})
	}
}

func TestOtherInvalidAnswersAreErrors(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	b.cluster.setFail(func(string) error { return apierrors.NewInvalid(podKind, "a", nil) })
	b.provider.tell(pod, running("10.0.0.1"))
	b.settle()
	if n := b.updates.NumRequeues(pod.UID); n != 1 {
		t.Errorf("%d retries, want 1", n)
	}
}

func TestProvidersThatLeaveOutTheUIDAreUnderstood(t *testing.T) {
	b := newBench(t)
	pod := b.cluster.mustCreate(t, newPod("a"))
	b.settle()
	nameless := pod.DeepCopy()
	nameless.UID = ""
	b.provider.tell(nameless, running("10.0.0.1"))
	b.settle()
	if got := b.cluster.pod("a").Status.Phase; got != corev1.PodRunning {
		t.Errorf("phase = %s", got)
	}
}

func TestServerThatRefusesAFieldSilentlyIsNotAskedForEver(t *testing.T) {
	b := newBench(t)
	pod := b.mustRun(newPod("a"))
	e, _ := b.pods.read(pod.UID)
	odd := running("10.0.0.1")
	odd.ContainerStatuses[0].RestartCount = 7
	patch, err := statusPatch(e.pod, desiredStatus(entry{pod: e.pod, reported: &report{Status: odd}}, metav1.Now()), nil)
	if err != nil || patch == nil {
		t.Fatalf("patch %s, %v", patch, err)
	}
	b.pods.change(pod.UID, func(e *entry) { e.sent, e.sentVersion = sha256.Sum256(patch), e.pod.ResourceVersion })
	before := len(b.cluster.statusPatches())
	b.provider.tell(pod, odd)
	b.settle()
	if n := len(b.cluster.statusPatches()) - before; n != 0 {
		t.Errorf("sent %d times again what the API server would not take", n)
	}
}
