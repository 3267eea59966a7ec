package vnode

import (
	"context"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// libraryAnnotationPrefix begins the annotations with which virtual-kubelet's
// library remembers what it wrote on a Node.
const libraryAnnotationPrefix = "virtual-kubelet.io/last-applied-"

// heartbeatAge is how old the last heartbeat in a Node that is alive can be: a
// kubelet that has nothing to report writes one every 5 minutes.
const heartbeatAge = 6 * time.Minute

// ForeignNodeError is returned by Run if the Node of this name is kept by somebody
// else. Nothing has been written, and no pod has been touched.
type ForeignNodeError struct {
	// Node is its name.
	Node string
	// Keeper describes who keeps it and how that shows.
	Keeper string
	// Alive reports whether the keeper gave a sign of life recently.
	Alive bool
}

func (e *ForeignNodeError) Error() string {
	advice := fmt.Sprintf("choose another name for the virtual node, or remove that node from the cluster first (kubectl delete node %s)", e.Node)
	if !e.Alive {
		advice = fmt.Sprintf("if that machine is gone for good, delete its Node (kubectl delete node %s); otherwise choose another name for the virtual node", e.Node)
	}
	return fmt.Sprintf("the Node %q is kept by %s and is not taken over: %s", e.Node, e.Keeper, advice)
}

// checkOwner returns a ForeignNodeError if the Node, which exists, is kept by
// somebody else. Any other error means that it could not be found out.
func (k *nodeKeeper) checkOwner(ctx context.Context, n *corev1.Node) error {
	lease, err := k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, k.cfg.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("get the lease of node %s: %w", k.cfg.Name, err)
	}
	if foreign := foreignKeeper(n, lease, k.clock.Now()); foreign != nil {
		return foreign
	}
	return nil
}

// foreignKeeper returns who keeps a Node that is not a virtual one, or nil. A
// virtual node may be taken over whoever left it behind: an earlier life of this
// program, another replica, another provider of virtual-kubelet.
func foreignKeeper(n *corev1.Node, lease *coordinationv1.Lease, now time.Time) *ForeignNodeError {
	sign, alive := signOfLife(n, lease, now)
	machine := describeMachine(n.Status.NodeInfo)
	switch virtual := isVirtual(n); {
	case machine != "" && !virtual:
		return &ForeignNodeError{Node: n.Name, Keeper: "a kubelet on a machine (" + machine + "; " + sign + ")", Alive: alive}
	case n.Status.NodeInfo.BootID != "" && alive && wroteReady(n):
		// Versions before this check took over the Nodes of real kubelets. The boot
		// tells these from other virtual nodes, which may name a runtime.
		return &ForeignNodeError{Node: n.Name, Keeper: "a kubelet on a machine (" + machine + "; " + sign + "), though a virtual node took it over before", Alive: true}
	case machine == "" && !virtual && alive:
		return &ForeignNodeError{Node: n.Name, Keeper: "something that is no virtual node (" + sign + ")", Alive: true}
	}
	return nil
}

// isVirtual reports whether a Node carries a mark of a virtual-kubelet: its label,
// an annotation of its library, or ours.
func isVirtual(n *corev1.Node) bool {
	if n.Labels[labelType] == labelTypeValue || n.Annotations[annotationVirtual] != "" {
		return true
	}
	for key := range n.Annotations {
		if strings.HasPrefix(key, libraryAnnotationPrefix) { // annotationTaints as well
			return true
		}
	}
	return false
}

// describeMachine returns what a kubelet tells about the machine that it runs on. A
// virtual node has none.
func describeMachine(info corev1.NodeSystemInfo) string {
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"machine", info.MachineID}, {"boot", info.BootID}, {"runtime", info.ContainerRuntimeVersion}, {"kernel", info.KernelVersion},
	} {
		if part.value != "" {
			parts = append(parts, part.name+" "+part.value)
		}
	}
	if len(parts) > 0 && info.KubeletVersion != "" {
		parts = append(parts, "kubelet "+info.KubeletVersion)
	}
	return strings.Join(parts, ", ")
}

// wroteReady reports whether a kubelet, and not a virtual one, wrote the condition
// Ready last.
func wroteReady(n *corev1.Node) bool {
	i := nodeConditionIndex(n.Status.Conditions, corev1.NodeReady)
	if i < 0 {
		return false
	}
	ready := n.Status.Conditions[i]
	return ready.Reason == "KubeletNotReady" || ready.Reason == reasonReady && ready.Message != messageReady
}

// signOfLife describes the last sign of life of who keeps a Node, and reports
// whether that was recent.
func signOfLife(n *corev1.Node, lease *coordinationv1.Lease, now time.Time) (sign string, alive bool) {
	if lease != nil && lease.Spec.RenewTime != nil {
		age := now.Sub(lease.Spec.RenewTime.Time)
		sign = fmt.Sprintf("its lease was renewed %s ago by %q", age.Round(time.Second), ptr.Deref(lease.Spec.HolderIdentity, ""))
		if age < time.Duration(ptr.Deref(lease.Spec.LeaseDurationSeconds, 40))*time.Second {
			return sign, true
		}
	}
	if i := nodeConditionIndex(n.Status.Conditions, corev1.NodeReady); i >= 0 {
		ready := n.Status.Conditions[i]
		age := now.Sub(ready.LastHeartbeatTime.Time)
		// Unknown is what the node lifecycle controller writes about a silent node.
		if alive := ready.Status != corev1.ConditionUnknown && age < heartbeatAge; alive || sign == "" {
			return fmt.Sprintf("its last heartbeat was %s ago", age.Round(time.Second)), alive
		}
	}
	if sign == "" {
		sign = "without a heartbeat"
	}
	return sign, false
}
