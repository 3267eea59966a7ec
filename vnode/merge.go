package vnode

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// desiredStatus is what the status of a pod should be at the API server, given
// the newest object there and what the provider last said. It changes nothing
// that it is given.
func desiredStatus(e entry, now metav1.Time) corev1.PodStatus {
	api := e.pod.Status
	if isTerminal(api.Phase) && (e.reported == nil || !isTerminal(e.reported.Status.Phase)) {
		return api // an end is final, whoever declared it
	}
	want := *api.DeepCopy()
	if e.reported != nil {
		want = reportedStatus(e.reported, e.pod, now)
	}
	showFailure(&want, e)
	if e.ended && !isTerminal(want.Phase) {
		endStatus(&want, now)
		want.Conditions = mergeConditions(api.Conditions, readiness(e.pod, &want), now)
	}
	if generation := e.observedGeneration(); generation > 0 {
		want.ObservedGeneration = generation
	}
	return want
}

// reportedStatus is the provider's status, with the parts kept that it does not
// own or cannot know.
func reportedStatus(reported *report, pod *corev1.Pod, now metav1.Time) corev1.PodStatus {
	api := &pod.Status
	want := *reported.Status.DeepCopy()
	if isTerminal(api.Phase) {
		want.Phase = api.Phase
	}
	if api.StartTime != nil {
		want.StartTime = api.StartTime
	}
	if want.QOSClass == "" {
		want.QOSClass = api.QOSClass
	}
	want.NominatedNodeName = api.NominatedNodeName
	want.ResourceClaimStatuses = api.ResourceClaimStatuses
	want.ExtendedResourceClaimStatus = api.ExtendedResourceClaimStatus
	want.Resize = api.Resize
	want.ObservedGeneration = api.ObservedGeneration
	pairAddresses(&want)
	own := append(otherConditions(want.Conditions), readiness(pod, &want)...)
	kept := slices.DeleteFunc(slices.Clone(api.Conditions), func(c corev1.PodCondition) bool {
		return isResize(c.Type) && findCondition(own, c.Type) == nil
	})
	want.Conditions = mergeConditions(kept, own, now)
	return want
}

// pairAddresses fills the singular and plural address fields from each other, as
// the API server does when it stores them: one alone would differ from what is
// stored for ever, and be written for ever.
func pairAddresses(s *corev1.PodStatus) {
	if s.PodIP != "" && len(s.PodIPs) == 0 {
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
	if s.PodIP == "" && len(s.PodIPs) > 0 {
		s.PodIP = s.PodIPs[0].IP
	}
	if s.HostIP != "" && len(s.HostIPs) == 0 {
		s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	}
	if s.HostIP == "" && len(s.HostIPs) > 0 {
		s.HostIP = s.HostIPs[0].IP
	}
}

// showFailure puts a failed create into the status, and takes it out again once
// the pod was created.
func showFailure(want *corev1.PodStatus, e entry) {
	switch {
	case e.failure == nil && e.known && want.Reason == reasonProviderFailed && want.Phase == corev1.PodPending:
		want.Reason, want.Message = "", ""
	case e.failure == nil:
	case e.failure.lasting:
		want.Phase, want.Reason, want.Message = corev1.PodFailed, reasonProviderFailed, e.failure.message
	case want.Phase == "" || want.Phase == corev1.PodPending:
		want.Phase, want.Reason, want.Message = corev1.PodPending, reasonProviderFailed, e.failure.message
	}
}

// exitCodeUnknown is what the kubelet shows for a container that it lost sight of.
const exitCodeUnknown = 137

// endStatus ends the status of a deleted pod of which the provider has nothing,
// as the kubelet does for containers that it cannot find any more.
func endStatus(want *corev1.PodStatus, now metav1.Time) {
	want.Phase = corev1.PodFailed
	for _, list := range [][]corev1.ContainerStatus{want.InitContainerStatuses, want.ContainerStatuses, want.EphemeralContainerStatuses} {
		for i := range list {
			endContainer(&list[i], now)
		}
	}
}

func endContainer(s *corev1.ContainerStatus, now metav1.Time) {
	s.Ready = false
	if s.State.Terminated != nil {
		return
	}
	ended := &corev1.ContainerStateTerminated{
		ExitCode: exitCodeUnknown, Reason: "ContainerStatusUnknown",
		Message:    "The container was gone when the pod was terminated",
		FinishedAt: now, ContainerID: s.ContainerID,
	}
	if s.State.Running != nil {
		ended.StartedAt = s.State.Running.StartedAt
	}
	s.State = corev1.ContainerState{Terminated: ended}
	s.Started = nil
}
