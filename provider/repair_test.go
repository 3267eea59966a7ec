package provider

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mustMakeGroup makes a group behind the provider's back.
func (w *world) mustMakeGroup(tags []eci.Tag) string {
	w.Helper()
	resp, err := w.cloud.CreateContainerGroup(w.Context(), &eci.CreateContainerGroupRequest{
		ContainerGroupName: "stray", VSwitchID: "vsw-emulator-h", SecurityGroupID: "sg-emulator", Tags: tags,
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "app", Image: "nginx"}}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return resp.ContainerGroupID
}

func TestAnOrphanIsDeletedAfterTwoListingsAndTheGrace(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(time.Minute)
	w.mustRepair(r)
	w.pass(time.Second)
	w.expectLive(1) // seen twice, but the grace is not over
	w.pass(w.cfg.OrphanGrace)
	w.mustRepair(r)
	w.pass(time.Second)
	w.expectLive(0)
}

func TestAGroupThatWeKnowIsDeletedWhenItsPodLeftUnnoticed(t *testing.T) {
	w := newWorld(t)
	w.mustRemovePod(w.mustRun("web")) // and nobody calls DeletePod
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(w.cfg.OrphanGrace)
	w.expectLive(1)
	w.mustRepair(r)
	w.pass(time.Second)
	w.expectLive(0)
}

func TestAPodIsNotLostWithTheGroupThatItsObjectNamesWhileAnotherRuns(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	old, _ := w.store.get(pod.UID)
	w.emulator.RemoveGroup(old.groupID)
	next := w.mustMakeGroup(request.IdentityFor(pod, w.cfg.Request).Tags())
	r := newReaper(w.Provider)
	for range 3 {
		w.pass(w.cfg.LostGrace / 2)
		w.mustRepair(r)
	}
	if now, _ := w.store.get(pod.UID); now.groupID != next || now.stage != stageLive {
		t.Errorf("its group is %s (%s), want %s", now.groupID, now.stage, next)
	}
	w.expectLive(1)
}

func TestTheReaperTouchesNoOtherNodeAndNoLivePod(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "another-node"))
	w.mustMakeGroup(nil)
	w.mustRun("web")
	// A group of a pod that is there and whose create is not answered yet.
	pending := w.mustAddPod("pending")
	w.mustMakeGroup(ourTags(pending.UID, "virtual-kubelet"))
	r := newReaper(w.Provider)
	for range 5 {
		w.mustRepair(r)
		w.pass(w.cfg.OrphanGrace)
	}
	w.expectLive(4)
}

func TestAGroupDeletedByHandFailsItsPodAfterTheSightings(t *testing.T) {
	w := newWorld(t)
	pod, other := w.mustRun("web"), w.mustRun("other")
	e, _ := w.store.get(pod.UID)
	w.emulator.RemoveGroup(e.groupID)
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.expectPhase(pod, corev1.PodRunning)
	w.pass(w.cfg.LostGrace)
	w.mustRepair(r)
	w.expectPhase(pod, corev1.PodFailed)
	if got := w.told[pod.UID].Status.Reason; got != "ContainerGroupLost" {
		t.Errorf("reason %q", got)
	}
	w.expectPhase(other, corev1.PodRunning)
}

func TestWhenEverythingVanishesAtOnceNothingIsTouchedAndTheNodeSaysSo(t *testing.T) {
	w := newWorld(t)
	pods := []*corev1.Pod{w.mustRun("a"), w.mustRun("b")}
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
	r := newReaper(w.Provider)
	for range 5 {
		w.mustRepair(r)
		w.tick()
		w.pass(w.cfg.LostGrace)
	}
	for _, pod := range pods {
		w.expectPhase(pod, corev1.PodRunning)
	}
	if !w.hasCondition(ConditionVanished) {
		t.Error("the node does not say so")
	}
	w.expectLive(2)
	w.mustRepair(r)
	if w.hasCondition(ConditionVanished) {
		t.Error("the condition stays when the list is back")
	}
}

func TestTheNodeTellsWhatTheCloudRefuses(t *testing.T) {
	for kind, fault := range map[corev1.NodeConditionType]emulator.Fault{
		ConditionCredentials: {Error: emulator.Refusal(403, "NoPermission")},
		ConditionThrottled:   {Error: emulator.Throttled()},
		ConditionQuota:       {Error: emulator.Refusal(403, "QuotaExceeded")},
		ConditionNoStock:     {Error: emulator.Refusal(403, "OperationDenied.NoStock")},
		ConditionUnreachable: {DropRequest: true},
	} {
		w := newWorld(t)
		pod := w.mustAddPod("web")
		if w.hasCondition(kind) {
			t.Errorf("%s before anything happened", kind)
		}
		w.emulator.Faults().Inject(fault)
		if err := w.CreatePod(t.Context(), pod); err == nil {
			t.Fatal("created")
		}
		if !w.hasCondition(kind) {
			t.Errorf("%s is not told", kind)
		}
		w.emulator.Faults().Clear()
		w.pass(firstShortage)
		w.mustCreatePod(pod)
		w.pass(memoryOf(troubleKey{kind, eci.ActionCreateContainerGroup}))
		if w.hasCondition(kind) {
			t.Errorf("%s stays after success", kind)
		}
	}
}

func (w *world) hasCondition(kind corev1.NodeConditionType) bool {
	for _, c := range w.NodeConditions(w.Context()) {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func TestPodsThatAreGoneAreForgotten(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	if err := w.DeletePod(t.Context(), w.deleting(pod, 0)); err != nil {
		t.Fatal(err)
	}
	w.pass(readLag)
	w.tick()
	w.tick()
	w.mustRemovePod(pod)
	w.mustRepair(newReaper(w.Provider))
	if _, there := w.store.get(pod.UID); there {
		t.Error("still in the store")
	}
}
