package e2e

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// leaseNamespace holds the leases of leaders.
const leaseNamespace = "kube-system"

// ha is a virtual node with replicas.
type ha struct {
	*sandbox
	node, namespace string
	cloud           *openapi.Client
	replicas        []*vnode
}

// newHA cleans up in the order that ends well: the pods, while somebody runs who
// ends their groups; then the replicas; then the node.
func newHA(t *testing.T, s *sandbox, node string) *ha {
	t.Helper()
	h := &ha{sandbox: s, node: node, cloud: mustCloud(t, s)}
	t.Cleanup(func() {
		for _, v := range h.replicas {
			v.end(t)
		}
		if output, err := kubectl(context.Background(), s, "delete", "node", node, "--ignore-not-found"); err != nil {
			t.Errorf("delete node %s: %v\n%s", node, err, output)
		}
	})
	h.namespace = mustNamespace(t, s)
	return h
}

// mustRun starts a replica.
func (h *ha) mustRun(t *testing.T, identity string) *vnode {
	t.Helper()
	return h.mustRunWith(t, "--leader-elect", "--leader-elect-identity="+identity)
}

func (h *ha) mustRunWith(t *testing.T, args ...string) *vnode {
	t.Helper()
	v := mustRunVNode(t, h.sandbox, h.node, args...)
	h.replicas = append(h.replicas, v)
	return v
}

// leader is who holds the lease, "" for nobody.
func (h *ha) leader(t *testing.T) string {
	t.Helper()
	lease, err := h.client.CoordinationV1().Leases(leaseNamespace).Get(t.Context(), "eci-vnode-"+h.node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return *lease.Spec.HolderIdentity
}

func (h *ha) awaitLeader(t *testing.T, identity string) {
	t.Helper()
	eventually(t, "leader "+identity, func() string {
		if got := h.leader(t); got != identity {
			return fmt.Sprintf("it is %q", got)
		}
		return ""
	})
}

// groupsOf returns the live group of every pod, and fails on a pod with two.
func (h *ha) groupsOf(t *testing.T) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for uid, groups := range mustLiveGroups(t, h.cloud, h.namespace) {
		if len(groups) > 1 {
			t.Fatalf("pod %s has %d live groups: %v", uid, len(groups), groups)
		}
		ids[uid] = groups[0].ContainerGroupID
	}
	return ids
}

// awaitOneGroupEach waits until there are that many pods, all running, and not a
// group beside theirs.
func (h *ha) awaitOneGroupEach(t *testing.T, pods int) map[string]string {
	t.Helper()
	var ids map[string]string
	eventually(t, fmt.Sprintf("%d pods running, each with its group", pods), func() string {
		ids = h.groupsOf(t)
		listed := mustListPods(t, h.sandbox, h.namespace)
		for i := range listed {
			if reason := notRunning(&listed[i]); reason != "" {
				return listed[i].Name + ": " + reason
			}
			if ids[string(listed[i].UID)] != listed[i].Annotations[annotationInstanceID] {
				return listed[i].Name + " does not name its group yet"
			}
		}
		if len(listed) != pods || len(ids) != pods {
			return fmt.Sprintf("%d pods, %d groups", len(listed), len(ids))
		}
		return ""
	})
	return ids
}

// awaitCreates waits until some groups of the latest pods are made.
func (h *ha) awaitCreates(t *testing.T, atLeast int) {
	t.Helper()
	eventually(t, "the first of the creates", func() string {
		if n := len(h.groupsOf(t)); n < atLeast {
			return fmt.Sprintf("%d groups", n)
		}
		return ""
	})
}

