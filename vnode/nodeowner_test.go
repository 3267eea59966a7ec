package vnode

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
)

// nodeOf is a Node as somebody keeps it, with its last heartbeat at a time.
type nodeOf func(at time.Time) *corev1.Node

func realNode(at time.Time) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "vk", Labels: map[string]string{"kubernetes.io/hostname": "vk", "kubernetes.io/os": "linux"}},
		Status: corev1.NodeStatus{
			NodeInfo: corev1.NodeSystemInfo{
				MachineID: "ec2f", BootID: "9d1c", KernelVersion: "6.1.0", ContainerRuntimeVersion: "containerd://1.7.1", KubeletVersion: "v1.33.1",
			},
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status",
				LastHeartbeatTime: metav1.NewTime(at),
			}},
		},
	}
}

// takenOver is a real Node that an earlier version has written on.
func takenOver(at time.Time) *corev1.Node {
	n := realNode(at)
	n.Labels["type"] = "virtual-kubelet"
	return n
}

// ours is a Node as the program leaves it behind.
func ours(at time.Time) *corev1.Node {
	n := nodeObject(validConfig().Node, 10250)
	n.Status.Conditions = nodeConditions(true, nil)
	n.Status.Conditions[0].LastHeartbeatTime = metav1.NewTime(at)
	return n
}

// firstProviders is a Node of virtual-kubelet/alibabacloud-eci.
func firstProviders(at time.Time) *corev1.Node {
	n := realNode(at)
	n.Labels = map[string]string{"type": "virtual-kubelet", "kubernetes.io/role": "agent", "beta.kubernetes.io/os": "linux"}
	n.Status.NodeInfo = corev1.NodeSystemInfo{OperatingSystem: "Linux", Architecture: "amd64", KubeletVersion: "v1.11.2"}
	n.Status.Conditions[0].Message = "kubelet is ready."
	return n
}

func edited(of nodeOf, edit func(*corev1.Node)) nodeOf {
	return func(at time.Time) *corev1.Node {
		n := of(at)
		edit(n)
		return n
	}
}

func leaseOf(renewed time.Time) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: "vk"},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: ptr.To("vk"), LeaseDurationSeconds: ptr.To(int32(40)), RenewTime: ptr.To(metav1.NewMicroTime(renewed)),
		},
	}
}

func TestForeignKeeper_TellsMachinesFromVirtualNodes(t *testing.T) {
	relabelled := func(n *corev1.Node) { n.Labels["type"] = "other" }
	unready := func(n *corev1.Node) {
		n.Status.Conditions[0].Status, n.Status.Conditions[0].Reason = corev1.ConditionFalse, "KubeletNotReady"
	}
	for name, tc := range map[string]struct {
		node    nodeOf
		foreign bool // while its lease is renewed, or it has a recent heartbeat
		stale   bool // is it foreign when it has been silent for a day?
	}{
		"a kubelet's":                                {realNode, true, true},
		"a kubelet's that is not ready":              {edited(realNode, unready), true, true},
		"a kubelet's that was taken over":            {takenOver, true, false},
		"a kubelet's that was taken over, not ready": {edited(takenOver, unready), true, false},
		"ours":                       {ours, false, false},
		"ours with a label replaced": {edited(ours, relabelled), false, false},
		"ours on what was a kubelet's": {func(at time.Time) *corev1.Node {
			n := ours(at)
			n.Status.NodeInfo = realNode(at).Status.NodeInfo
			return n
		}, false, false},
		"the first provider's": {firstProviders, false, false},
		"another virtual-kubelet's with a runtime": {edited(firstProviders, func(n *corev1.Node) {
			n.Status.NodeInfo.ContainerRuntimeVersion = "remote://1"
		}), false, false},
		"one of the library without its label": {edited(firstProviders, func(n *corev1.Node) {
			n.Labels, n.Annotations = nil, map[string]string{"virtual-kubelet.io/last-applied-node-status": "{}"}
		}), false, false},
		"an unknown keeper's": {edited(firstProviders, func(n *corev1.Node) { n.Labels = nil }), true, false},
		"nobody's, made by hand": {func(time.Time) *corev1.Node {
			return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "vk"}}
		}, false, false},
	} {
		now := time.Unix(1800000000, 0)
		day := now.Add(-24 * time.Hour)
		for _, sight := range []struct {
			what  string
			node  *corev1.Node
			lease *coordinationv1.Lease
			want  bool
		}{
			{"its lease renewed", tc.node(now.Add(-4 * time.Minute)), leaseOf(now.Add(-5 * time.Second)), tc.foreign || name == "nobody's, made by hand"},
			{"a heartbeat and no lease", tc.node(now.Add(-4 * time.Minute)), nil, tc.foreign},
			{"an old lease", tc.node(day), leaseOf(day), tc.stale},
			{"nothing", tc.node(day), nil, tc.stale},
		} {
			foreign := foreignKeeper(sight.node, sight.lease, now)
			if (foreign != nil) != sight.want {
				t.Errorf("a Node that is %s, with %s: foreign %t, want %t (%v)", name, sight.what, foreign != nil, sight.want, foreign)
			}
		}
	}
}

