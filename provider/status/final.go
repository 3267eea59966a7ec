package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// lostMessage and lostExitCode are the kubelet's for a container of which
	// nothing is known at the end.
	lostMessage  = "The container could not be located when the pod was terminated"
	lostExitCode = 137
)

// finish ends, as of at, every container that may have run and whose end is not
// known. Of a pod that succeeded each container did. The app containers of a pod
// that was never placed, or whose init containers failed, stay waiting: they
// did not run.
func finish(status *corev1.PodStatus, at metav1.Time) {
	initialized := anyRan(status.ContainerStatuses) || status.Phase == corev1.PodSucceeded
	if initialized {
		completeInits(status.InitContainerStatuses)
	}
	ready := true
	for i := range status.InitContainerStatuses {
		s := &status.InitContainerStatuses[i]
		if s.State.Waiting == nil || s.LastTerminationState.Terminated != nil {
			end(s, status.Phase, at)
			setReadiness(s, true)
		}
		ready = ready && s.Ready
	}
	for i := range status.ContainerStatuses {
		s := &status.ContainerStatuses[i]
		neverPlaced := status.Reason == ReasonScheduleFailed && s.State.Waiting != nil
		if (initialized || ready) && !neverPlaced {
			end(s, status.Phase, at)
			setReadiness(s, false)
		}
	}
}

// end gives a container its terminated state.
func end(s *corev1.ContainerStatus, phase corev1.PodPhase, at metav1.Time) {
	if s.State.Terminated != nil {
		return
	}
	if last := s.LastTerminationState.Terminated; s.State.Waiting != nil && last != nil {
		// It waited for its next run, which will not come.
		s.State = corev1.ContainerState{Terminated: last.DeepCopy()}
		return
	}
	terminated := &corev1.ContainerStateTerminated{ContainerID: s.ContainerID, FinishedAt: at, Reason: reasonCompleted}
	if phase != corev1.PodSucceeded {
		terminated.Reason, terminated.Message, terminated.ExitCode = reasonUnknown, lostMessage, lostExitCode
	}
	if s.State.Running != nil {
		terminated.StartedAt = s.State.Running.StartedAt
	}
	s.State = corev1.ContainerState{Terminated: terminated}
}

// Gone returns the last status of a pod whose group vanished: Failed with reason
// and message, unless the pod had ended before or all of its containers had, for
// good and with success.
func Gone(pod *corev1.Pod, reason, message string) corev1.PodStatus {
	status := *pod.Status.DeepCopy()
	if isTerminal(status.Phase) {
		return status
	}
	phase := corev1.PodFailed
	if pod.Spec.RestartPolicy != corev1.RestartPolicyAlways && allSucceeded(status) {
		phase, reason, message = corev1.PodSucceeded, "", ""
	}
	return terminate(pod, status, phase, reason, message)
}

// Deleted returns the last status of a pod whose group was deleted on request,
// where last is the newest one known: Succeeded when all containers have ended
// with success, else Failed, as the kubelet writes it.
func Deleted(pod *corev1.Pod, last corev1.PodStatus) corev1.PodStatus {
	status := *last.DeepCopy()
	if isTerminal(status.Phase) {
		return status
	}
	phase := corev1.PodFailed
	if allSucceeded(status) {
		phase = corev1.PodSucceeded
	}
	return terminate(pod, status, phase, "", "")
}

// terminate ends status, the newest one of the pod.
func terminate(pod *corev1.Pod, status corev1.PodStatus, phase corev1.PodPhase, reason, message string) corev1.PodStatus {
	created := condition(status.Conditions, ConditionInstanceCreated)
	known := *pod
	known.Status = *status.DeepCopy()
	v := &view{pod: &known, live: &eci.ContainerGroupStatus{}, state: eci.StatusFailed}
	status.ObservedGeneration = pod.Generation
	status.QOSClass = qosClass(&known)
	status.Phase, status.Reason, status.Message = phase, reason, message
	status.InitContainerStatuses = v.complete(pod.Spec.InitContainers, status.InitContainerStatuses)
	status.ContainerStatuses = v.complete(pod.Spec.Containers, status.ContainerStatuses)
	status.EphemeralContainerStatuses = ephemeral(pod)
	finish(&status, metav1.Time{})
	v.setConditions(&status)
	if created != nil {
		Put(&status, *created)
	}
	return status
}

// complete gives every container a status, in the order of the pod.
func (v *view) complete(containers []corev1.Container, statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var all []corev1.ContainerStatus
	find := finder(statuses)
	for _, c := range containers {
		s := v.waiting(c)
		s.Image = c.Image
		if known := find(c.Name); known != nil {
			s = *known
		}
		all = append(all, s)
	}
	return all
}

// allSucceeded says whether every app container has ended with success.
func allSucceeded(status corev1.PodStatus) bool {
	for _, s := range status.ContainerStatuses {
		if s.State.Terminated == nil || s.State.Terminated.ExitCode != 0 {
			return false
		}
	}
	return len(status.ContainerStatuses) > 0
}

// Unscheduled returns the status of a pod whose group ECI could not place, while
// it waits for its next attempt: Pending, with the reason in the condition
// ContainerInstanceCreated.
func Unscheduled(pod *corev1.Pod, group eci.ContainerGroup) corev1.PodStatus {
	failed := &view{pod: pod, group: group, live: &eci.ContainerGroupStatus{}, state: eci.StatusScheduleFailed}
	created := failed.created()
	group.Status = eci.StatusScheduling
	group.IntranetIP = ""
	status := FromContainerGroup(pod, group, nil)
	created.ObservedGeneration = pod.Generation
	created.LastTransitionTime = failed.transition(created, &status)
	Put(&status, created)
	return status
}
