package status

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// ConditionInstanceCreated is the condition of ECI that says why a group is not
// there yet. Source: product document "Custom conditions".
const ConditionInstanceCreated corev1.PodConditionType = "ContainerInstanceCreated"

// Reasons of conditions: the kubelet's, and of ConditionInstanceCreated.
const (
	reasonContainersNotInitialized = "ContainersNotInitialized"
	reasonContainersNotReady       = "ContainersNotReady"
	reasonReadinessGatesNotReady   = "ReadinessGatesNotReady"
	reasonPodCompleted             = "PodCompleted"
	reasonPodFailed                = "PodFailed"
	reasonCreating                 = "Creating"
	reasonFailedScheduling         = "FailedScheduling"
	reasonReclaimed                = "TerminationByCloud"
	reasonRounded                  = "AutoInstanceTypeMatch"
	reasonDegraded                 = "SpotDegraded"
)

// setConditions writes the kubelet's conditions and those of the cloud, and no
// others: whoever writes the status keeps those, which may have changed since
// the pod was read.
func (v *view) setConditions(status *corev1.PodStatus) {
	containersReady := containersReady(status)
	of := v.cloudConditions()
	own := append(make([]corev1.PodCondition, 0, 6+len(of)),
		is(corev1.PodReadyToStartContainers, status.PodIP != "" && !isTerminal(status.Phase), "", ""),
		initialized(v.pod, status),
		ready(v.pod, containersReady),
		containersReady,
		is(corev1.PodScheduled, true, "", ""),
		v.created(),
	)
	own = append(own, of...)
	if resizeWaits(v.pod, status) {
		own = append(own, resizeRefused())
	}
	for i := range own {
		own[i].ObservedGeneration = v.pod.Generation
		own[i].LastTransitionTime = v.transition(own[i], status)
	}
	status.Conditions = own
}

