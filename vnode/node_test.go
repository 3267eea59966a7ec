package vnode

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// conditioned is a provider with node conditions.
type conditioned struct {
	*testProvider
	conditions func() []corev1.NodeCondition
}

func (p conditioned) NodeConditions(context.Context) []corev1.NodeCondition { return p.conditions() }

func mustGetNode(t *testing.T, c *cluster) *corev1.Node {
	t.Helper()
	n, err := c.CoreV1().Nodes().Get(t.Context(), "vk", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNodeLooksAsUsersOfTheFirstProviderKnowIt(t *testing.T) {
	c := newCluster(t)
	cfg := quickConfig()
	cfg.Node.Arch, cfg.Node.Region, cfg.Node.Zone = "amd64", "cn-hangzhou", "cn-hangzhou-k"
	cfg.Node.Labels = map[string]string{"team": "a", "type": "other"}
	cfg.Node.Annotations = map[string]string{"note": "x"}
	cfg.Node.Taints = []corev1.Taint{{Key: "virtual-kubelet.io/provider", Value: "test", Effect: corev1.TaintEffectNoSchedule}}
	mustBeReady(t, mustStart(t, cfg, c, newTestProvider()))
	eventually(t, "node is Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
	n := mustGetNode(t, c)

	want := map[string]string{
		"type": "other", "team": "a",
		"kubernetes.io/role": "agent", "kubernetes.io/hostname": "vk",
		"kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux",
		"kubernetes.io/arch": "amd64", "beta.kubernetes.io/arch": "amd64",
		"topology.kubernetes.io/region": "cn-hangzhou", "failure-domain.beta.kubernetes.io/region": "cn-hangzhou",
		"topology.kubernetes.io/zone": "cn-hangzhou-k", "failure-domain.beta.kubernetes.io/zone": "cn-hangzhou-k",
		"node.kubernetes.io/exclude-from-external-load-balancers": "true",
	}
	if diff := cmp.Diff(want, n.Labels); diff != "" {
		t.Errorf("labels: %s", diff)
	}
	if n.Annotations["note"] != "x" {
		t.Errorf("annotations = %v", n.Annotations)
	}
	if diff := cmp.Diff(cfg.Node.Taints, n.Spec.Taints); diff != "" {
		t.Errorf("taints: %s", diff)
	}
	for conditionType, status := range map[corev1.NodeConditionType]corev1.ConditionStatus{
		corev1.NodeReady: corev1.ConditionTrue, corev1.NodeMemoryPressure: corev1.ConditionFalse, corev1.NodeDiskPressure: corev1.ConditionFalse,
		corev1.NodePIDPressure: corev1.ConditionFalse, corev1.NodeNetworkUnavailable: corev1.ConditionFalse,
	} {
		i := nodeConditionIndex(n.Status.Conditions, conditionType)
		if i < 0 || n.Status.Conditions[i].Status != status || n.Status.Conditions[i].LastHeartbeatTime.IsZero() {
			t.Errorf("condition %s is not %s: %+v", conditionType, status, n.Status.Conditions)
		}
	}
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}, {Type: corev1.NodeHostName, Address: "vk"}}
	if diff := cmp.Diff(addresses, n.Status.Addresses); diff != "" {
		t.Errorf("addresses: %s", diff)
	}
	if n.Status.DaemonEndpoints.KubeletEndpoint.Port == 0 || n.Status.NodeInfo.KubeletVersion != cfg.Node.Version {
		t.Errorf("endpoint %+v, info %+v", n.Status.DaemonEndpoints, n.Status.NodeInfo)
	}
	if n.Status.Capacity.Cpu().Cmp(*n.Status.Allocatable.Cpu()) != 0 || n.Status.Capacity.Cpu().IsZero() {
		t.Errorf("capacity %v, allocatable %v", n.Status.Capacity, n.Status.Allocatable)
	}
	eventually(t, "lease is held", func() bool {
		lease, err := c.CoordinationV1().Leases("kube-node-lease").Get(t.Context(), "vk", metav1.GetOptions{})
		return err == nil && *lease.Spec.HolderIdentity == "vk" && *lease.Spec.LeaseDurationSeconds == 40
	})
}

func TestDeletedNodeIsCreatedAgain(t *testing.T) {
	c := newCluster(t)
	cfg := quickConfig()
	cfg.Node.Taints = []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoSchedule}}
	mustBeReady(t, mustStart(t, cfg, c, newTestProvider()))
	eventually(t, "node is Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
	if err := c.CoreV1().Nodes().Delete(t.Context(), "vk", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "node is back and Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
	if n := mustGetNode(t, c); len(n.Spec.Taints) != 1 || n.Labels["type"] != "virtual-kubelet" {
		t.Errorf("node came back as %+v", n)
	}
}

func TestReadyOfTheNodeFlippedByOthersIsWrittenAgain(t *testing.T) {
	c := newCluster(t)
	mustBeReady(t, mustStart(t, quickConfig(), c, newTestProvider()))
	eventually(t, "node is Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
	n := mustGetNode(t, c)
	n.Status.Conditions[nodeConditionIndex(n.Status.Conditions, corev1.NodeReady)].Status = corev1.ConditionUnknown
	if _, err := c.CoreV1().Nodes().UpdateStatus(t.Context(), n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "node is Ready again", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
}

func TestRegistrationIsRetried(t *testing.T) {
	c, failures := newCluster(t), atomic.Int32{}
	c.PrependReactor("create", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		if failures.Add(1) == 1 {
			return true, nil, apierrors.NewServiceUnavailable("etcd")
		}
		return false, nil, nil
	})
	mustBeReady(t, mustStart(t, quickConfig(), c, newTestProvider()))
}

func TestConditionsOfTheProviderAreShownAndLeaveAgain(t *testing.T) {
	c, state := newCluster(t), atomic.Int32{}
	p := conditioned{newTestProvider(), func() []corev1.NodeCondition {
		switch state.Load() {
		case 0:
			panic("nil map") // must not take the node down
		case 1:
			return []corev1.NodeCondition{
				{Type: "CredentialsValid", Status: corev1.ConditionFalse, Reason: "Expired"},
				{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "NoCredentials"},
			}
		default:
			return nil
		}
	}}
	v := mustStart(t, quickConfig(), c, p)
	eventually(t, "panic was counted", func() bool {
		return counterValue(t, v.calls.metrics.panics.WithLabelValues(opConditions)) > 0
	})
	state.Store(1)
	eventually(t, "node tells what is wrong", func() bool { return readyOf(c).Reason == "NoCredentials" })
	if n := mustGetNode(t, c); nodeConditionIndex(n.Status.Conditions, "CredentialsValid") < 0 {
		t.Errorf("conditions = %+v", n.Status.Conditions)
	}
	state.Store(2)
	eventually(t, "node is Ready", func() bool { return readyOf(c).Status == corev1.ConditionTrue })
	eventually(t, "condition left", func() bool {
		return nodeConditionIndex(mustGetNode(t, c).Status.Conditions, "CredentialsValid") < 0
	})
}

func TestNode_ReadyStaysWhileTheProviderRecovers(t *testing.T) {
	c := newCluster(t)
	existing := nodeObject(quickConfig().Node, 1)
	existing.Status.Conditions = nodeConditions(true, nil)
	if _, err := c.CoreV1().Nodes().Create(t.Context(), existing, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	attempts := atomic.Int32{}
	p := recovering{testProvider: newTestProvider()}
	p.answer = func([]*corev1.Pod) error { attempts.Add(1); return errors.New("cloud unreachable") }
	mustStart(t, quickConfig(), c, p)
	eventually(t, "node was taken over", func() bool {
		return mustGetNode(t, c).Status.DaemonEndpoints.KubeletEndpoint.Port != 1
	})
	eventually(t, "recovery is retried", func() bool { return attempts.Load() > 1 })
	for _, a := range c.Actions() {
		if patch, ok := a.(clienttesting.PatchAction); ok && strings.Contains(string(patch.GetPatch()), `"Recovering"`) {
			t.Errorf("a node that was Ready was told unready: %s", patch.GetPatch())
		}
	}
	if r := readyOf(c); r.Status != corev1.ConditionTrue {
		t.Errorf("Ready is %s (%s)", r.Status, r.Reason)
	}
}

func TestTransitionTimesOfTheNodeOutliveARestart(t *testing.T) {
	c := newCluster(t)
	long := metav1.NewTime(time.Unix(1600000000, 0))
	existing := nodeObject(quickConfig().Node, 1)
	existing.Status.Conditions = nodeConditions(true, nil)
	for i := range existing.Status.Conditions {
		existing.Status.Conditions[i].LastTransitionTime = long
	}
	if _, err := c.CoreV1().Nodes().Create(t.Context(), existing, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	mustBeReady(t, mustStart(t, quickConfig(), c, newTestProvider()))
	eventually(t, "node was taken over", func() bool {
		return mustGetNode(t, c).Status.DaemonEndpoints.KubeletEndpoint.Port != 1
	})
	n := mustGetNode(t, c)
	i := nodeConditionIndex(n.Status.Conditions, corev1.NodeDiskPressure)
	if got := n.Status.Conditions[i].LastTransitionTime; !got.Equal(&long) {
		t.Errorf("transition time = %s, want %s", got, long)
	}
}

func TestKeptTransitionsMoveWithTheStatusOnly(t *testing.T) {
	then, now := metav1.NewTime(time.Unix(1000, 0)), metav1.NewTime(time.Unix(2000, 0))
	before := []corev1.NodeCondition{{Type: "A", Status: "True", LastTransitionTime: then}, {Type: "B", Status: "True", LastTransitionTime: then}}
	after := []corev1.NodeCondition{{Type: "A", Status: "True", Reason: "New"}, {Type: "B", Status: "False"}}
	if !keepTransitions(before, after, now) {
		t.Error("no change seen")
	}
	if !after[0].LastTransitionTime.Equal(&then) || !after[1].LastTransitionTime.Equal(&now) {
		t.Errorf("after = %+v", after)
	}
	if keepTransitions(after, append([]corev1.NodeCondition(nil), after...), now) {
		t.Error("change seen where there is none")
	}
}

func TestConfiguredTaintsComeAndGoAndThoseOfOthersStay(t *testing.T) {
	c := newCluster(t)
	added := metav1.NewTime(time.Unix(1000, 0))
	lifecycle := corev1.Taint{Key: "node.kubernetes.io/not-ready", Effect: corev1.TaintEffectNoExecute, TimeAdded: &added}
	existing := nodeObject(quickConfig().Node, 1)
	existing.Annotations = map[string]string{annotationTaints: "old:NoSchedule,kept:NoSchedule"}
	existing.Spec.Taints = []corev1.Taint{
		lifecycle,
		{Key: "old", Effect: corev1.TaintEffectNoSchedule},
		{Key: "kept", Value: "1", Effect: corev1.TaintEffectNoSchedule},
		{Key: "foreign", Effect: corev1.TaintEffectNoSchedule},
	}
	if _, err := c.CoreV1().Nodes().Create(t.Context(), existing, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	conflicts := atomic.Int32{}
	c.PrependReactor("patch", "nodes", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() == "" && conflicts.Add(1) == 1 {
			return true, nil, apierrors.NewConflict(corev1.Resource("nodes"), "vk", nil)
		}
		return false, nil, nil
	})
	cfg := quickConfig()
	cfg.Node.Taints = []corev1.Taint{{Key: "kept", Value: "2", Effect: corev1.TaintEffectNoSchedule}, {Key: "new", Effect: corev1.TaintEffectNoExecute}}
	mustBeReady(t, mustStart(t, cfg, c, newTestProvider()))
	want := []corev1.Taint{
		lifecycle,
		{Key: "kept", Value: "2", Effect: corev1.TaintEffectNoSchedule},
		{Key: "foreign", Effect: corev1.TaintEffectNoSchedule},
		{Key: "new", Effect: corev1.TaintEffectNoExecute},
	}
	if diff := cmp.Diff(want, mustGetNode(t, c).Spec.Taints); diff != "" {
		t.Error(diff)
	}
}
