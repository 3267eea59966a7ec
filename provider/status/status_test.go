package status

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/eci-vnode/eci-vnode/eci"
)

// TestAStatusNeverGoesBack feeds random views of a group, in random order, some
// of them old, and checks what must hold for any of them.
func TestAStatusNeverGoesBack(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			pod := &corev1.Pod{}
			pod.Spec.InitContainers = []corev1.Container{{Name: "i"}}
			pod.Spec.Containers = []corev1.Container{{Name: "a"}, {Name: "b"}}
			pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "gate"}}
			for range 30 {
				changePod(random, pod)
				before := pod.Status.DeepCopy()
				group, live := randomView(random)
				var inPlace bool
				pod.Status, inPlace = randomStep(random, pod, group, live)
				checkStep(t, before, &pod.Status)
				checkReadiness(t, pod, before, inPlace)
				keepGate(&pod.Status, before)
			}
			before := pod.Status.DeepCopy()
			pod.Status = Gone(pod, "Lost", "lost")
			checkStep(t, before, &pod.Status)
			if !isTerminal(pod.Status.Phase) {
				t.Errorf("phase %s of a pod whose group is gone", pod.Status.Phase)
			}
		})
	}
}

// randomStep is mostly what the cloud shows, sometimes a change of the pod or a
// group that could not be made.
func randomStep(random *rand.Rand, pod *corev1.Pod, group eci.ContainerGroup, live *eci.ContainerGroupStatus) (next corev1.PodStatus, inPlace bool) {
	switch random.IntN(12) {
	case 0:
		return InPlace(pod, pod.Status), true
	case 1:
		if pod.Status.Phase == "" || pod.Status.Phase == corev1.PodPending {
			return Unscheduled(pod, group), false
		}
	}
	return FromContainerGroup(pod, group, live), false
}

// changePod does what others do to a pod: open and close its gate, resize it, add
// an ephemeral container.
func changePod(random *rand.Rand, pod *corev1.Pod) {
	switch random.IntN(6) {
	case 0:
		Put(&pod.Status, is("gate", random.IntN(2) == 0, "", ""))
	case 1:
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(1+random.Int64N(3), resource.DecimalSI)}
		pod.Generation++
	case 2:
		pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
		pod.Generation++
	}
}

// keepGate is what the writer of a status does with the conditions of others.
func keepGate(status, before *corev1.PodStatus) {
	if gate := condition(before.Conditions, "gate"); gate != nil {
		Put(status, *gate)
	}
}

// checkReadiness wants Ready to be what the containers, the phase and the gate
// make it, and every container to have a status and its resources.
// A change in place leaves readiness to the writer of the status.
func checkReadiness(t *testing.T, pod *corev1.Pod, before *corev1.PodStatus, inPlace bool) {
	t.Helper()
	s := &pod.Status
	all := s.Phase == corev1.PodRunning || s.Phase == corev1.PodPending
	for _, c := range s.ContainerStatuses {
		all = all && c.Ready
		if c.Resources == nil {
			t.Errorf("container %s has no resources", c.Name)
		}
	}
	gate := condition(before.Conditions, "gate")
	open := gate != nil && gate.Status == corev1.ConditionTrue
	if c := condition(s.Conditions, corev1.ContainersReady); c != nil && (c.Status == corev1.ConditionTrue) != all {
		t.Errorf("ContainersReady is %s (%s) in phase %s of %+v", c.Status, c.Message, s.Phase, s.ContainerStatuses)
	}
	ready, containers := condition(s.Conditions, corev1.PodReady), condition(s.Conditions, corev1.ContainersReady)
	if ready != nil && !inPlace && (ready.Status == corev1.ConditionTrue) != (containers.Status == corev1.ConditionTrue && open) {
		t.Errorf("Ready is %s with the gate open=%t, ContainersReady %s", ready.Status, open, containers.Status)
	}
	if len(s.ContainerStatuses) > 0 && len(s.ContainerStatuses) != len(pod.Spec.Containers) || len(s.EphemeralContainerStatuses) != len(pod.Spec.EphemeralContainers) {
		t.Errorf("%d and %d statuses", len(s.ContainerStatuses), len(s.EphemeralContainerStatuses))
	}
	if waits := resizeWaits(pod, s); waits != (condition(s.Conditions, corev1.PodResizePending) != nil) {
		t.Errorf("resize pending: %t, conditions %+v", waits, s.Conditions)
	}
}

func checkStep(t *testing.T, before, after *corev1.PodStatus) {
	t.Helper()
	if isTerminal(before.Phase) && (after.Phase != before.Phase || after.Reason != before.Reason) {
		t.Errorf("from %s (%s) to %s (%s)", before.Phase, before.Reason, after.Phase, after.Reason)
	}
	if before.Phase == corev1.PodRunning && after.Phase == corev1.PodPending {
		t.Error("from Running to Pending")
	}
	if before.StartTime != nil && !before.StartTime.Equal(after.StartTime) {
		t.Error("the start time moved")
	}
	for _, old := range append(before.ContainerStatuses, before.InitContainerStatuses...) {
		s := finder(append(after.ContainerStatuses, after.InitContainerStatuses...))(old.Name)
		if s == nil || s.RestartCount < old.RestartCount {
			t.Errorf("container %s: %+v after %d restarts", old.Name, s, old.RestartCount)
		}
	}
	for _, s := range append(after.ContainerStatuses, after.InitContainerStatuses...) {
		parts := 0
		for _, set := range []bool{s.State.Waiting != nil, s.State.Running != nil, s.State.Terminated != nil} {
			if set {
				parts++
			}
		}
		if parts != 1 {
			t.Errorf("container %s has %d states", s.Name, parts)
		}
		if isTerminal(after.Phase) && s.State.Running != nil {
			t.Errorf("container %s runs in a pod that is %s", s.Name, after.Phase)
		}
	}
	for _, c := range after.Conditions {
		old := condition(before.Conditions, c.Type)
		if old != nil && old.Status == c.Status && !old.LastTransitionTime.IsZero() && !old.LastTransitionTime.Equal(&c.LastTransitionTime) {
			t.Errorf("condition %s moved its time without a change", c.Type)
		}
		if old != nil && !c.LastTransitionTime.IsZero() && c.LastTransitionTime.Before(&old.LastTransitionTime) {
			t.Errorf("condition %s went back in time", c.Type)
		}
	}
}

