package e2e

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// many is how many pods a test scales to.
const many = 50

func TestADeploymentGoesUpAndDownAndLeavesNoGroup(t *testing.T) {
	namespace := mustDeploy(t)
	cloud := mustCloud(t, shared)
	awaitReplicas(t, namespace, 1)

	mustScale(t, namespace, many)
	awaitReplicas(t, namespace, many)
	if groups := mustLiveGroups(t, cloud, namespace); len(groups) != many {
		t.Errorf("%d pods have a group, want %d", len(groups), many)
	}

	mustScale(t, namespace, 0)
	awaitReplicas(t, namespace, 0)
	if groups := mustLiveGroups(t, cloud, namespace); len(groups) > 0 {
		t.Errorf("no pod is left, and %d groups live", len(groups))
	}
}

func TestKillingTheVirtualNodeWhileItCreatesMakesNoGroupTwice(t *testing.T) {
	namespace := mustDeploy(t)
	cloud := mustCloud(t, shared)
	awaitReplicas(t, namespace, 1)
	victim := shared.pid(t, "eci-vnode")

	mustScale(t, namespace, many)
	eventually(t, "the first of the creates", func() string {
		if groups := mustLiveGroups(t, cloud, namespace); len(groups) < 5 {
			return fmt.Sprintf("%d groups", len(groups))
		}
		return ""
	})
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if groups := mustLiveGroups(t, cloud, namespace); len(groups) >= many {
		t.Fatalf("all %d groups existed before the kill, so this proves nothing", len(groups))
	}

	eventually(t, "a group for every pod, and never two", func() string {
		groups := mustLiveGroups(t, cloud, namespace)
		for uid, of := range groups {
			if len(of) > 1 {
				t.Fatalf("pod %s has %d groups at once: %v", uid, len(of), of)
			}
		}
		if len(groups) != many {
			return fmt.Sprintf("%d groups", len(groups))
		}
		return ""
	})
	awaitReplicas(t, namespace, many)
	groups := mustLiveGroups(t, cloud, namespace)
	for _, pod := range mustListPods(t, shared, namespace) {
		if of := groups[string(pod.UID)]; len(of) != 1 {
			t.Errorf("pod %s has %d groups, want 1", pod.Name, len(of))
		}
		delete(groups, string(pod.UID))
	}
	if len(groups) > 0 {
		t.Errorf("groups of no pod: %v", groups)
	}
	if shared.pid(t, "eci-vnode") == victim {
		t.Error("eci-vnode was not killed")
	}
}

// mustDeploy applies the example Deployment, one replica, to a new namespace.
func mustDeploy(t *testing.T) (namespace string) {
	t.Helper()
	namespace = mustNamespace(t, shared)
	mustKubectl(t, shared, "apply", "-n", namespace, "-f", filepath.Join(repository, "examples", "deployment.yaml"))
	return namespace
}

func mustScale(t *testing.T, namespace string, replicas int) {
	t.Helper()
	mustKubectl(t, shared, "scale", "deployment", "--all", "-n", namespace, fmt.Sprintf("--replicas=%d", replicas))
}

// awaitReplicas waits until a namespace has that many pods, all running.
func awaitReplicas(t *testing.T, namespace string, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d pods running", want), func() string {
		pods := mustListPods(t, shared, namespace)
		running := 0
		for i := range pods {
			if notRunning(&pods[i]) == "" && pods[i].DeletionTimestamp == nil {
				running++
			}
		}
		if running == want && len(pods) == want {
			return ""
		}
		return fmt.Sprintf("%d pods, %d of them running", len(pods), running)
	})
}
