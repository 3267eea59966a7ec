package eip

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// fixed returns the EIP that the pods of this name have, nil when one is to be
// bought. mine is the one that carries their tags, which a crash may have left
// without a record.
func (r *Reconciler) fixed(ctx context.Context, pod Pod, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	if !r.records.collectable() {
		return nil, errNoRecords
	}
	record, err := r.records.get(ctx, pod.Object.Namespace, pod.Object.Name)
	switch {
	case err != nil:
		return nil, err
	case record == nil:
		return mine, nil
	case !record.isOurs():
		return nil, &holderError{fmt.Sprintf("PodEIP %s/%s belongs to %q", record.Namespace, record.Name, record.Annotations[annotationController])}
	case record.isDeleting() && (mine == nil || mine.InstanceID != pod.ENI):
		return nil, waitFor("PodEIP " + record.Name + ", which is being deleted, to be gone")
	case mine != nil && mine.AllocationID == record.Spec.AllocationID:
		return mine, nil
	}
	return r.recorded(ctx, pod, record, mine)
}

// recorded reads the EIP that a record names: one that another node looked
// after until now, or that is not there any more.
func (r *Reconciler) recorded(ctx context.Context, pod Pod, record *PodEIP, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: record.Spec.AllocationID})
	switch {
	case err != nil:
		return nil, err
	case a != nil && !r.isOurs(*a):
		return nil, &holderError{fmt.Sprintf("EIP %s of PodEIP %s does not carry our tags", a.AllocationID, record.Name)}
	case a != nil:
		return a, nil
	}
	attempt := r.recall(pod.uid()).attempt
	r.missed(pod)
	if r.recall(pod.uid()).attempt == attempt {
		return nil, waitFor("EIP " + record.Spec.AllocationID + " to be listed")
	}
	return mine, nil // somebody else released it: the record gets another one
}

// collectRecords gives back what was kept for pods that have not come again in
// their time, or whose record was deleted.
func (r *Reconciler) collectRecords(ctx context.Context, pods []Pod, owned []vpc.EIPAddress) (moving bool, err error) {
	found, err := r.records.list(ctx)
	for _, record := range found {
		if record.isDeleting() {
			moving = true
			err = errors.Join(err, r.endRecord(ctx, record, pods))
			continue
		}
		err = errors.Join(err, r.collectRecord(ctx, record, pods, owned))
	}
	return moving, err
}

// collectRecord notes that the pod was seen, or ends a record whose time is
// over. owned is what the account showed at the start of the turn.
func (r *Reconciler) collectRecord(ctx context.Context, record *PodEIP, pods []Pod, owned []vpc.EIPAddress) error {
	now := r.deps.Clock.Now()
	present := holderOf(record, pods) != nil
	if !present {
		over, err := r.deps.Pods.PodOver(ctx, record.Namespace, record.Name, "")
		if err != nil {
			return err
		}
		present = !over
	}
	switch {
	case present && now.Sub(record.lastSeen()) >= r.cfg.CollectionPeriod:
		for _, a := range owned {
			if a.AllocationID == record.Spec.AllocationID {
				return r.records.show(ctx, record, &a, record.Status.PrivateIPAddress, now)
			}
		}
	case !present && record.isOver(now, r.cfg.CollectionPeriod):
		log.G(ctx).WithFields(log.Fields{"namespace": record.Namespace, "pod": record.Name, "eip": record.Spec.AllocationID}).
			Info("no pod of this name came again in time; its EIP is given back")
		return r.records.remove(ctx, record)
	}
	return nil
}

// holderOf returns the living pod that a record is for.
func holderOf(record *PodEIP, pods []Pod) *Pod {
	for i, pod := range pods {
		if pod.Object.Namespace == record.Namespace && pod.Object.Name == record.Name && !pod.Ended {
			return &pods[i]
		}
	}
	return nil
}

// endRecord gives back the EIP of a record that was deleted, once no pod uses
// it, and lets the record go.
func (r *Reconciler) endRecord(ctx context.Context, record *PodEIP, pods []Pod) error {
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: record.Spec.AllocationID})
	if err != nil {
		return err
	}
	if a != nil && r.isOurs(*a) {
		if holder := holderOf(record, pods); holder != nil && holder.ENI != "" && a.InstanceID == holder.ENI {
			return nil // it ends with the pod
		}
		if err := r.release(ctx, *a, pods); err != nil {
			if errors.Is(err, errWait) {
				return nil
			}
			return err
		}
	}
	return r.records.letGo(ctx, record)
}
