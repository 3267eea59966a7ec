package e2e

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// checkGrace deletes a pod whose container needs 25 of its 60 seconds to end. A
// finalizer keeps the object, so that its last status can be read.
func checkGrace(t *testing.T, s *sandbox) {
	const needs, keep = 25 * time.Second, "e2e.eci-vnode/keep"
	pod := plainPod("slow-end", corev1.RestartPolicyNever, corev1.Container{Name: "app", Image: "busybox",
		Command: []string{"sh", "-c", "trap 'sleep 25; exit 7' TERM; echo ready; while :; do sleep 1; done"}})
	pod.Finalizers, pod.Spec.TerminationGracePeriodSeconds = []string{keep}, ptr.To[int64](60)
	pods := s.client.CoreV1().Pods("default")
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		none := []byte(`{"metadata":{"finalizers":null}}`)
		if _, err := pods.Patch(t.Context(), pod.Name, types.MergePatchType, none, metav1.PatchOptions{}); err != nil {
			t.Log(err)
		}
	})
	eventually(t, "its trap is set", func() string {
		log, err := kubectl(t.Context(), s, "logs", pod.Name)
		return unless(log == "ready\n", log, err)
	})
	asked := time.Now()
	mustKubectl(t, s, "delete", "pod", pod.Name, "--wait=false")
	var end *corev1.ContainerStateTerminated
	eventuallyWithin(t, 3*time.Minute, "its container ended", func() string {
		got := mustGetPod(t, s, "default", pod.Name)
		if len(got.Status.ContainerStatuses) == 1 {
			end = got.Status.ContainerStatuses[0].State.Terminated
		}
		if end == nil {
			return "it runs"
		}
		return ""
	})
	if end.ExitCode != 7 {
		t.Errorf("exit code %d (%s), want 7: the container was not left to end by itself", end.ExitCode, end.Reason)
	}
	if took := end.FinishedAt.Sub(asked); took < needs-2*time.Second {
		t.Errorf("it ended %s after the delete and needs %s", took, needs)
	}
}