func mustHaveNode(t *testing.T, c *cluster, n *corev1.Node, lease *coordinationv1.Lease) {
	t.Helper()
	if _, err := c.CoreV1().Nodes().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CoordinationV1().Leases(lease.Namespace).Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestRun_TakesOverNoNodeOfAKubelet(t *testing.T) {
	for name, renewed := range map[string]time.Time{"alive": time.Now(), "silent": time.Now().Add(-time.Hour)} {
		t.Run(name, func(t *testing.T) {
			c, p := newCluster(t), newTestProvider()
			mustHaveNode(t, c, realNode(renewed), leaseOf(renewed))
			pod := c.mustCreate(t, newPod("a"))
			c.ClearActions()
			v, err := New(quickConfig(), Deps{Client: c, Provider: p, Pods: NewPodInformer(c, "vk")})
			if err != nil {
				t.Fatal(err)
			}
			err = v.Run(t.Context())
			var foreign *ForeignNodeError
			if !errors.As(err, &foreign) || foreign.Alive != (name == "alive") {
				t.Fatalf("Run: %v", err)
			}
			for _, want := range []string{`"vk"`, "machine ec2f", "v1.33.1", "kubectl delete node vk", "choose another name"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if calls := p.allCalls(); len(calls) != 0 || c.pod(pod.Name).Status.Phase != corev1.PodPending {
				t.Errorf("its pods were touched: %v", calls)
			}
			for _, action := range c.Actions() {
				if resource := action.GetResource().Resource; action.GetVerb() != "get" && action.GetVerb() != "list" && action.GetVerb() != "watch" &&
					(resource == "nodes" || resource == "leases") {
					t.Errorf("%s of %s", action.GetVerb(), resource)
				}
			}
		})
	}
}

func TestRun_TouchesNoPodBeforeTheKeeperOfTheNodeIsKnown(t *testing.T) {
	c, p := newCluster(t), newTestProvider()
	mustHaveNode(t, c, realNode(time.Now()), leaseOf(time.Now()))
	c.mustCreate(t, newPod("a"))
	pods := NewPodInformer(c, "vk")
	failed := atomic.Bool{}
	c.PrependReactor("get", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		// The next attempt comes after a pause, in which known pods could be worked on.
		if pods.HasSynced() && !failed.CompareAndSwap(false, true) {
			return false, nil, nil
		}
		return true, nil, apierrors.NewServiceUnavailable("etcd")
	})
	v, err := New(quickConfig(), Deps{Client: c, Provider: p, Pods: pods})
	if err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignNodeError
	if err := v.Run(t.Context()); !errors.As(err, &foreign) || !failed.Load() {
		t.Errorf("Run: %v", err)
	}
	if calls := p.allCalls(); len(calls) != 0 {
		t.Errorf("the pods of the kubelet were touched: %v", calls)
	}
}

func TestRun_TakesOverVirtualNodes(t *testing.T) {
	for name, of := range map[string]nodeOf{"ours": ours, "the first provider's": firstProviders} {
		for state, renewed := range map[string]time.Time{"alive": time.Now(), "silent": time.Now().Add(-time.Hour)} {
			t.Run(name+", "+state, func(t *testing.T) {
				c := newCluster(t)
				mustHaveNode(t, c, of(renewed), leaseOf(renewed))
				v := mustStart(t, quickConfig(), c, newTestProvider())
				mustBeReady(t, v)
				v.stop()
				mustBeReady(t, mustStart(t, quickConfig(), c, newTestProvider())) // and again
			})
		}
	}
}
