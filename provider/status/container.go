package status

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Reasons of containers: the kubelet's own.
const (
	reasonCreating     = "ContainerCreating"
	reasonInitializing = "PodInitializing"
	reasonCompleted    = "Completed"
	reasonError        = "Error"
	reasonUnknown      = "ContainerStatusUnknown"
)

// exitCodeUnknown is what the kubelet shows for a container that it lost sight
// of: as if killed.
const exitCodeUnknown = 137

// initContainers are in the order of the pod.
func (v view) initContainers() []corev1.ContainerStatus {
	described := map[string]*eci.GroupContainerBase{}
	for i := range v.group.InitContainers {
		described[v.group.InitContainers[i].Name] = &v.group.InitContainers[i].GroupContainerBase
	}
	var statuses []corev1.ContainerStatus
	for _, c := range v.pod.Spec.InitContainers {
		s := v.container(c, described[c.Name], v.pod.Status.InitContainerStatuses, reasonInitializing)
		// An init container is ready once it has done its work.
		s.Ready = s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
		statuses = append(statuses, s)
	}
	return statuses
}

// containers are in the order of the pod.
func (v view) containers() []corev1.ContainerStatus {
	described := map[string]*eci.GroupContainerBase{}
	for i := range v.group.Containers {
		described[v.group.Containers[i].Name] = &v.group.Containers[i].GroupContainerBase
	}
	waiting := reasonCreating
	if len(v.unfinishedInits()) > 0 {
		waiting = reasonInitializing
	}
	var statuses []corev1.ContainerStatus
	for _, c := range v.pod.Spec.Containers {
		statuses = append(statuses, v.container(c, described[c.Name], v.pod.Status.ContainerStatuses, waiting))
	}
	return statuses
}

// unfinishedInits names the init containers that have not ended with 0.
func (v view) unfinishedInits() []string {
	done := map[string]bool{}
	for _, c := range v.group.InitContainers {
		s := c.CurrentState
		done[c.Name] = s != nil && s.State == eci.ContainerTerminated && s.ExitCode == 0
	}
	var names []string
	for _, c := range v.pod.Spec.InitContainers {
		if !done[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}

// container is the status of one container: described is it in the group, nil
// while the cloud does not know it; before holds what was reported earlier,
// below whose restart count it never falls.
func (v view) container(spec corev1.Container, described *eci.GroupContainerBase, before []corev1.ContainerStatus, waiting string) corev1.ContainerStatus {
	s := corev1.ContainerStatus{Name: spec.Name, Image: spec.Image, Started: ptr.To(false)}
	for _, b := range before {
		if b.Name == spec.Name {
			s.RestartCount, s.ImageID, s.ContainerID = b.RestartCount, b.ImageID, b.ContainerID
		}
	}
	live := v.liveContainer(spec.Name)
	if live != nil {
		s.ImageID = cmp.Or(live.ImageID, s.ImageID)
	}
	if described == nil {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: waiting}
		return s
	}
	s.Image = cmp.Or(described.Image, s.Image)
	s.RestartCount = max(s.RestartCount, described.RestartCount)
	s.State = stateOf(described.CurrentState, waiting)
	if p := described.PreviousState; p != nil && p.State == eci.ContainerTerminated {
		s.LastTerminationState = stateOf(p, "")
	}
	v.identify(&s, live)
	if s.State.Running != nil {
		s.Started, s.Ready = ptr.To(true), described.Ready
		s.AllocatedResources = spec.Resources.Requests.DeepCopy()
		s.Resources = spec.Resources.DeepCopy()
	}
	return s
}

func (v view) liveContainer(name string) *eci.ContainerStatus {
	if v.live == nil {
		return nil
	}
	for i := range v.live.PodStatus.ContainerStatuses {
		if c := &v.live.PodStatus.ContainerStatuses[i]; c.Name == name {
			return c
		}
	}
	return nil
}

// identify gives a container that has started the id of its run. The cloud
// tells it of ended runs only; others get one of the group, the name and the
// run.
func (v view) identify(s *corev1.ContainerStatus, live *eci.ContainerStatus) {
	if s.State.Waiting != nil && s.LastTerminationState.Terminated == nil {
		return
	}
	s.ContainerID = runID(v.group.ContainerGroupID, s.Name, s.RestartCount)
	if live != nil && live.State.Terminated != nil && s.State.Terminated != nil {
		s.ContainerID = cmp.Or(live.State.Terminated.ContainerID, s.ContainerID)
	}
	if t := s.State.Terminated; t != nil {
		t.ContainerID = s.ContainerID
	}
	if t := s.LastTerminationState.Terminated; t != nil {
		t.ContainerID = runID(v.group.ContainerGroupID, s.Name, s.RestartCount-1)
		if live != nil && live.LastState.Terminated != nil {
			t.ContainerID = cmp.Or(live.LastState.Terminated.ContainerID, t.ContainerID)
		}
	}
}

// runID has the form TYPE://ID that Kubernetes asks for.
func runID(groupID, container string, run int32) string {
	return fmt.Sprintf("eci://%s/%s/%d", groupID, container, run)
}

// stateOf turns a state of the cloud into one of Kubernetes. waiting is the
// reason where the cloud gives none.
func stateOf(s *eci.ContainerState, waiting string) corev1.ContainerState {
	if s == nil {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}}
	}
	switch s.State {
	case eci.ContainerRunning:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: timeOf(s.StartTime)}}
	case eci.ContainerTerminated:
		fallback := reasonCompleted
		if s.ExitCode != 0 || s.Signal != 0 {
			fallback = reasonError
		}
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: s.ExitCode, Signal: s.Signal, Reason: cmp.Or(s.Reason, fallback), Message: s.Message,
			StartedAt: timeOf(s.StartTime), FinishedAt: timeOf(s.FinishTime),
		}}
	}
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: cmp.Or(s.Reason, waiting), Message: s.Message}}
}

// endContainers ends, as of at, every container that the cloud has not shown as
// ended: the group is over, and nothing of it runs.
func endContainers(s *corev1.PodStatus, at metav1.Time) {
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses} {
		for i := range list {
			endContainer(&list[i], at)
		}
	}
}

func endContainer(s *corev1.ContainerStatus, at metav1.Time) {
	s.Started = ptr.To(false)
	if s.State.Terminated != nil {
		if s.State.Terminated.ExitCode != 0 {
			s.Ready = false
		}
		return
	}
	s.Ready = false
	end := &corev1.ContainerStateTerminated{
		ExitCode: exitCodeUnknown, Reason: reasonUnknown, FinishedAt: at, ContainerID: s.ContainerID,
		Message: "the container group ended before the end of this container was reported",
	}
	if s.State.Running != nil {
		end.StartedAt = s.State.Running.StartedAt
	}
	s.State = corev1.ContainerState{Terminated: end}
}
