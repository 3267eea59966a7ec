package status

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Reasons of a pod's status.
const (
	// ReasonScheduleFailed is that of the managed product.
	ReasonScheduleFailed = "ContainerInstanceScheduleFailed"
	// ReasonExpired says that a spot group was reclaimed.
	ReasonExpired = "ContainerInstanceExpired"
)

// FromContainerGroup is the status of pod whose group looks like group, with
// live, where it is there, as the same group in DescribeContainerGroupStatus:
// it alone has image ids and the cloud's conditions. pod carries the status that
// was reported before; terminal ones stay as they are.
func FromContainerGroup(pod *corev1.Pod, group eci.ContainerGroup, live *eci.ContainerGroupStatus) corev1.PodStatus {
	if ended(pod.Status.Phase) {
		return *pod.Status.DeepCopy()
	}
	v := view{pod: pod, group: &group, live: live}
	s := corev1.PodStatus{
		QOSClass:  pod.Status.QOSClass,
		StartTime: v.startTime(),
	}
	s.Phase, s.Reason, s.Message = v.phase()
	v.addresses(&s)
	s.InitContainerStatuses = v.initContainers()
	s.ContainerStatuses = v.containers()
	s.EphemeralContainerStatuses = slices.Clone(pod.Status.EphemeralContainerStatuses)
	if ended(s.Phase) {
		endContainers(&s, v.endTime())
	}
	s.Conditions = v.conditions(&s)
	return s
}

// Gone is the last status of a pod whose group vanished: Failed, for reason.
func Gone(pod *corev1.Pod, reason, message string) corev1.PodStatus {
	if ended(pod.Status.Phase) {
		return *pod.Status.DeepCopy()
	}
	s := finish(pod, pod.Status)
	s.Phase, s.Reason, s.Message = corev1.PodFailed, reason, message
	return s
}

// Deleted is the last status of a pod whose group was deleted on request and is
// gone; last is what was known before. As with the kubelet, a pod all of whose
// containers ended with 0 has succeeded, any other has failed.
func Deleted(pod *corev1.Pod, last corev1.PodStatus) corev1.PodStatus {
	if ended(last.Phase) {
		return *last.DeepCopy()
	}
	s := finish(pod, last)
	s.Phase = corev1.PodFailed
	unclean := func(c corev1.ContainerStatus) bool { return c.State.Terminated.ExitCode != 0 }
	if len(s.ContainerStatuses) > 0 && !slices.ContainsFunc(s.ContainerStatuses, unclean) {
		s.Phase = corev1.PodSucceeded
	}
	return s
}

// Unscheduled is the status of a pod whose group the cloud could not place and
// which waits for its next attempt: still Pending, with a condition that says
// why.
func Unscheduled(pod *corev1.Pod, group eci.ContainerGroup) corev1.PodStatus {
	failed := group
	group.Status = eci.StatusScheduling
	s := FromContainerGroup(pod, group, nil)
	reason, message := cause(&failed)
	s.Conditions = append(s.Conditions, corev1.PodCondition{
		Type: ConditionInstanceCreated, Status: corev1.ConditionFalse, Reason: cmp.Or(reason, "FailedScheduling"), Message: message,
	})
	return s
}

// finish ends every container of s that has not.
func finish(pod *corev1.Pod, s corev1.PodStatus) corev1.PodStatus {
	s = *s.DeepCopy()
	known := map[string]bool{}
	for _, c := range s.ContainerStatuses {
		known[c.Name] = true
	}
	for _, c := range pod.Spec.Containers {
		if !known[c.Name] {
			s.ContainerStatuses = append(s.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, Image: c.Image})
		}
	}
	endContainers(&s, metav1.Time{})
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady || c.Type == corev1.ContainersReady
	})
	return s
}

func ended(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// view is one look at a group.
type view struct {
	pod   *corev1.Pod
	group *eci.ContainerGroup
	live  *eci.ContainerGroupStatus
}

// phase follows the product's table of states. Where that table goes back from
// Running to Pending, during a restart or an update of the group, Kubernetes
// does not: a pod that has run stays Running.
func (v view) phase() (phase corev1.PodPhase, reason, message string) {
	switch v.group.Status {
	case eci.StatusRunning:
		return corev1.PodRunning, "", ""
	case eci.StatusSucceeded:
		return corev1.PodSucceeded, "", ""
	case eci.StatusFailed:
		reason, message = cause(v.group)
		return corev1.PodFailed, reason, message
	case eci.StatusExpired:
		return corev1.PodFailed, ReasonExpired, "the cloud has reclaimed the container group " + v.group.ContainerGroupID
	case eci.StatusScheduleFailed:
		_, message = cause(v.group)
		return corev1.PodFailed, ReasonScheduleFailed, message
	}
	if v.pod.Status.Phase == corev1.PodRunning || v.hasRun() {
		return corev1.PodRunning, "", ""
	}
	return corev1.PodPending, "", ""
}

// hasRun says whether an app container has started yet.
func (v view) hasRun() bool {
	return slices.ContainsFunc(v.group.Containers, func(c eci.GroupContainer) bool {
		return c.CurrentState != nil && c.CurrentState.State != eci.ContainerWaiting || c.RestartCount > 0
	})
}

// cause is the reason and message of the newest warning of the group.
func cause(group *eci.ContainerGroup) (reason, message string) {
	var newest eci.GroupEvent
	for _, e := range group.Events {
		if e.Type == corev1.EventTypeWarning && e.LastTimestamp >= newest.LastTimestamp {
			newest = e
		}
	}
	return newest.Reason, newest.Message
}

// addresses: the address of the group is both the pod's and its host's, as
// every group is a machine of its own.
func (v view) addresses(s *corev1.PodStatus) {
	if ip := v.group.IntranetIP; ip != "" {
		s.PodIP, s.HostIP = ip, ip
		s.PodIPs, s.HostIPs = []corev1.PodIP{{IP: ip}}, []corev1.HostIP{{IP: ip}}
	}
	if ip := v.group.IPv6Address; ip != "" {
		s.PodIP = cmp.Or(s.PodIP, ip)
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: ip})
	}
}

func (v view) startTime() *metav1.Time {
	if v.pod.Status.StartTime != nil {
		return v.pod.Status.StartTime.DeepCopy()
	}
	if t := timeOf(v.group.CreationTime); !t.IsZero() {
		return &t
	}
	return nil
}

// endTime is when the group ended, zero if the cloud does not say.
func (v view) endTime() metav1.Time {
	return timeOf(cmp.Or(v.group.SucceededTime, v.group.FailedTime, v.group.ExpiredTime))
}

// timeOf reads a time of the cloud; one that cannot be read is zero.
func timeOf(text string) metav1.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return metav1.Time{}
	}
	return metav1.NewTime(t)
}
