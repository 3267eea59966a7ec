package provider

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// stubborn returns a world whose groups take an hour to end, with a running pod whose
// group has ten minutes of grace.
func stubborn(t *testing.T) (*world, *corev1.Pod) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Hour })
	return w, w.mustRun("stubborn", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(600)) })
}

func (w *world) mustDelete(pod *corev1.Pod, grace int64) {
	w.Helper()
	if err := w.DeletePod(w.Context(), w.deleting(pod, grace)); err != nil {
		w.Fatal(err)
	}
}

// expectForcedAfter lets time pass second by second and checks that the group is forced
// to end after the grace and its slack, and not before.
func (w *world) expectForcedAfter(pod *corev1.Pod, grace time.Duration) {
	w.Helper()
	for passed := time.Duration(0); passed <= grace+forceSlack; passed += time.Second {
		w.tick()
		if e, _ := w.store.get(pod.UID); e.deletion.forced {
			w.Fatalf("forced after %s, the grace is %s", passed, grace)
		}
		w.pass(time.Second)
	}
	w.tick()
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		w.Fatalf("not forced %s after the grace", forceSlack)
	}
}

func TestDelete_ForcesOnlyAfterGrace(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	w.expectForcedAfter(pod, 60*time.Second)
}

func TestDelete_ShortenedGraceCountsFromItsChange(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	for range 20 {
		w.pass(time.Second)
		w.tick()
	}
	w.mustDelete(pod, 5)
	w.expectForcedAfter(pod, 5*time.Second)
}

func TestDelete_SameDeleteAskedAgainChangesNothing(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	marked := (*w.pods.pods)[0]
	for range 30 {
		w.pass(time.Second)
		w.tick()
		if err := w.DeletePod(t.Context(), marked); err != nil {
			t.Fatal(err)
		}
	}
	w.expectForcedAfter(pod, 30*time.Second)
}

func TestDelete_RestartKeepsTheGrace(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	w.pass(20 * time.Second)
	w.tick()
	w.start()
	w.tick()
	if e, _ := w.store.get(pod.UID); e.deletion.forced {
		t.Fatal("forced by the restart")
	}
	w.pass(40 * time.Second)
	w.tick()
	if e, _ := w.store.get(pod.UID); e.deletion.forced {
		t.Fatal("forced before the grace was over")
	}
	w.pass(60*time.Second + forceSlack)
	w.tick()
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		t.Error("never forced after the restart")
	}
}

func TestDelete_UserForcesAtOnce(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	w.tick()
	w.mustDelete(pod, 0)
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		t.Error("the delete without grace was not forced")
	}
}

func TestDelete_PodWhoseCreateWasNotAnsweredHasItsGrace(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Hour })
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	w.pass(10 * time.Second) // its containers run
	w.mustDelete(pod, 30)
	w.expectForcedAfter(pod, 30*time.Second)
}

func TestDelete_OlderObjectTakesNoDeletionBack(t *testing.T) {
	w, pod := stubborn(t)
	w.mustDelete(pod, 60)
	if err := w.UpdatePod(t.Context(), pod); err != nil { // the object before its deletion
		t.Fatal(err)
	}
	if e, _ := w.store.get(pod.UID); e.pod.DeletionTimestamp == nil {
		t.Error("an older object took the deletion back")
	}
}

// priorities notes with which priority groups are deleted.
type priorities struct {
	Cloud
	deletes []eci.Priority
}

func (c *priorities) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	c.deletes = append(c.deletes, eci.PriorityOf(ctx))
	if eci.PriorityOf(ctx) == eci.PrioritySpare {
		return nil, eci.ErrNoBudget
	}
	return c.Cloud.DeleteContainerGroup(ctx, req)
}

func TestDelete_FinishedPodLeavesTheBudgetToOthers(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("job", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })
	seen := &priorities{Cloud: w.Provider.cloud.cloud}
	w.Provider.cloud.cloud = seen
	e, _ := w.store.get(pod.UID)
	w.emulator.FailGroup(e.groupID, 1)
	w.tick()
	w.expectPhase(pod, corev1.PodFailed)
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err == nil {
		t.Fatal("a pod that has ended has nothing to end")
	}
	if len(seen.deletes) != 1 || seen.deletes[0] != eci.PrioritySpare {
		t.Errorf("priorities of the deletes: %v", seen.deletes)
	}
	if _, known := w.store.get(pod.UID); known {
		t.Error("the pod waits for a delete that may be left out")
	}
	if w.hasCondition(ConditionUnreachable) {
		t.Error("a call that was left out counts as one without an answer")
	}
}

func TestMissed_ReadThatBeganBeforeTheGroupWasShownDoesNotCount(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	was, _ := w.store.get(pod.UID)
	w.missing(t.Context(), was, was.shownAt.Add(-time.Second), 1)
	if e, _ := w.store.get(pod.UID); e.absence.count != 0 {
		t.Error("an older listing counts against a newer answer")
	}
	w.missing(t.Context(), was, was.shownAt.Add(time.Second), 1)
	if e, _ := w.store.get(pod.UID); e.absence.count != 1 {
		t.Error("a newer listing does not count")
	}
}

