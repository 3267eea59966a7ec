package provider

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// settledPods finds the pods that run as their object says, by the states of
// their groups, and the ids of all groups that are not one of theirs, sorted.
func settledPods(pods []*corev1.Pod, states map[string]*eci.ContainerGroupStatus) (settled map[types.UID]*eci.ContainerGroupStatus, unclear []string) {
	settled = map[types.UID]*eci.ContainerGroupStatus{}
	taken := map[string]bool{}
	for _, pod := range pods {
		id := pod.Annotations[status.AnnotationInstanceID]
		if live := states[id]; live != nil && !taken[id] && isSettled(pod, live) {
			settled[pod.UID], taken[id] = live, true
		}
	}
	for id := range states {
		if !taken[id] {
			unclear = append(unclear, id)
		}
	}
	slices.Sort(unclear)
	return settled, unclear
}

// isSettled says that a pod runs undisturbed and that its status shows what the
// state of its group does. In doubt it says no: then the group is read in full.
// Spot groups are always in doubt, for only their details say that they are.
func isSettled(pod *corev1.Pod, live *eci.ContainerGroupStatus) bool {
	if live.Status != eci.StatusRunning || pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil ||
		pod.Status.PodIP != live.PodStatus.PodIP || len(pod.Status.ContainerStatuses) != len(live.PodStatus.ContainerStatuses) ||
		maybeSpot(pod) || reclaimNotice(nil, live) != "" {
		return false
	}
	shown := map[string]*corev1.ContainerStatus{}
	for i := range pod.Status.ContainerStatuses {
		shown[pod.Status.ContainerStatuses[i].Name] = &pod.Status.ContainerStatuses[i]
	}
	for i := range live.PodStatus.ContainerStatuses {
		if there := &live.PodStatus.ContainerStatuses[i]; shown[there.Name] == nil || !sameRun(shown[there.Name], there) {
			return false
		}
	}
	return true
}

// maybeSpot says that a pod asks for a spot group.
func maybeSpot(pod *corev1.Pod) bool {
	for key := range pod.Annotations {
		if strings.Contains(key, "spot") {
			return true
		}
	}
	return false
}

// sameRun says that a container is in the run that the pod shows.
func sameRun(shown *corev1.ContainerStatus, there *eci.ContainerStatus) bool {
	if shown.Ready != there.Ready || shown.RestartCount != there.RestartCount ||
		shown.State.Running == nil || there.State.Running == nil {
		return false
	}
	started, err := time.Parse(time.RFC3339, there.State.Running.StartedAt)
	return err == nil && shown.State.Running.StartedAt.Time.Equal(started)
}

// detailsUnread reports whether the pod has a group of which the cloud has not
// shown the details yet: a restart found the pod as it should be and read the state
// of its group alone. What only the details tell is then unknown. That is not the same
// as absent: nothing may be told of it.
func (e *entry) detailsUnread() bool { return e.running() && !e.proven }
