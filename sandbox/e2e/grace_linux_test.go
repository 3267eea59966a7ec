package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// checkGrace deletes a pod whose container needs 25 of its 60 seconds to end. What it
// prints after 20 of them shows that it was left to end by itself; what it would print
// in its last moment, the cloud forgets with the group before the log is read again.
func checkGrace(t *testing.T, s *sandbox) {
	pod := plainPod("slow-end", corev1.RestartPolicyNever, corev1.Container{Name: "app", Image: "busybox",
		Command: []string{"sh", "-c", "trap 'sleep 20; echo ending by itself; sleep 5; exit 0' TERM; echo ready; while :; do sleep 1; done"}})
	pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](60)
	if _, err := s.client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its trap is set", func() string {
		log, err := kubectl(t.Context(), s, "logs", pod.Name)
		return unless(log == "ready\n", log, err)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var log bytes.Buffer
	follow := exec.CommandContext(ctx, program("kubectl"), "--kubeconfig="+s.path("kubeconfig"), "logs", "-f", pod.Name)
	follow.Stdout = &log
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, s, "delete", "pod", pod.Name, "--timeout=2m")
	if err := follow.Wait(); err != nil {
		t.Errorf("kubectl logs -f: %v", err)
	}
	if log.String() != "ready\nending by itself\n" {
		t.Errorf("the log is %q: the container did not have the time that it needs to end", log.String())
	}
}
