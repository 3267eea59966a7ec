package manifest

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Waiting says what an applied object still waits for, empty when it is ready.
// Pods and what counts its ready replicas can wait; other kinds never do.
func (c *Cluster) Waiting(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	resource, err := c.resource(object)
	if err != nil {
		return "", err
	}
	live, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", Title(object), err)
	}
	switch live.GetKind() {
	case "Pod":
		return waitingPod(live)
	case "Deployment", "StatefulSet", "ReplicaSet":
		return waitingReplicas(live), nil
	default:
		return "", nil
	}
}

func waitingPod(object *unstructured.Unstructured) (string, error) {
	var pod corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod); err != nil {
		return "", fmt.Errorf("decode %s: %w", Title(object), err)
	}
	if pod.Status.Phase == corev1.PodSucceeded {
		return "", nil
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return "", nil
		}
	}
	return strings.TrimSpace(string(pod.Status.Phase) + " " + explain(pod)), nil
}

// explain gives the most telling reason why a pod is not ready.
func explain(pod corev1.Pod) string {
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			return inBrackets(waiting.Reason, waiting.Message)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return inBrackets(condition.Reason, condition.Message)
		}
	}
	return inBrackets(pod.Status.Reason, pod.Status.Message)
}

func inBrackets(reason, message string) string {
	switch {
	case reason == "":
		return ""
	case message == "":
		return "(" + reason + ")"
	default:
		return "(" + reason + ": " + message + ")"
	}
}

func waitingReplicas(object *unstructured.Unstructured) string {
	want, set, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	if !set {
		want = 1 // the default, though the API server always fills it in
	}
	ready, _, _ := unstructured.NestedInt64(object.Object, "status", "readyReplicas")
	if ready >= want {
		return ""
	}
	return fmt.Sprintf("%d of %d ready", ready, want)
}
