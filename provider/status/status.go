package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// view is all that is known when a status is made.
type view struct {
	pod   *corev1.Pod
	group eci.ContainerGroup
	// live is never nil; it is empty when there is none, or one of another
	// group.
	live *eci.ContainerGroupStatus
	// state is the state of the group, of the two answers the later one.
	state string
}

// FromContainerGroup returns the status of the pod whose group this is. group is
// an item of DescribeContainerGroups; live is the item of
// DescribeContainerGroupStatus, or nil. Either may be older than the other, and
// than pod.Status.
func FromContainerGroup(pod *corev1.Pod, group eci.ContainerGroup, live *eci.ContainerGroupStatus) corev1.PodStatus {
	if live == nil || live.ContainerGroupID != "" && group.ContainerGroupID != "" && live.ContainerGroupID != group.ContainerGroupID {
		live = &eci.ContainerGroupStatus{}
	}
	v := &view{pod: pod, group: group, live: live, state: laterState(group.Status, live.Status)}
	status := *pod.Status.DeepCopy()
	status.ObservedGeneration = pod.Generation
	status.QOSClass = qosClass(pod)
	v.setAddresses(&status)
	v.setStart(&status)
	v.setPhase(&status)
	v.setContainers(&status)
	if isTerminal(status.Phase) {
		finish(&status, v.endTime())
	}
	v.setConditions(&status)
	return status
}

// endTime is when the group ended, zero when the cloud does not say.
func (v *view) endTime() metav1.Time {
	return later(later(parseTime(v.group.SucceededTime), parseTime(v.group.FailedTime)), parseTime(v.group.ExpiredTime))
}

// setAddresses keeps what is known when the cloud tells nothing: a pod that has
// ended still shows where it was. A group is its own host.
func (v *view) setAddresses(status *corev1.PodStatus) {
	ip := v.group.IntranetIP
	if ip == "" {
		ip = v.live.PodStatus.PodIP
	}
	if ip == "" {
		return
	}
	status.PodIP, status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	status.HostIP, status.HostIPs = ip, []corev1.HostIP{{IP: ip}}
	if v.group.IPv6Address != "" {
		status.PodIPs = append(status.PodIPs, corev1.PodIP{IP: v.group.IPv6Address})
		return
	}
	for _, other := range v.live.PodStatus.PodIPs {
		if other.IP != ip && other.IP != "" {
			status.PodIPs = append(status.PodIPs, corev1.PodIP{IP: other.IP})
		}
	}
}

// setStart gives the pod the time at which its group was made, once.
func (v *view) setStart(status *corev1.PodStatus) {
	if status.StartTime != nil {
		return
	}
	for _, text := range []string{v.group.CreationTime, v.live.PodStatus.StartTime} {
		if at := parseTime(text); !at.IsZero() {
			status.StartTime = &at
			return
		}
	}
}
