package vnode

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of the readiness conditions, those of the kubelet.
const (
	reasonContainersNotReady = "ContainersNotReady"
	reasonGatesNotReady      = "ReadinessGatesNotReady"
	reasonPodCompleted       = "PodCompleted"
	reasonPodFailed          = "PodFailed"
)

// readiness computes ContainersReady and Ready for a status that is about to be
// written for pod. The pod is ready when its containers are, and when every
// readiness gate is True in the API server's object: gates belong to others.
func readiness(pod *corev1.Pod, s *corev1.PodStatus) []corev1.PodCondition {
	containers := containersReady(pod, s)
	ready := containers
	ready.Type = corev1.PodReady
	if ready.Status == corev1.ConditionTrue {
		if closed := closedGates(pod); len(closed) > 0 {
			ready = corev1.PodCondition{
				Type: corev1.PodReady, Status: corev1.ConditionFalse,
				Reason: reasonGatesNotReady, Message: strings.Join(closed, ", "),
			}
		}
	}
	return []corev1.PodCondition{containers, ready}
}

func containersReady(pod *corev1.Pod, s *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionFalse}
	reported := findCondition(s.Conditions, corev1.ContainersReady)
	if reported == nil {
		// Providers that know nothing of gates report Ready alone.
		reported = findCondition(s.Conditions, corev1.PodReady)
	}
	switch {
	case s.Phase == corev1.PodSucceeded:
		c.Reason = reasonPodCompleted
	case s.Phase == corev1.PodFailed:
		c.Reason = reasonPodFailed
	case reported != nil:
		c = *reported.DeepCopy()
		c.Type = corev1.ContainersReady
	default:
		if unready := unreadyContainers(pod, s); len(unready) > 0 || s.Phase != corev1.PodRunning {
			c.Reason = reasonContainersNotReady
			c.Message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
		} else {
			c.Status = corev1.ConditionTrue
		}
	}
	return c
}

func unreadyContainers(pod *corev1.Pod, s *corev1.PodStatus) []string {
	ready := map[string]bool{}
	for _, cs := range s.ContainerStatuses {
		ready[cs.Name] = cs.Ready
	}
	var unready []string
	for _, container := range pod.Spec.Containers {
		if !ready[container.Name] {
			unready = append(unready, container.Name)
		}
	}
	return unready
}

// closedGates says, in the kubelet's words, which readiness gates are not True.
func closedGates(pod *corev1.Pod) []string {
	var closed []string
	for _, gate := range pod.Spec.ReadinessGates {
		c := findCondition(pod.Status.Conditions, gate.ConditionType)
		switch {
		case c == nil:
			closed = append(closed, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case c.Status != corev1.ConditionTrue:
			closed = append(closed, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, c.Status))
		}
	}
	return closed
}

// otherConditions returns conditions without those that readiness computes.
func otherConditions(conditions []corev1.PodCondition) []corev1.PodCondition {
	var others []corev1.PodCondition
	for _, c := range conditions {
		if c.Type != corev1.ContainersReady && c.Type != corev1.PodReady {
			others = append(others, c)
		}
	}
	return others
}

// isResize says whether a condition is one of those that the kubelet takes away
// when a resize of the pod is over.
func isResize(t corev1.PodConditionType) bool {
	return t == corev1.PodResizePending || t == corev1.PodResizeInProgress
}

// mergeConditions lays our conditions over those of the API server. Conditions
// that are not ours stay, in their place; a transition time moves with the status
// only.
func mergeConditions(api, own []corev1.PodCondition, now metav1.Time) []corev1.PodCondition {
	merged := make([]corev1.PodCondition, 0, len(api)+len(own))
	for _, there := range api {
		if c := findCondition(own, there.Type); c != nil {
			there = mergeCondition(there, *c, now)
		}
		merged = append(merged, there)
	}
	for _, c := range own {
		if findCondition(api, c.Type) == nil {
			merged = append(merged, mergeCondition(corev1.PodCondition{}, c, now))
		}
	}
	return merged
}

func mergeCondition(there, own corev1.PodCondition, now metav1.Time) corev1.PodCondition {
	switch {
	case there.Status == own.Status:
		own.LastTransitionTime = there.LastTransitionTime
	case own.LastTransitionTime.IsZero():
		own.LastTransitionTime = now
	}
	if own.LastProbeTime.IsZero() {
		own.LastProbeTime = there.LastProbeTime
	}
	if own.ObservedGeneration == 0 {
		own.ObservedGeneration = there.ObservedGeneration
	}
	return own
}

func findCondition(conditions []corev1.PodCondition, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range conditions {
		if conditions[i].Type == t {
			return &conditions[i]
		}
	}
	return nil
}
