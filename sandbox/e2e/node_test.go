package e2e

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTheNodeIsReadyAndLooksLikeThatOfTheFirstProvider(t *testing.T) {
	node, err := shared.client.CoreV1().Nodes().Get(t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"type":                          "virtual-kubelet",
		"kubernetes.io/role":            "agent",
		"kubernetes.io/os":              "linux",
		"beta.kubernetes.io/os":         "linux",
		"kubernetes.io/hostname":        nodeName,
		"topology.kubernetes.io/region": "cn-hangzhou",
		"topology.kubernetes.io/zone":   "cn-hangzhou-i",
	} {
		if got := node.Labels[key]; got != want {
			t.Errorf("label %s = %q, want %q", key, got, want)
		}
	}
	if !hasTaint(node) {
		t.Errorf("taints = %v, want %s=alibabacloud:NoSchedule", node.Spec.Taints, taintKey)
	}
	if node.Status.Allocatable.Pods().IsZero() || node.Status.Allocatable.Cpu().IsZero() {
		t.Errorf("allocatable = %v, want pods and cpu", node.Status.Allocatable)
	}
	if _, err := shared.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), nodeName, metav1.GetOptions{}); err != nil {
		t.Errorf("lease of the node: %v", err)
	}
	row := strings.Fields(mustKubectl(t, shared, "get", "node", nodeName, "--no-headers"))
	if len(row) < 3 || row[1] != "Ready" || row[2] != "agent" {
		t.Errorf("kubectl get nodes shows %v, want Ready and agent", row)
	}
}

func TestTheKubeletAPIIsReachedThroughTheAPIServer(t *testing.T) {
	if got := mustKubectl(t, shared, "get", "--raw", "/api/v1/nodes/"+nodeName+"/proxy/pods"); !strings.Contains(got, "PodList") {
		t.Errorf("nodes/proxy/pods = %s, want a PodList", got)
	}
}

func TestTheVirtualNodeRunsWithTheShippedRightsOnly(t *testing.T) {
	as := []string{"--kubeconfig=" + shared.path("eci-vnode.kubeconfig")}
	if who := mustKubectl(t, shared, append(as, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")...); who != "system:serviceaccount:kube-system:eci-vnode" {
		t.Errorf("eci-vnode is %s, want its ServiceAccount", who)
	}
	for question, want := range map[string]string{
		"get configmaps": "yes", "patch nodes/virtual-kubelet --subresource=status": "yes", "patch nodes/another --subresource=status": "no", "patch pods --subresource=status": "yes",
		"delete nodes": "no", "list secrets": "no", "create pods": "no", "create clusterrolebindings": "no",
	} {
		args := append(append(as, "auth", "can-i", "--all-namespaces"), strings.Fields(question)...)
		// The exit status is that of the answer: 1 for no.
		if answer, _ := kubectl(t.Context(), shared, args...); lastWord(answer) != want {
			t.Errorf("can eci-vnode %s? %s, want %s", question, answer, want)
		}
	}
}

func hasTaint(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == taintKey && taint.Value == "alibabacloud" && taint.Effect == corev1.TaintEffectNoSchedule {
			return true
		}
	}
	return false
}

// lastWord skips warnings that kubectl prints before an answer.
func lastWord(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}