// Put replaces the condition of the same type, or adds it.
func Put(status *corev1.PodStatus, condition corev1.PodCondition) {
	status.Conditions = slices.Clone(status.Conditions) // others may share the list
	for i := range status.Conditions {
		if status.Conditions[i].Type == condition.Type {
			status.Conditions[i] = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}

// Disrupted is the condition of a pod that the cloud ends since at. Controllers
// know its type, for instance in the failure policy of a Job.
func Disrupted(message string, at metav1.Time) corev1.PodCondition {
	c := is(corev1.DisruptionTarget, true, reasonReclaimed, message)
	c.LastTransitionTime = at
	return c
}

// MarkSpotDegraded says in the condition ContainerInstanceCreated that a group
// wanted on spot is paid as it goes. What the cloud says itself comes first, but
// for the rounding of the size, which an annotation tells too.
func MarkSpotDegraded(status *corev1.PodStatus) {
	c := condition(status.Conditions, ConditionInstanceCreated)
	if c != nil && c.Status == corev1.ConditionTrue && (c.Reason == "" || c.Reason == reasonRounded) {
		c.Reason, c.Message = reasonDegraded, strings.TrimSpace("spot had no stock; the container group is paid as you go. "+c.Message)
	}
}

// MarkRounded says there that the size of the pod was raised to one on sale, unless
// the cloud says something itself.
func MarkRounded(status *corev1.PodStatus, message string) {
	c := condition(status.Conditions, ConditionInstanceCreated)
	if c != nil && c.Status == corev1.ConditionTrue && c.Reason == "" {
		c.Reason, c.Message = reasonRounded, message
	}
}

func is(kind corev1.PodConditionType, holds bool, reason, message string) corev1.PodCondition {
	condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
	if holds {
		condition.Status = corev1.ConditionTrue
	}
	return condition
}

func initialized(pod *corev1.Pod, status *corev1.PodStatus) corev1.PodCondition {
	var waiting []string
	for _, s := range status.InitContainerStatuses {
		if !s.Ready {
			waiting = append(waiting, s.Name)
		}
	}
	switch {
	case status.Phase == corev1.PodSucceeded:
		return is(corev1.PodInitialized, true, reasonPodCompleted, "")
	case len(waiting) == 0 || anyRan(status.ContainerStatuses):
		return is(corev1.PodInitialized, true, "", "")
	}
	return is(corev1.PodInitialized, false, reasonContainersNotInitialized,
		fmt.Sprintf("containers with incomplete status: %s", waiting))
}

func containersReady(status *corev1.PodStatus) corev1.PodCondition {
	switch status.Phase {
	case corev1.PodSucceeded:
		return is(corev1.ContainersReady, false, reasonPodCompleted, "")
	case corev1.PodFailed:
		return is(corev1.ContainersReady, false, reasonPodFailed, "")
	}
	var waiting []string
	for _, s := range status.ContainerStatuses {
		if !s.Ready {
			waiting = append(waiting, s.Name)
		}
	}
	if len(waiting) > 0 {
		return is(corev1.ContainersReady, false, reasonContainersNotReady,
			fmt.Sprintf("containers with unready status: %s", waiting))
	}
	return is(corev1.ContainersReady, true, "", "")
}

// ready adds the readiness gates of the pod.
func ready(pod *corev1.Pod, containers corev1.PodCondition) corev1.PodCondition {
	containers.Type = corev1.PodReady
	if containers.Status != corev1.ConditionTrue {
		return containers
	}
	var missing []string
	for _, gate := range pod.Spec.ReadinessGates {
		switch c := condition(pod.Status.Conditions, gate.ConditionType); {
		case c == nil:
			missing = append(missing, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case c.Status != corev1.ConditionTrue:
			missing = append(missing, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, c.Status))
		}
	}
	if len(missing) > 0 {
		return is(corev1.PodReady, false, reasonReadinessGatesNotReady, strings.Join(missing, ", "))
	}
	return containers
}

func condition(conditions []corev1.PodCondition, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}

// created says whether ECI has found a place for the group; what the cloud says
// itself comes first.
func (v *view) created() corev1.PodCondition {
	for _, c := range v.live.PodStatus.Conditions {
		if c.Type == string(ConditionInstanceCreated) {
			return v.keepMark(fromCloud(c))
		}
	}
	event := v.lastWarning()
	switch v.state {
	case eci.StatusScheduling, "":
		return is(ConditionInstanceCreated, false, eventReason(event, reasonCreating), event.Message)
	case eci.StatusScheduleFailed:
		return is(ConditionInstanceCreated, false, eventReason(event, reasonFailedScheduling), event.Message)
	}
	return v.keepMark(is(ConditionInstanceCreated, true, "", ""))
}

// keepMark keeps what was marked on a group that is there, unless the cloud says
// something itself: after a restart of ours nobody else knows it.
func (v *view) keepMark(c corev1.PodCondition) corev1.PodCondition {
	old := condition(v.pod.Status.Conditions, ConditionInstanceCreated)
	marked := old != nil && old.Status == corev1.ConditionTrue && (old.Reason == reasonRounded || old.Reason == reasonDegraded)
	if marked && c.Status == corev1.ConditionTrue && c.Reason == "" {
		c.Reason, c.Message = old.Reason, old.Message
	}
	return c
}

func eventReason(event eci.GroupEvent, otherwise string) string {
	return orText(strings.TrimPrefix(event.Reason, "ContainerGroup."), otherwise)
}

// cloudConditions are the conditions of the platform that Kubernetes does not
// have.
func (v *view) cloudConditions() []corev1.PodCondition {
	var all []corev1.PodCondition
	for _, c := range v.live.PodStatus.Conditions {
		switch corev1.PodConditionType(c.Type) {
		case "", ConditionInstanceCreated, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady,
			corev1.ContainersReady, corev1.PodScheduled:
			continue
		}
		all = append(all, fromCloud(c))
	}
	return all
}

// fromCloud takes the prefix off that some answers put before the reason.
func fromCloud(c eci.PodCondition) corev1.PodCondition {
	return corev1.PodCondition{Type: corev1.PodConditionType(c.Type),
		Status: corev1.ConditionStatus(orText(c.Status, string(corev1.ConditionUnknown))),
		Reason: strings.TrimPrefix(c.Reason, "ContainerGroup."), Message: c.Message, LastTransitionTime: parseTime(c.LastTransitionTime)}
}

// transition is when a condition got its status: as before when that is
// unchanged, else as the cloud tells, for the same condition or by the latest
// time of a container. It is zero when all that is told is older than the last
// transition.
func (v *view) transition(c corev1.PodCondition, status *corev1.PodStatus) metav1.Time {
	old := condition(v.pod.Status.Conditions, c.Type)
	if old != nil && old.Status == c.Status && !old.LastTransitionTime.IsZero() {
		return old.LastTransitionTime
	}
	at := v.told(c)
	if at.IsZero() {
		at = v.inferred(c, status, old != nil)
	}
	if old != nil && !at.After(old.LastTransitionTime.Time) {
		return metav1.Time{}
	}
	return at
}

// told is the time that the cloud gives for this condition with this status.
func (v *view) told(c corev1.PodCondition) metav1.Time {
	for _, there := range v.live.PodStatus.Conditions {
		if there.Type == string(c.Type) && there.Status == string(c.Status) {
			return parseTime(there.LastTransitionTime)
		}
	}
	return metav1.Time{}
}

// inferred is the time by what happened to the containers. A container that
// becomes ready leaves no time behind: the best is when it was seen, unless it
// is seen for the first time.
func (v *view) inferred(c corev1.PodCondition, status *corev1.PodStatus, seen bool) metav1.Time {
	switch c.Type {
	case corev1.PodScheduled:
		return v.pod.CreationTimestamp
	case corev1.PodInitialized:
		return lastOf(status, status.InitContainerStatuses)
	case corev1.PodReady, corev1.ContainersReady:
		if c.Status == corev1.ConditionFalse || !seen {
			return lastOf(status, status.InitContainerStatuses, status.ContainerStatuses)
		}
	}
	return metav1.Time{}
}

// lastOf is the latest time of the containers, else when the pod started.
func lastOf(status *corev1.PodStatus, lists ...[]corev1.ContainerStatus) metav1.Time {
	var at metav1.Time
	if status.StartTime != nil {
		at = *status.StartTime
	}
	for _, list := range lists {
		for _, s := range list {
			at = later(at, lastTime(s))
		}
	}
	return at
}
