package status

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Reasons of the kubelet.
const (
	reasonContainerCreating = "ContainerCreating"
	reasonPodInitializing   = "PodInitializing"
	reasonCompleted         = "Completed"
	reasonError             = "Error"
	reasonUnknown           = "ContainerStatusUnknown"
)

// setContainers fills the statuses of init and app containers, in the order of
// the pod.
func (v *view) setContainers(status *corev1.PodStatus) {
	status.InitContainerStatuses = nil
	status.ContainerStatuses = nil
	find := finder(v.pod.Status.InitContainerStatuses)
	for _, c := range v.pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, v.container(c, true, find(c.Name)))
	}
	find = finder(v.pod.Status.ContainerStatuses)
	for _, c := range v.pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, v.container(c, false, find(c.Name)))
	}
	status.EphemeralContainerStatuses = ephemeral(v.pod)
	if anyRan(status.ContainerStatuses) {
		completeInits(status.InitContainerStatuses)
	}
}

// mostSearched is how many statuses are searched one by one.
const mostSearched = 64

// finder returns a function that finds a status by the name of its container, or
// nil. A pod that is refused may have any number of containers.
func finder(statuses []corev1.ContainerStatus) func(name string) *corev1.ContainerStatus {
	if len(statuses) > mostSearched {
		byName := make(map[string]*corev1.ContainerStatus, len(statuses))
		for i := range statuses {
			byName[statuses[i].Name] = &statuses[i]
		}
		return func(name string) *corev1.ContainerStatus { return byName[name] }
	}
	return func(name string) *corev1.ContainerStatus {
		for i := range statuses {
			if statuses[i].Name == name {
				return &statuses[i]
			}
		}
		return nil
	}
}

// container returns the newest of what the two answers and the pod show.
func (v *view) container(c corev1.Container, init bool, old *corev1.ContainerStatus) corev1.ContainerStatus {
	best := v.waiting(c)
	described, ok := v.fromGroup(c.Name, init)
	if ok {
		best = described
	}
	live, ok := v.fromLive(c.Name)
	if ok && !init && !newer(best, live) {
		best = live
	}
	restarting := v.state == eci.StatusRestarting || v.state == eci.StatusUpdating
	if old != nil && !restarting && newer(*old, best) {
		best = *old.DeepCopy()
	}
	best.RestartCount = max(best.RestartCount, described.RestartCount, live.RestartCount)
	best.ImageID = orText(best.ImageID, live.ImageID)
	v.carry(&best, c, old)
	setReadiness(&best, init)
	setResources(&best, c, old)
	return best
}

// setResources shows what the container was given, in every state as the kubelet
// does. A group keeps its size: what a container has run with stays, whatever its
// pod asks for since.
func setResources(s *corev1.ContainerStatus, c corev1.Container, old *corev1.ContainerStatus) {
	given := c.Resources
	if old != nil && old.Resources != nil && (old.State.Waiting == nil || old.LastTerminationState.Terminated != nil) {
		given = *old.Resources
	}
	// The lists are shared with the pod: nobody changes either.
	s.Resources, s.AllocatedResources = &given, given.Requests
}

// waiting is the status of a container that nothing is known of.
func (v *view) waiting(c corev1.Container) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: c.Name, State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: v.defaultReason()}}}
}

func (v *view) defaultReason() string {
	if len(v.pod.Spec.InitContainers) > 0 {
		return reasonPodInitializing
	}
	return reasonContainerCreating
}

// newer says whether a tells of a later time than b.
func newer(a, b corev1.ContainerStatus) bool { return lastTime(a).After(lastTime(b).Time) }

// lastTime is the latest time that a status tells.
func lastTime(s corev1.ContainerStatus) metav1.Time {
	var at metav1.Time
	for _, part := range []corev1.ContainerState{s.State, s.LastTerminationState} {
		if part.Running != nil {
			at = later(at, part.Running.StartedAt)
		}
		if part.Terminated != nil {
			at = later(later(at, part.Terminated.StartedAt), part.Terminated.FinishedAt)
		}
	}
	return at
}

// carry fills what the chosen answer does not tell from the pod and from the
// status that it had.
func (v *view) carry(s *corev1.ContainerStatus, c corev1.Container, old *corev1.ContainerStatus) {
	if old != nil {
		s.RestartCount = max(s.RestartCount, old.RestartCount)
		s.ImageID = orText(s.ImageID, old.ImageID)
		s.VolumeMounts = old.VolumeMounts
		if s.LastTerminationState == (corev1.ContainerState{}) {
			s.LastTerminationState = *old.LastTerminationState.DeepCopy()
			if s.State.Terminated == nil && old.State.Terminated != nil {
				s.LastTerminationState = *old.State.DeepCopy()
			}
		}
	}
	s.Image = orText(s.Image, c.Image)
	if s.State.Waiting == nil && v.group.ContainerGroupID != "" {
		s.ContainerID = v.containerID(c.Name, s.RestartCount)
		if t := s.State.Terminated; t != nil {
			t.ContainerID = orText(t.ContainerID, s.ContainerID)
		}
	}
	if t := s.LastTerminationState.Terminated; t != nil && v.group.ContainerGroupID != "" {
		run := s.RestartCount
		if s.State.Waiting == nil {
			run = max(0, run-1)
		}
		t.ContainerID = orText(t.ContainerID, v.containerID(c.Name, run))
		if s.State.Waiting != nil {
			// The run that ended is the latest one: the next has not begun.
			s.ContainerID = t.ContainerID
		}
	}
}

// containerID is unique for each run of a container. ECI tells no id of its
// own for one that runs.
func (v *view) containerID(name string, run int32) string {
	return fmt.Sprintf("eci://%s/%s/%d", v.group.ContainerGroupID, name, run)
}

// setReadiness makes ready and started agree with the state, as the kubelet's
// prober does: an init container is ready when it has succeeded.
func setReadiness(s *corev1.ContainerStatus, init bool) {
	if init {
		s.Ready = s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
		s.Started = ptr.To(s.State.Running != nil)
		return
	}
	s.Ready = s.Ready && s.State.Running != nil
	s.Started = ptr.To(s.State.Running != nil)
}

func anyRan(statuses []corev1.ContainerStatus) bool {
	for _, s := range statuses {
		if s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil {
			return true
		}
	}
	return false
}

// completeInits marks init containers as done when an app container has run:
// the two answers of the cloud are not of one moment.
func completeInits(statuses []corev1.ContainerStatus) {
	for i := range statuses {
		s := &statuses[i]
		if s.State.Terminated != nil {
			continue
		}
		done := &corev1.ContainerStateTerminated{Reason: reasonCompleted, ContainerID: s.ContainerID}
		if s.State.Running != nil {
			done.StartedAt = s.State.Running.StartedAt
		}
		s.State = corev1.ContainerState{Terminated: done}
		setReadiness(s, true)
	}
}
