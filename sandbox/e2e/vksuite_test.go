package e2e

import (
	"context"
	"encoding/json"
	"testing"

	vke2e "github.com/virtual-kubelet/virtual-kubelet/test/e2e"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestVirtualKubeletsOwnSuite runs the nine tests that virtual-kubelet has for
// every provider. None is skipped.
func TestVirtualKubeletsOwnSuite(t *testing.T) {
	namespace := mustNamespace(t, shared)
	allowAnonymousStats(t)
	mustFakeNodePod(t, namespace)

	vke2e.NewEndToEndTestSuite(vke2e.EndToEndTestSuiteConfig{
		Kubeconfig: shared.path("kubeconfig"),
		Namespace:  namespace,
		NodeName:   nodeName,
	}).Run(t)
}

// allowAnonymousStats lets requests without credentials read the node's
// statistics: two tests ask for them through a pod's proxy, where the API
// server passes no credentials on.
func allowAnonymousStats(t *testing.T) {
	t.Helper()
	const name = "e2e-anonymous-stats"
	rbac := shared.client.RbacV1()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Verbs: []string{"get"},
			Resources: []string{"nodes/stats", "nodes/metrics", "nodes/proxy"},
		}},
	}
	if _, err := rbac.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "system:anonymous"}},
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if output, err := kubectl(context.Background(), shared, "delete", "clusterrole,clusterrolebinding", name); err != nil {
			t.Errorf("delete the rights of system:anonymous: %v\n%s", err, output)
		}
	})
}

// mustFakeNodePod makes the pod through whose proxy two tests reach the node's
// kubelet API: named like the node, with its address. It asks for a scheduler
// that does not exist, so that it is bound to no node and left alone.
func mustFakeNodePod(t *testing.T, namespace string) {
	t.Helper()
	pods := shared.client.CoreV1().Pods(namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName},
		Spec: corev1.PodSpec{
			SchedulerName: "none",
			Containers:    []corev1.Container{{Name: "kubelet", Image: "none"}},
		},
	}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ip := mustNodeIP(t)
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"podIP": ip, "podIPs": []map[string]string{{"ip": ip}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Patch(t.Context(), nodeName, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

func mustNodeIP(t *testing.T) string {
	t.Helper()
	node, err := shared.client.CoreV1().Nodes().Get(t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	t.Fatalf("the node has no InternalIP: %v", node.Status.Addresses)
	return ""
}
