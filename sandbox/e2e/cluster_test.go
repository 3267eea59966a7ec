package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodeName    = "virtual-kubelet"
	taintKey    = "virtual-kubelet.io/provider"
	vSwitchCIDR = "10.20.0.0/16"
)

// patience is how long a condition may take to come true, on a busy machine.
const patience = 2 * time.Minute

// eventually waits until the condition has nothing left to wait for, which it
// tells as a text.
func eventually(t *testing.T, what string, waiting func() string) {
	t.Helper()
	eventuallyWithin(t, patience, what, waiting)
}

func eventuallyWithin(t *testing.T, patience time.Duration, what string, waiting func() string) {
	t.Helper()
	timeout := time.After(patience)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		reason := waiting()
		if reason == "" {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: still waiting after %s: %s", what, patience, reason)
		}
	}
}

// unless is what eventually waits for when kubectl printed something else: also
// when that is nothing, as the log of a pod that is young.
func unless(done bool, output string, err error) string {
	if done {
		return ""
	}
	return fmt.Sprintf("it is %q, %v", output, err)
}

// mustKubectl runs the bundled kubectl and returns what it printed.
func mustKubectl(t *testing.T, s *sandbox, args ...string) string {
	t.Helper()
	output, err := kubectl(t.Context(), s, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

func kubectl(ctx context.Context, s *sandbox, args ...string) (string, error) {
	args = append([]string{"--kubeconfig=" + s.path("kubeconfig"), "--cache-dir=" + s.path("kubectl-cache")}, args...)
	output, err := exec.CommandContext(ctx, program("kubectl"), args...).CombinedOutput()
	return string(output), err
}

// mustNamespace makes a namespace for one test, ready to take pods, and deletes
// it with all its pods at the end.
func mustNamespace(t *testing.T, s *sandbox) string {
	t.Helper()
	created, err := s.client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := created.Name
	t.Cleanup(func() {
		if output, err := kubectl(context.Background(), s, "delete", "namespace", name, "--timeout=2m"); err != nil {
			t.Errorf("delete namespace %s: %v\n%s", name, err, output)
		}
	})
	eventually(t, "the default ServiceAccount of "+name, func() string {
		_, err := s.client.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return "it is not there"
		}
		return text(err)
	})
	return name
}

func mustGetPod(t *testing.T, s *sandbox, namespace, name string) *corev1.Pod {
	t.Helper()
	pod, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func mustListPods(t *testing.T, s *sandbox, namespace string) []corev1.Pod {
	t.Helper()
	pods, err := s.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
