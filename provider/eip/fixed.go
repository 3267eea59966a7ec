package eip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// fixed returns the EIP that the pods of this name have, nil when one is to be
// bought. mine is the one that carries their tags, which a crash may have left
// without a record.
func (r *Reconciler) fixed(ctx context.Context, view *view, pod Pod, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	if !r.records.collectable() {
		return nil, errNoRecords
	}
	record, err := view.get(ctx, pod.Object.Namespace, pod.Object.Name)
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
	case a != nil && r.belongsTo(*a, pod):
		return a, nil
	case a != nil && mine != nil:
		return mine, nil // the record was changed: it is put right with the next step
	case a != nil:
		return nil, &holderError{fmt.Sprintf("EIP %s, which PodEIP %s/%s names, was not bought for this pod: delete the PodEIP, or put its allocationID right", a.AllocationID, record.Namespace, record.Name)}
	}
	attempt := r.recall(pod.uid()).attempt
	r.missed(pod)
	if r.recall(pod.uid()).attempt == attempt {
		return nil, waitFor("EIP " + record.Spec.AllocationID + " to be listed")
	}
	return mine, nil // somebody else released it: the record gets another one
}

// collection is what the last look at the records has found.
type collection struct {
	// mayHave says that there may be records that this node is to collect, ending
	// that one of them is on its way out.
	mayHave, ending bool
}

// collects reports whether the records are to be looked at in this turn: at every
// collection, but only where there are any, and while one is on its way out.
func (r *Reconciler) collects(collect bool, pods []Pod, owned []vpc.EIPAddress) bool {
	if !r.records.collectable() || !collect && !r.collection.ending {
		return false
	}
	wants := func(pod Pod) bool { return pod.Want != nil && pod.Want.IsFixed() }
	return r.collection.mayHave || slices.ContainsFunc(pods, wants) || slices.ContainsFunc(owned, isFixed)
}

// collectRecords gives back what was kept for pods that have not come again in
// their time, or whose record was deleted.
func (r *Reconciler) collectRecords(ctx context.Context, view *view, pods []Pod, owned []vpc.EIPAddress) error {
	found, err := view.toCollect(ctx)
	if err != nil {
		return err
	}
	r.collection = collection{mayHave: len(found) > 0}
	for _, record := range found {
		if record.isDeleting() {
			r.collection.ending = true
			err = errors.Join(err, r.endRecord(ctx, view, record, pods))
			continue
		}
		err = errors.Join(err, r.collectRecord(ctx, view, record, pods, owned))
	}
	return err
}

// collectRecord notes that the pod was seen, or ends a record whose time is
// over. owned is what the account showed at the start of the turn.
func (r *Reconciler) collectRecord(ctx context.Context, view *view, record *PodEIP, pods []Pod, owned []vpc.EIPAddress) error {
	now := r.deps.Clock.Now()
	present := holderOf(record, pods) != nil
	if !present {
		if record.Spec.AllocationType.ReleaseStrategy != request.StrategyTTL {
			return nil // kept for ever: whether the pod is elsewhere is of no matter
		}
		over, err := r.deps.Pods.PodOver(ctx, record.Namespace, record.Name, "")
		if err != nil {
			return err
		}
		present = !over
	}
	switch {
	case present && now.Sub(record.lastSeen()) >= r.refreshPeriod(record):
		for _, a := range owned {
			if a.AllocationID == record.Spec.AllocationID && r.guard.owns(a, ownerOfRecord(record)) {
				return view.show(ctx, record, &a, record.Status.PrivateIPAddress, now)
			}
		}
	case !present && record.isOver(now, r.cfg.CollectionPeriod):
		log.G(ctx).WithFields(log.Fields{"namespace": record.Namespace, "pod": record.Name, "eip": record.Spec.AllocationID}).
			Info("no pod of this name came again in time; its EIP is given back")
		r.collection.ending = true
		return view.remove(ctx, record)
	}
	return nil
}

// refreshPeriod is how old the time that a record notes for its pod may be: where
// the address is kept for ever nothing follows from it.
func (r *Reconciler) refreshPeriod(record *PodEIP) time.Duration {
	if record.Spec.AllocationType.ReleaseStrategy == request.StrategyTTL {
		return r.cfg.CollectionPeriod
	}
	return 10 * r.cfg.CollectionPeriod
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
func (r *Reconciler) endRecord(ctx context.Context, view *view, record *PodEIP, pods []Pod) error {
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: record.Spec.AllocationID})
	if err != nil {
		return err
	}
	who := ownerOfRecord(record)
	switch {
	case a != nil && !r.guard.owns(*a, who):
		log.G(ctx).WithFields(log.Fields{"namespace": record.Namespace, "pod": record.Name, "eip": a.AllocationID}).
			Warn("a PodEIP that is being deleted names an EIP that was not bought for its pods; the EIP is left alone")
	case a != nil:
		if holder := holderOf(record, pods); holder != nil && holder.ENI != "" && a.InstanceID == holder.ENI {
			return nil // it ends with the pod
		}
		if err := r.release(ctx, *a, who, pods); err != nil {
			if errors.Is(err, errWait) {
				return nil
			}
			return err
		}
	}
	return view.letGo(ctx, record)
}
