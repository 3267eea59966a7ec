package provider

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ephemeralRefused is why no ephemeral container ever starts.
const ephemeralRefused = "ECI cannot add a container to a running group; use kubectl exec, or kubectl debug --copy-to"

// refuseEphemeral shows the ephemeral containers of a pod as ones that could not
// be started, so that nobody waits for them: kubectl debug ends at once.
func refuseEphemeral(pod *corev1.Pod) {
	for i := range pod.Spec.EphemeralContainers {
		c := &pod.Spec.EphemeralContainers[i]
		shown := func(s corev1.ContainerStatus) bool { return s.Name == c.Name }
		if slices.ContainsFunc(pod.Status.EphemeralContainerStatuses, shown) {
			continue
		}
		pod.Status.EphemeralContainerStatuses = append(pod.Status.EphemeralContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 128, Reason: "ContainerCannotRun", Message: ephemeralRefused, // as the kubelet has it
			}},
		})
	}
}