func TestStore_PodWithoutGroupIsInNoIndex(t *testing.T) {
	w := newWorld(t)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: true}})
	for _, name := range []string{"a", "b"} {
		w.mustCreatePod(w.mustAddPod(name))
	}
	w.pass(time.Second)
	w.tick()
	if n := w.store.groups(); n != 0 {
		t.Errorf("%d groups are known, none could be made", n)
	}
	if uid := w.store.ofGroup(""); uid != "" {
		t.Errorf("no group is that of %s", uid)
	}
}

// TestDelete_ForcesWithoutADeletionTimestamp deletes a pod whose object went while a
// watch was broken: the node's controller has only its last object.
func TestDelete_ForcesWithoutADeletionTimestamp(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 24 * time.Hour })
	pod := w.mustRun("web", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(30)) })
	w.mustRemovePod(pod)
	if err := w.DeletePod(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	w.expectForcedAfter(pod, 30*time.Second)
}

func TestLaunch_MakesNoGroupForAPodWhoseEndWasAsked(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.lacking(true, func(f *emulator.Fault) { f.Times = 1 })
	w.mustCreatePod(pod)
	w.turns(2 * time.Second)
	w.emulator.Faults().Clear()
	w.mustRemovePod(pod)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, Error: emulator.Unavailable(), Times: 1})
	if err := w.DeletePod(t.Context(), pod); err == nil {
		t.Fatal("the cloud answered")
	}
	before := w.calls(eci.ActionCreateContainerGroup)
	w.turns(20 * time.Second)
	if made := w.calls(eci.ActionCreateContainerGroup) - before; made > 0 {
		t.Errorf("%d groups were made", made)
	}
}

func TestDelete_ShorterGraceEndsNoLater(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 24 * time.Hour })
	pod := w.mustRun("web")
	w.mustDelete(pod, 60)
	was, _ := w.store.get(pod.UID)
	w.pass(55 * time.Second)
	w.mustDelete(pod, 50)
	now, _ := w.store.get(pod.UID)
	if was.deletion.endBy.IsZero() || now.deletion.endBy.After(was.deletion.endBy) {
		t.Errorf("it is forced at %s, before the change at %s", now.deletion.endBy, was.deletion.endBy)
	}
}

func TestDelete_RestartsDoNotPutOffTheForceForEver(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 24 * time.Hour })
	pod := w.mustRun("web")
	*pod = *w.told[pod.UID]
	w.mustDelete(pod, 60)
	for passed := time.Duration(0); passed < maxSkew+5*time.Minute; passed += 50 * time.Second {
		w.pass(50 * time.Second)
		w.start()
		w.tick()
	}
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		t.Errorf("the group was never forced: %s, %+v", e.stage, e.deletion)
	}
}

func TestUpdate_IsNotLostToAnAnswerThatIsWorkedIn(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	e, _ := w.store.get(pod.UID)
	answered := *e.status.DeepCopy()
	changed := pod.DeepCopy()
	changed.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}}}
	if err := w.UpdatePod(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	w.store.update(pod.UID, func(now *entry) { now.shown(e.pod, answered) })
	if e, _ = w.store.get(pod.UID); len(e.status.EphemeralContainerStatuses) != 1 {
		t.Error("the refusal of the ephemeral container is not in the status any more")
	}
}

// TestRecover_GroupThatSomebodyElseEndsIsWatchedAsBefore wants the same end of the pod
// with and without a restart.
func TestRecover_GroupThatSomebodyElseEndsIsWatchedAsBefore(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 20 * time.Second })
		pod := w.mustRun("web")
		w.mustRun("other")
		if _, err := w.cloud.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{ContainerGroupID: w.groupOf(pod)}); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Second)
		w.tick()
		if restarted {
			*pod = *w.told[pod.UID]
			w.start()
		}
		r := newReaper(w.Provider)
		for range 10 {
			w.pass(time.Minute)
			w.tick()
			w.mustRepair(r)
		}
		w.expectPhase(pod, corev1.PodFailed)
		if got := w.told[pod.UID].Status.Reason; got != "ContainerGroupLost" {
			t.Errorf("restarted %t: its reason is %q", restarted, got)
		}
	}
}

func TestDelete_GraceBeyondATimeDurationForcesNothing(t *testing.T) {
	w, pod := stubborn(t)
	for _, grace := range []int64{9_300_000_000, 20_000_000_000, math.MaxInt64} {
		w.mustDelete(pod, grace)
		w.pass(time.Minute)
		w.tick()
		if e, _ := w.store.get(pod.UID); e.deletion.forced {
			t.Fatalf("a grace of %d seconds was over after a minute", grace)
		}
	}
}

// TestDelete_WaitsForACreateOnItsWay overlaps the calls of the node's controller with a
// launch of the pod's group.
func TestDelete_WaitsForACreateOnItsWay(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.store.remember(pod)
	if _, ok := w.store.claim(pod.UID); !ok {
		t.Fatal("the pod is claimed")
	}
	for name, call := range map[string]func(context.Context, *corev1.Pod) error{"CreatePod": w.CreatePod, "DeletePod": w.DeletePod} {
		var wait interface{ NotYet() bool } // as the node's controller has it
		if err := call(t.Context(), pod); !errors.As(err, &wait) || !wait.NotYet() {
			t.Errorf("%s: %v, want an error that only waits", name, err)
		}
	}
	w.store.release(pod.UID)
	if err := w.DeletePod(t.Context(), pod); !errdefs.IsNotFound(err) {
		t.Errorf("DeletePod after the launch: %v", err)
	}
}
