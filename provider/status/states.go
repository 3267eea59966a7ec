package status

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// fromGroup reads a container of DescribeContainerGroups; it is false when the
// answer has no state of it yet.
func (v *view) fromGroup(name string, init bool) (corev1.ContainerStatus, bool) {
	base, ok := v.described(name, init)
	if !ok || base.CurrentState == nil || base.CurrentState.State == "" {
		return corev1.ContainerStatus{}, false
	}
	s := corev1.ContainerStatus{Name: name, Image: base.Image, Ready: base.Ready, RestartCount: base.RestartCount,
		State: v.groupState(base.CurrentState)}
	if previous := base.PreviousState; previous != nil && previous.State == eci.ContainerTerminated {
		s.LastTerminationState = v.groupState(previous)
	}
	return s, true
}

func (v *view) described(name string, init bool) (eci.GroupContainerBase, bool) {
	if init {
		for _, c := range v.group.InitContainers {
			if c.Name == name {
				return c.GroupContainerBase, true
			}
		}
		return eci.GroupContainerBase{}, false
	}
	for _, c := range v.group.Containers {
		if c.Name == name {
			return c.GroupContainerBase, true
		}
	}
	return eci.GroupContainerBase{}, false
}

func (v *view) groupState(s *eci.ContainerState) corev1.ContainerState {
	reason := orText(s.Reason, s.DetailStatus)
	switch s.State {
	case eci.ContainerRunning:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: parseTime(s.StartTime)}}
	case eci.ContainerTerminated:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: s.ExitCode, Signal: s.Signal, Reason: endReason(reason, s.ExitCode, s.Signal), Message: s.Message,
			StartedAt: parseTime(s.StartTime), FinishedAt: parseTime(s.FinishTime),
		}}
	}
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: orText(reason, v.defaultReason()), Message: s.Message}}
}

// fromLive reads a container of DescribeContainerGroupStatus, which has app
// containers only; it is false when the answer has no state of it.
func (v *view) fromLive(name string) (corev1.ContainerStatus, bool) {
	for _, c := range v.live.PodStatus.ContainerStatuses {
		if c.Name != name {
			continue
		}
		state, ok := v.liveState(c.State)
		last, _ := v.liveState(c.LastState)
		if last.Terminated == nil {
			last = corev1.ContainerState{}
		}
		return corev1.ContainerStatus{Name: name, Image: c.Image, ImageID: c.ImageID, Ready: c.Ready,
			RestartCount: c.RestartCount, State: state, LastTerminationState: last}, ok
	}
	return corev1.ContainerStatus{}, false
}

func (v *view) liveState(s eci.ContainerStatusState) (corev1.ContainerState, bool) {
	switch {
	case s.Terminated != nil:
		t := s.Terminated
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: t.ExitCode, Signal: t.Signal, Reason: endReason(t.Reason, t.ExitCode, t.Signal), Message: t.Message,
			StartedAt: parseTime(t.StartedAt), FinishedAt: parseTime(t.FinishedAt), ContainerID: t.ContainerID,
		}}, true
	case s.Running != nil:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: parseTime(s.Running.StartedAt)}}, true
	case s.Waiting != nil:
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: orText(s.Waiting.Reason, v.defaultReason()), Message: s.Waiting.Message}}, true
	}
	return corev1.ContainerState{}, false
}

// endReason is what the kubelet says when the cloud says nothing.
func endReason(reason string, exitCode, signal int32) string {
	switch {
	case reason != "":
		return reason
	case exitCode == 0 && signal == 0:
		return reasonCompleted
	}
	return reasonError
}
