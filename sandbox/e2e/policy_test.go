package e2e

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPolicy_RefusesTheAnnotationsOfTheNode asks the API server itself, as an
// administrator: a copy of a running pod is refused, and so is a change of what the
// node wrote.
func TestPolicy_RefusesTheAnnotationsOfTheNode(t *testing.T) {
	const says = "only the virtual node writes"
	namespace := mustNamespace(t, shared)
	pods := shared.client.CoreV1().Pods(namespace)
	copied := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "copy", Annotations: map[string]string{annotationInstanceID: "eci-1"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}
	eventually(t, "the policy is in force", func() string {
		_, err := pods.Create(t.Context(), copied, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil && strings.Contains(err.Error(), says) && strings.Contains(err.Error(), annotationInstanceID) {
			return ""
		}
		return "a copy is not refused: " + text(err)
	})
	mustBindPods(t, shared, namespace, nodeName, "web", 1)
	eventually(t, "pod web-0 Running", func() string { return notRunning(mustGetPod(t, shared, namespace, "web-0")) })
	before := mustGetPod(t, shared, namespace, "web-0").Annotations[annotationInstanceID]
	output, err := kubectl(t.Context(), shared, "annotate", "--overwrite", "-n", namespace, "pod/web-0", annotationInstanceID+"=eci-1")
	if err == nil || !strings.Contains(output, says) {
		t.Errorf("a change is not refused: %v %s", err, output)
	}
	mustKubectl(t, shared, "annotate", "-n", namespace, "pod/web-0", "note=mine")
	if after := mustGetPod(t, shared, namespace, "web-0"); after.Annotations[annotationInstanceID] != before || after.Annotations["note"] != "mine" {
		t.Errorf("annotations %v", after.Annotations)
	}
}