// randomView makes an answer of the cloud at some moment of ten minutes.
func randomView(random *rand.Rand) (eci.ContainerGroup, *eci.ContainerGroupStatus) {
	all := states()
	pick := func() string {
		if random.IntN(10) > 0 {
			return all[random.IntN(6)].name
		}
		return all[random.IntN(len(all))].name
	}
	at := func() string {
		return time.Date(2026, 1, 2, 10, random.IntN(10), random.IntN(60), 0, time.UTC).Format(time.RFC3339)
	}
	group := eci.ContainerGroup{ContainerGroupID: "eci-1", Status: pick(), CreationTime: at()}
	for _, name := range []string{"a", "b"} {
		group.Containers = append(group.Containers, eci.GroupContainer{GroupContainerBase: randomContainer(random, name, at)})
	}
	group.InitContainers = []eci.GroupInitContainer{{GroupContainerBase: randomContainer(random, "i", at)}}
	if random.IntN(2) == 0 {
		return group, nil
	}
	live := &eci.ContainerGroupStatus{ContainerGroupID: "eci-1", Status: pick()}
	live.PodStatus.Conditions = []eci.PodCondition{{Type: "Ready", Status: "True", LastTransitionTime: at()}}
	live.PodStatus.ContainerStatuses = []eci.ContainerStatus{{Name: "a", Ready: true, RestartCount: int32(random.IntN(5)),
		State: eci.ContainerStatusState{Running: &eci.StateRunning{StartedAt: at()}}}}
	return group, live
}

func randomContainer(random *rand.Rand, name string, at func() string) eci.GroupContainerBase {
	state := func() *eci.ContainerState {
		names := []string{"", eci.ContainerWaiting, eci.ContainerRunning, eci.ContainerTerminated}
		return &eci.ContainerState{State: names[random.IntN(len(names))], ExitCode: int32(random.IntN(2)), StartTime: at(), FinishTime: at()}
	}
	return eci.GroupContainerBase{Name: name, Ready: random.IntN(2) == 0, RestartCount: int32(random.IntN(5)),
		CurrentState: state(), PreviousState: state()}
}

func TestEveryStateOfAGroupHasAPhase(t *testing.T) {
	for _, s := range states() {
		got := FromContainerGroup(&corev1.Pod{}, eci.ContainerGroup{Status: s.name}, nil)
		if s.phase == corev1.PodRunning && s.name != eci.StatusRunning {
			continue // Terminating: only of a pod that has run
		}
		if got.Phase != s.phase || isTerminal(got.Phase) != eci.IsTerminal(s.name) {
			t.Errorf("%s shows as %s", s.name, got.Phase)
		}
	}
}

func TestQOSClassIsThatOfKubernetes(t *testing.T) {
	list := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
	for _, c := range []struct {
		name string
		r    corev1.ResourceRequirements
		want corev1.PodQOSClass
	}{
		{"nothing", corev1.ResourceRequirements{}, corev1.PodQOSBestEffort},
		{"limits alone", corev1.ResourceRequirements{Limits: list("1", "1Gi")}, corev1.PodQOSGuaranteed},
		{"equal requests", corev1.ResourceRequirements{Limits: list("1", "1Gi"), Requests: list("1000m", "1024Mi")}, corev1.PodQOSGuaranteed},
		{"less requests", corev1.ResourceRequirements{Limits: list("1", "1Gi"), Requests: list("1", "1Mi")}, corev1.PodQOSBurstable},
		{"requests alone", corev1.ResourceRequirements{Requests: list("1", "1Gi")}, corev1.PodQOSBurstable},
		{"storage alone", corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("1Gi")}}, corev1.PodQOSBestEffort},
	} {
		pod := &corev1.Pod{}
		pod.Spec.Containers = []corev1.Container{{Name: "a", Resources: c.r}}
		if got := qosClass(pod); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		pod.Status.QOSClass = corev1.PodQOSBurstable
		if got := qosClass(pod); got != corev1.PodQOSBurstable {
			t.Errorf("%s: the class of the API server became %s", c.name, got)
		}
	}
}

func TestOnlyWrittenAnnotationsAreOwned(t *testing.T) {
	group := eci.ContainerGroup{ContainerGroupID: "eci-1", CPU: 0.25, Memory: 0.5, ZoneID: "z"}
	for key := range Annotations(group, "R") {
		if !OwnsAnnotation(key) {
			t.Errorf("%s is written and not owned", key)
		}
	}
	for _, key := range []string{"k8s.aliyun.com/eci-use-specs", "eci-instance-id", "example.com/eci-instance-id"} {
		if OwnsAnnotation(key) {
			t.Errorf("%s is owned", key)
		}
	}
	if got := Annotations(group, "")["k8s.aliyun.com/eci-instance-spec"]; got != "0.25-0.5Gi" {
		t.Errorf("spec %q", got)
	}
}