func TestAStandbyTakesOverFromALeaderThatIsKilledAndMakesNoGroupTwice(t *testing.T) {
	h := newHA(t, shared, "ha-killed")
	first := h.mustRun(t, "first")
	h.awaitLeader(t, "first")
	awaitNode(t, h.sandbox, h.node)
	h.mustRun(t, "second")
	mustBindPods(t, h.sandbox, h.namespace, h.node, "before", 20)
	h.awaitCreates(t, 5)
	first.mustSignal(t, syscall.SIGKILL)
	mustBindPods(t, h.sandbox, h.namespace, h.node, "after", 20)
	last := h.renewed(t)
	h.awaitLeader(t, "second")
	t.Logf("the standby held the lease %s after the last renewal of the leader that was killed", h.acquired(t).Sub(last.Time))
	h.awaitOneGroupEach(t, 40)
}

func (h *ha) lease(t *testing.T) (acquired, renewed metav1.MicroTime) {
	t.Helper()
	lease, err := h.client.CoordinationV1().Leases(leaseNamespace).Get(t.Context(), "eci-vnode-"+h.node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return *lease.Spec.AcquireTime, *lease.Spec.RenewTime
}

func (h *ha) acquired(t *testing.T) metav1.MicroTime { at, _ := h.lease(t); return at }
func (h *ha) renewed(t *testing.T) metav1.MicroTime  { _, at := h.lease(t); return at }

// TestALeaderThatWasStoppedDoesNothingWhenItWakesUp stops the leader between two
// of its calls, lets another work in its place, and continues it.
func TestALeaderThatWasStoppedDoesNothingWhenItWakesUp(t *testing.T) {
	h := newHA(t, shared, "ha-stopped")
	first := h.mustRun(t, "first")
	h.awaitLeader(t, "first")
	awaitNode(t, h.sandbox, h.node)
	h.mustRun(t, "second")
	mustBindPods(t, h.sandbox, h.namespace, h.node, "before", 40)
	h.awaitCreates(t, 5)
	first.mustSignal(t, syscall.SIGSTOP)
	h.awaitLeader(t, "second")
	h.awaitOneGroupEach(t, 40)

	// What the first still has to do is not the truth any more.
	mustKubectl(t, h.sandbox, "delete", "pod", "-n", h.namespace, "before-0", "before-1", "before-2")
	mustBindPods(t, h.sandbox, h.namespace, h.node, "after", 10)
	before := h.awaitOneGroupEach(t, 47)
	first.mustSignal(t, syscall.SIGCONT)
	if status := first.mustEnd(t); status == 0 {
		t.Error("the deposed leader ended as if nothing had happened")
	}
	if got := h.leader(t); got != "second" {
		t.Errorf("the leader is %q", got)
	}
	after := h.awaitOneGroupEach(t, 47)
	for uid, id := range before {
		if after[uid] != id {
			t.Errorf("the group of pod %s was %s and is %s", uid, id, after[uid])
		}
	}
}

func TestAStoppedNodeHandsOverAtOnceAndLeavesItsPodsRunning(t *testing.T) {
	h := newHA(t, shared, "ha-term")
	first := h.mustRun(t, "first")
	h.awaitLeader(t, "first")
	awaitNode(t, h.sandbox, h.node)
	mustBindPods(t, h.sandbox, h.namespace, h.node, "web", 20)
	before := h.awaitOneGroupEach(t, 20)

	first.mustSignal(t, syscall.SIGTERM)
	if status := first.mustEnd(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if got := h.leader(t); got != "" {
		t.Errorf("%q has ended and holds the lease", got)
	}
	if got := h.groupsOf(t); len(got) != len(before) {
		t.Errorf("%d groups are left of %d", len(got), len(before))
	}
	h.mustRun(t, "second")
	h.awaitLeader(t, "second")
	mustBindPods(t, h.sandbox, h.namespace, h.node, "more", 5)
	after := h.awaitOneGroupEach(t, 25)
	for uid, id := range before {
		if after[uid] != id {
			t.Errorf("the group of pod %s was %s and is %s", uid, id, after[uid])
		}
	}
}

func TestADrainedNodeHasNoGroupLeftAndTakesNoPods(t *testing.T) {
	h := newHA(t, shared, "drained")
	h.mustRunWith(t)
	awaitNode(t, h.sandbox, h.node)
	mustBindPods(t, h.sandbox, h.namespace, h.node, "web", 5)
	h.awaitOneGroupEach(t, 5)
	mustKubectl(t, h.sandbox, "drain", h.node, "--force", "--delete-emptydir-data", "--ignore-daemonsets")
	if groups := h.groupsOf(t); len(groups) != 0 {
		t.Errorf("drain has returned and %d groups live", len(groups))
	}
	node, err := h.client.CoreV1().Nodes().Get(t.Context(), h.node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !node.Spec.Unschedulable {
		t.Error("the node is schedulable")
	}
}

func TestADeletedNodeThatRunsComesBackWithItsPods(t *testing.T) {
	h := newHA(t, shared, "deleted")
	h.mustRunWith(t)
	awaitNode(t, h.sandbox, h.node)
	mustBindPods(t, h.sandbox, h.namespace, h.node, "web", 3)
	before := h.awaitOneGroupEach(t, 3)
	mustKubectl(t, h.sandbox, "delete", "node", h.node)
	awaitNode(t, h.sandbox, h.node)
	after := h.awaitOneGroupEach(t, 3)
	for uid, id := range before {
		if after[uid] != id {
			t.Errorf("the group of pod %s was %s and is %s", uid, id, after[uid])
		}
	}
}

func TestAGivenUpNodeIsReapedFromOutside(t *testing.T) {
	h := newHA(t, shared, "given-up")
	v := h.mustRunWith(t)
	awaitNode(t, h.sandbox, h.node)
	mustBindPods(t, h.sandbox, h.namespace, h.node, "web", 3)
	h.awaitOneGroupEach(t, 3)
	v.mustSignal(t, syscall.SIGKILL)
	v.mustEnd(t)
	zero := int64(0)
	for _, pod := range mustListPods(t, h.sandbox, h.namespace) {
		if err := h.client.CoreV1().Pods(h.namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero}); err != nil {
			t.Fatal(err)
		}
	}
	if output, status := h.reap(t, "--grace=1s"); status != 1 || !strings.Contains(output, "3 of 3") {
		t.Errorf("looking: status %d\n%s", status, output)
	}
	if output, status := h.reap(t, "--yes", "--grace=1s"); status != 2 || len(h.groupsOf(t)) != 3 {
		t.Errorf("without --all: status %d, %d groups\n%s", status, len(h.groupsOf(t)), output)
	}
	if output, status := h.reap(t, "--yes", "--all", "--grace=1s"); status != 0 {
		t.Errorf("with --all: status %d\n%s", status, output)
	}
	eventually(t, "the groups gone", func() string {
		if n := len(h.groupsOf(t)); n > 0 {
			return fmt.Sprintf("%d are left", n)
		}
		return ""
	})
}

// reap runs `eci-vnode reap` for the node.
func (h *ha) reap(t *testing.T, args ...string) (output string, status int) {
	t.Helper()
	return mustRunOnce(t, h.sandbox, append([]string{"reap", "--nodename=" + h.node}, args...)...)
}

func TestCheckPassesInTheSandboxAndNamesAMissingRight(t *testing.T) {
	args := []string{"check", "--leader-elect", "--vswitch=vsw-sandbox", "--security-group=sg-sandbox"}
	if output, status := mustRunOnce(t, shared, args...); status != 0 || !strings.Contains(output, "0 failed") {
		t.Errorf("status %d\n%s", status, output)
	}
	output, status := mustRunOnce(t, shared, append(args, "--kubeconfig="+shared.path("kubeconfig"), "--as=system:serviceaccount:default:default")...)
	if status != 1 || !strings.Contains(output, "kubectl auth can-i patch nodes") {
		t.Errorf("as somebody without rights: status %d\n%s", status, output)
	}
}
