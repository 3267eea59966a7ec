package eip

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// bind brings the EIP to the ENI of the pod; nil means that it is there. It
// never takes it from another holder: the ENI of a predecessor ends with its
// group and lets go by itself.
func (r *Reconciler) bind(ctx context.Context, pod Pod, a *vpc.EIPAddress) error {
	switch {
	case a.Status == vpc.StatusInUse && a.InstanceID == pod.ENI:
		return nil
	case a.Status == vpc.StatusInUse:
		return &holderError{fmt.Sprintf("EIP %s is bound to %s", a.AllocationID, a.InstanceID)}
	case a.Status != vpc.StatusAvailable:
		return waitFor(fmt.Sprintf("EIP %s, which is %s", a.AllocationID, a.Status))
	}
	err := r.guard.bind(ctx, *a, pod)
	switch {
	case err == nil:
		return waitFor("EIP " + a.AllocationID + " to be bound")
	case vpc.IsTargetTaken(err):
		return r.explainTaken(ctx, pod, a)
	case vpc.IsGone(err):
		r.missed(pod)
		return waitFor("EIP " + a.AllocationID + " to be listed")
	case vpc.IsEIPMoving(err), vpc.IsTargetNotReady(err), vpc.IsTargetGone(err):
		return waitFor(fmt.Sprintf("the network interface to take EIP %s: %v", a.AllocationID, err))
	}
	return fmt.Errorf("binding EIP %s to %s: %w", a.AllocationID, pod.ENI, err)
}

// explainTaken reads back which EIP the ENI has: it may be the pod's own, by an
// answer that was lost.
func (r *Reconciler) explainTaken(ctx context.Context, pod Pod, a *vpc.EIPAddress) error {
	there, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AssociatedInstanceType: vpc.InstanceTypeENI, AssociatedInstanceID: pod.ENI})
	switch {
	case err != nil:
		return err
	case there == nil || there.AllocationID == a.AllocationID || r.belongsTo(*there, pod):
		return waitFor("EIP " + a.AllocationID + " to be bound")
	}
	return &holderError{fmt.Sprintf("network interface %s has EIP %s already", pod.ENI, there.AllocationID)}
}

// reconcileSurplus takes one step for an EIP of ours that no pod here claims.
func (r *Reconciler) reconcileSurplus(ctx context.Context, view *view, a vpc.EIPAddress, pods []Pod) bool {
	logger := log.G(ctx).WithField("eip", a.AllocationID)
	surplus, err := r.isSurplus(ctx, view, a, pods)
	if err == nil && surplus {
		err = r.release(ctx, a, ownerInTags(a), pods)
		if err == nil {
			r.metrics.released.Inc()
			logger.Info("EIP released: no pod has a right to it")
			return false
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, errWait) || vpc.IsPassing(err) || eci.CodeOf(err) == "":
		logger.WithError(err).Debug("EIP not released yet")
		return true
	default: // such as one that somebody has made prepaid
		logger.WithError(err).Warn("an EIP that no pod has a right to cannot be given back, and is paid for; will try again at the next collection")
	}
	return false
}

// isSurplus says whether nobody has a right to the EIP. Where a pod is not
// known here, the API server decides.
func (r *Reconciler) isSurplus(ctx context.Context, view *view, a vpc.EIPAddress, pods []Pod) (bool, error) {
	who := ownerOf(a)
	if !isFixed(a) {
		for _, pod := range pods {
			if pod.uid() == who.UID {
				return true, nil // it has ended, wants none, or has another one
			}
		}
		return r.deps.Pods.PodOver(ctx, who.Namespace, who.PodName, who.UID)
	}
	keeps, err := view.keeps(ctx, who.Namespace, who.PodName, a.AllocationID)
	if err != nil || keeps {
		return false, err
	}
	for _, pod := range pods {
		if r.belongsTo(a, pod) && !pod.Ended {
			return true, nil // the pod has another one
		}
	}
	return r.deps.Pods.PodOver(ctx, who.Namespace, who.PodName, "")
}

// release takes the next step towards giving an EIP back; nil means that it is
// gone. It unbinds the EIP from a pod of this node only: any other holder keeps
// it, and the ENI of a pod that is gone lets go by itself.
func (r *Reconciler) release(ctx context.Context, a vpc.EIPAddress, who owner, pods []Pod) error {
	if a.Status == vpc.StatusInUse {
		return r.unbind(ctx, a, who, pods)
	}
	if a.Status != vpc.StatusAvailable {
		return waitFor(fmt.Sprintf("EIP %s, which is %s", a.AllocationID, a.Status))
	}
	if pkg := a.BandwidthPackageID; pkg != "" {
		err := r.guard.leave(ctx, a, who)
		if err != nil && !vpc.IsNotInPackage(err) {
			return fmt.Errorf("removing EIP %s from bandwidth package %s: %w", a.AllocationID, pkg, err)
		}
	}
	err := r.guard.release(ctx, a, who)
	if err != nil && !vpc.IsGone(err) {
		return fmt.Errorf("releasing EIP %s: %w", a.AllocationID, err)
	}
	return nil
}

// unbind begins to take the EIP from the pod of this node that has it.
func (r *Reconciler) unbind(ctx context.Context, a vpc.EIPAddress, who owner, pods []Pod) error {
	for _, pod := range pods {
		if pod.ENI != a.InstanceID {
			continue
		}
		err := r.guard.unbind(ctx, a, who)
		if err != nil && !vpc.IsEIPMoving(err) && !vpc.IsGone(err) && !vpc.IsTargetGone(err) {
			return fmt.Errorf("unbinding EIP %s: %w", a.AllocationID, err)
		}
		break
	}
	return waitFor(fmt.Sprintf("EIP %s, which is bound to %s", a.AllocationID, a.InstanceID))
}
