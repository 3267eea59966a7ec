package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// ConditionInstanceCreated is the platform's own condition: whether the group
// has its machine, and if not why (NoStock, ...). Source: product document
// "Custom conditions".
const ConditionInstanceCreated corev1.PodConditionType = "ContainerInstanceCreated"

// conditions are those that belong to the node: the kubelet's, then the cloud's
// others. Readiness gates, which belong to others, are the business of whoever
// writes the status.
func (v view) conditions(s *corev1.PodStatus) []corev1.PodCondition {
	own := []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		v.readyToStart(s),
		v.initialized(s),
	}
	containers := containersReady(s)
	ready := containers
	ready.Type = corev1.PodReady
	own = append(own, containers, ready)
	for i := range own {
		v.stamp(&own[i])
	}
	return append(own, v.cloudConditions(own)...)
}

// readyToStart: the sandbox is there when it has its address, and gone when the
// pod has ended.
func (v view) readyToStart(s *corev1.PodStatus) corev1.PodCondition {
	return corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: truth(s.PodIP != "" && !ended(s.Phase))}
}

func (v view) initialized(s *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	unfinished := v.unfinishedInits()
	switch {
	case s.Phase == corev1.PodSucceeded:
		c.Reason = "PodCompleted"
	case len(unfinished) > 0:
		c.Status, c.Reason = corev1.ConditionFalse, "ContainersNotInitialized"
		c.Message = fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(unfinished, " "))
	}
	return c
}

func containersReady(s *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}
	var unready []string
	for _, cs := range s.ContainerStatuses {
		if !cs.Ready {
			unready = append(unready, cs.Name)
		}
	}
	switch {
	case s.Phase == corev1.PodSucceeded:
		c.Status, c.Reason = corev1.ConditionFalse, "PodCompleted"
	case s.Phase == corev1.PodFailed:
		c.Status, c.Reason = corev1.ConditionFalse, "PodFailed"
	case len(unready) > 0:
		c.Status, c.Reason = corev1.ConditionFalse, "ContainersNotReady"
		c.Message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	return c
}

// stamp takes the transition time from the cloud's condition of the same type
// and status.
func (v view) stamp(c *corev1.PodCondition) {
	if v.live == nil {
		return
	}
	for _, there := range v.live.PodStatus.Conditions {
		if there.Type == string(c.Type) && there.Status == string(c.Status) {
			c.LastTransitionTime = timeOf(there.LastTransitionTime)
		}
	}
}

// cloudConditions are the cloud's conditions that are none of own.
func (v view) cloudConditions(own []corev1.PodCondition) []corev1.PodCondition {
	if v.live == nil {
		return nil
	}
	var others []corev1.PodCondition
	for _, there := range v.live.PodStatus.Conditions {
		kind := corev1.PodConditionType(there.Type)
		if slices.ContainsFunc(own, func(c corev1.PodCondition) bool { return c.Type == kind }) {
			continue
		}
		others = append(others, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionStatus(cmp.Or(there.Status, string(corev1.ConditionUnknown))),
			// In some answers the reason is prefixed.
			Reason: strings.TrimPrefix(there.Reason, "ContainerGroup."), Message: there.Message,
			LastTransitionTime: timeOf(there.LastTransitionTime),
		})
	}
	return others
}

func truth(b bool) corev1.ConditionStatus {
	if b {
		return corev1.ConditionTrue
	}
	return corev1.ConditionFalse
}
