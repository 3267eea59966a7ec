package e2e

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// annotationInstanceID is where users of the managed product look up the group.
const annotationInstanceID = "k8s.aliyun.com/eci-instance-id"

func TestTheExamplePodRunsPrintsAndIsDeletedAtOnce(t *testing.T) {
	namespace := mustNamespace(t, shared)
	mustKubectl(t, shared, "apply", "-n", namespace, "-f", filepath.Join(repository, "examples", "nginx.yaml"))
	eventually(t, "pod nginx Running", func() string { return notRunning(mustGetPod(t, shared, namespace, "nginx")) })

	t.Run("in one row of kubectl", func(t *testing.T) {
		row := strings.Fields(mustKubectl(t, shared, "get", "pod", "nginx", "-n", namespace, "-o", "wide", "--no-headers"))
		if len(row) < 7 || row[1] != "1/1" || row[2] != "Running" || row[6] != nodeName {
			t.Errorf("kubectl shows %v, want 1/1 Running on %s", row, nodeName)
		}
	})
	t.Run("with an address of the vSwitch", func(t *testing.T) {
		ip, err := netip.ParseAddr(mustGetPod(t, shared, namespace, "nginx").Status.PodIP)
		if err != nil || !netip.MustParsePrefix(vSwitchCIDR).Contains(ip) {
			t.Errorf("pod IP = %s (%v), want one of %s", ip, err, vSwitchCIDR)
		}
	})
	t.Run("with the id of its one group", func(t *testing.T) {
		pod := mustGetPod(t, shared, namespace, "nginx")
		groups := mustLiveGroups(t, mustCloud(t, shared), namespace)[string(pod.UID)]
		if len(groups) != 1 || pod.Annotations[annotationInstanceID] != groups[0].ContainerGroupID {
			t.Errorf("annotation = %q, groups = %v", pod.Annotations[annotationInstanceID], groups)
		}
	})
	t.Run("with a log", func(t *testing.T) {
		if log := mustKubectl(t, shared, "logs", "nginx", "-n", namespace); strings.TrimSpace(log) == "" {
			t.Error("kubectl logs printed nothing")
		}
	})
	t.Run("until it is deleted", func(t *testing.T) {
		grace := time.Duration(*mustGetPod(t, shared, namespace, "nginx").Spec.TerminationGracePeriodSeconds) * time.Second
		start := time.Now()
		mustKubectl(t, shared, "delete", "pod", "nginx", "-n", namespace)
		if took := time.Since(start); took > grace/2 {
			t.Errorf("kubectl delete took %s, want well under the grace period of %s: the group ends when nginx does", took, grace)
		}
		if groups := mustLiveGroups(t, mustCloud(t, shared), namespace); len(groups) > 0 {
			t.Errorf("the pod is gone and its group lives: %v", groups)
		}
	})
}

func TestAPodWithoutTheTolerationDoesNotLandOnTheNode(t *testing.T) {
	namespace := mustNamespace(t, shared)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "stranger"},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"type": "virtual-kubelet"},
			Containers:   []corev1.Container{{Name: "main", Image: "nginx"}},
		},
	}
	if _, err := shared.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the scheduler's verdict", func() string {
		for _, condition := range mustGetPod(t, shared, namespace, "stranger").Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable &&
				strings.Contains(condition.Message, "untolerated taint") {
				return ""
			}
		}
		return "the pod is not yet unschedulable for a taint"
	})
	if got := mustGetPod(t, shared, namespace, "stranger"); got.Spec.NodeName != "" || got.Status.Phase != corev1.PodPending {
		t.Errorf("the pod is %s on %q, want Pending on no node", got.Status.Phase, got.Spec.NodeName)
	}
}

// notRunning says why a pod is not yet running and ready.
func notRunning(pod *corev1.Pod) string {
	if pod.Status.Phase == corev1.PodRunning && isReady(pod) && pod.Status.PodIP != "" {
		return ""
	}
	return fmt.Sprintf("%s %s %s %v", pod.Status.Phase, pod.Status.Reason, pod.Status.Message, pod.Status.ContainerStatuses)
}
