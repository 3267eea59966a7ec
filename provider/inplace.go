package provider

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/provider/status"
)

// refusal is an in-place change of a pod that does not reach its group. One that
// always holds would not reach a group that is made later either.
type refusal struct {
	reason, message string
	always          bool
}

// refusals lists what changed from old to pod and cannot be done in place, each
// with the reason why. Labels and annotations are for the refresh of the files;
// tolerations live in Kubernetes alone.
func refusals(old, pod *corev1.Pod) []refusal {
	var out []refusal
	refuse := func(reason, format string, args ...any) {
		out = append(out, refusal{reason: reason, message: fmt.Sprintf(format, args...)})
	}
	before := containersOf(old)
	for _, c := range containersOf(pod) {
		i := slices.IndexFunc(before, func(b corev1.Container) bool { return b.Name == c.Name })
		if i < 0 {
			continue
		}
		if before[i].Image != c.Image {
			refuse("ImageChangeRefused", "container %s: ECI changes an image only by restarting all containers of the group; delete the pod to have it made anew", c.Name)
		}
		if !equality.Semantic.DeepEqual(before[i].Resources, c.Resources) {
			refuse("ResizeRefused", "container %s: %s", c.Name, status.ResizeRefused)
		}
	}
	if !ptr.Equal(old.Spec.ActiveDeadlineSeconds, pod.Spec.ActiveDeadlineSeconds) {
		refuse("DeadlineChangeRefused", "ECI takes activeDeadlineSeconds when it makes the container group and cannot change it: the earlier one counts")
	}
	for _, c := range pod.Spec.EphemeralContainers {
		if !slices.ContainsFunc(old.Spec.EphemeralContainers, func(b corev1.EphemeralContainer) bool { return b.Name == c.Name }) {
			refuse("EphemeralContainerRefused", "container %s: %s", c.Name, status.EphemeralRefused)
			out[len(out)-1].always = true
		}
	}
	return out
}

func containersOf(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}
