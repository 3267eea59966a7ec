package vnode

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the condition Ready says. The reason is the kubelet's, the message is not.
const (
	reasonReady  = "KubeletReady"
	messageReady = "virtual kubelet is posting ready status"
)

// nodeConditions are the conditions of the node: our own, with those of the
// provider over them. A provider may call the node unready; before the node serves it
// cannot call it ready.
func nodeConditions(serves bool, provider []corev1.NodeCondition) []corev1.NodeCondition {
	conditions := []corev1.NodeCondition{
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: reasonReady, Message: messageReady},
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "a virtual node has no memory of its own"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "a virtual node has no disk of its own"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "a virtual node has no processes of its own"},
		{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse, Reason: "RouteCreated", Message: "pods are connected by the provider"},
	}
	for _, c := range provider {
		if i := nodeConditionIndex(conditions, c.Type); i >= 0 {
			conditions[i] = c
		} else {
			conditions = append(conditions, c)
		}
	}
	if !serves {
		conditions[0] = corev1.NodeCondition{
			Type: corev1.NodeReady, Status: corev1.ConditionFalse,
			Reason: "Recovering", Message: "finding out which pods already run",
		}
	}
	return conditions
}

// keepTransitions gives every condition the transition time of the same condition
// before, or now if its status is another; and reports whether anything changed.
func keepTransitions(before, after []corev1.NodeCondition, now metav1.Time) bool {
	changed := len(before) != len(after)
	for i := range after {
		c := &after[i]
		j := nodeConditionIndex(before, c.Type)
		switch {
		case j >= 0 && before[j].Status == c.Status:
			c.LastTransitionTime = before[j].LastTransitionTime
		case c.LastTransitionTime.IsZero():
			c.LastTransitionTime = now
		}
		if j < 0 || before[j].Status != c.Status || before[j].Reason != c.Reason || before[j].Message != c.Message {
			changed = true
		}
	}
	return changed
}

func nodeConditionIndex(conditions []corev1.NodeCondition, t corev1.NodeConditionType) int {
	for i := range conditions {
		if conditions[i].Type == t {
			return i
		}
	}
	return -1
}
