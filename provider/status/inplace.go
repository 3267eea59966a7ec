package status

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// What a running group cannot be given, and what to do instead.
const (
	EphemeralRefused = "ECI cannot add a container to a running group; use kubectl exec, or kubectl debug --copy-to"
	ResizeRefused    = "the size of a container group is fixed when it is made; delete the pod to have it made anew"
)

// What the runtimes say of a container that could not be started.
const (
	reasonCannotRun   = "ContainerCannotRun"
	cannotRunExitCode = 128
)

// InPlace returns last, the newest status known, for a pod that was changed since:
// what its group cannot be given is in it.
func InPlace(pod *corev1.Pod, last corev1.PodStatus) corev1.PodStatus {
	status := *last.DeepCopy()
	status.EphemeralContainerStatuses = ephemeral(pod)
	waits := resizeWaits(pod, &status)
	if waits && condition(status.Conditions, corev1.PodResizePending) == nil {
		refused := resizeRefused()
		refused.ObservedGeneration = pod.Generation
		status.Conditions = append(status.Conditions, refused)
	}
	if !waits {
		status.Conditions = slices.DeleteFunc(status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodResizePending })
	}
	return status
}

func resizeRefused() corev1.PodCondition {
	return is(corev1.PodResizePending, true, corev1.PodReasonInfeasible, ResizeRefused)
}

// ephemeral says of each ephemeral container that it cannot start. It has ended
// rather than waits: kubectl debug would wait with it.
func ephemeral(pod *corev1.Pod) []corev1.ContainerStatus {
	var all []corev1.ContainerStatus
	for _, c := range pod.Spec.EphemeralContainers {
		all = append(all, corev1.ContainerStatus{Name: c.Name, Image: c.Image, State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: cannotRunExitCode, Reason: reasonCannotRun, Message: EphemeralRefused}}})
	}
	return all
}

// resizeWaits says whether the pod asks for other resources than its containers
// were given.
func resizeWaits(pod *corev1.Pod, status *corev1.PodStatus) bool {
	differs := func(containers []corev1.Container, statuses []corev1.ContainerStatus) bool {
		find := finder(statuses)
		return slices.ContainsFunc(containers, func(c corev1.Container) bool {
			s := find(c.Name)
			return s != nil && s.Resources != nil && !equality.Semantic.DeepEqual(*s.Resources, c.Resources)
		})
	}
	return !isTerminal(status.Phase) &&
		(differs(pod.Spec.Containers, status.ContainerStatuses) || differs(pod.Spec.InitContainers, status.InitContainerStatuses))
}
