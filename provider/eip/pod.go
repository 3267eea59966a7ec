package eip

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// errWait says that the cloud has to do something first.
var errWait = errors.New("waiting")

// holderError says that somebody else has what the pod needs.
type holderError struct{ text string }

func (e *holderError) Error() string { return e.text }

// waitFor is errWait with the thing that is waited for.
func waitFor(what string) error { return fmt.Errorf("%w for %s", errWait, what) }

// reconcilePod takes one step for a pod. mine is the EIP that was bought for
// it, nil for none.
func (r *Reconciler) reconcilePod(ctx context.Context, view *view, pod Pod, mine *vpc.EIPAddress) bool {
	if pod.ENI == "" {
		if r.recall(pod.uid()).state.Reason != "" {
			return false
		}
		r.tell(pod, State{Network: pod.Want.Network, Reason: ReasonWaiting, Message: "waiting for the network interface of the container group"})
		return false
	}
	if r.deps.Clock.Now().Before(r.recall(pod.uid()).retryAt) {
		return false
	}
	a, err := r.step(ctx, view, pod, mine)
	state := stateOf(pod, a, err)
	r.count(pod, err)
	r.remember(pod.uid(), func(m *memory) { m.settled, m.eni = err == nil, pod.ENI })
	if err != nil && !errors.Is(err, errWait) {
		log.G(ctx).WithError(err).WithFields(log.Fields{"namespace": pod.Object.Namespace, "pod": pod.Object.Name, "uid": string(pod.uid())}).
			Warn("giving the pod its EIP failed; will try again")
	}
	r.tell(pod, state)
	return err != nil && r.recall(pod.uid()).retryAt.IsZero()
}

// stateOf says what became of a step.
func stateOf(pod Pod, a *vpc.EIPAddress, err error) State {
	state := State{Network: pod.Want.Network, ENI: pod.ENI, Reason: ReasonSucceeded}
	if a != nil {
		state.AllocationID, state.Address = a.AllocationID, a.IPAddress
	}
	if err != nil {
		state.Reason, state.Message = reasonOf(err), err.Error()
	}
	return state
}

// count remembers how often in a row something went wrong for a pod, and when to
// try again.
func (r *Reconciler) count(pod Pod, err error) {
	now := r.deps.Clock.Now()
	r.remember(pod.uid(), func(m *memory) {
		switch {
		case err == nil:
			m.failures, m.waits, m.retryAt = 0, 0, time.Time{}
		case errors.Is(err, errWait):
			m.failures, m.retryAt = 0, time.Time{}
			if m.waits++; m.waits > patience {
				m.retryAt = now.Add(waitAfter(err, m.waits-patience))
			}
		default:
			m.waits, m.retryAt = 0, now.Add(waitAfter(err, m.failures))
			m.failures++
		}
	})
	if err != nil && !errors.Is(err, errWait) {
		r.metrics.failures.WithLabelValues(reasonOf(err)).Inc()
	}
}

func reasonOf(err error) string {
	var holder *holderError
	switch {
	case errors.Is(err, errWait):
		return ReasonWaiting
	case vpc.IsQuota(err):
		return ReasonQuota
	case vpc.IsBalance(err):
		return ReasonBalance
	case errors.As(err, &holder):
		return ReasonInUse
	}
	return ReasonFailed
}

// waitAfter is how long to leave a pod alone.
func waitAfter(err error, failures int) time.Duration {
	if vpc.IsQuota(err) || vpc.IsBalance(err) || !vpc.IsPassing(err) && eci.CodeOf(err) != "" {
		return longestWait
	}
	return min(firstWait<<min(failures, 10), longestWait)
}

// step returns the EIP that is bound to the pod, or says why there is none yet.
func (r *Reconciler) step(ctx context.Context, view *view, pod Pod, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	if pod.Want.ByGroup {
		return r.watch(ctx, pod)
	}
	a, err := r.acquire(ctx, view, pod, mine)
	if err != nil {
		return a, err
	}
	return a, r.bind(ctx, pod, a)
}

// acquire returns the EIP that is to be bound to the pod: the one that the user
// has given, or one that was bought and has its tags, its record and its
// bandwidth package.
func (r *Reconciler) acquire(ctx context.Context, view *view, pod Pod, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	given, err := r.resolveCandidate(ctx, pod, mine)
	if given != nil || err != nil {
		return given, err
	}
	if pod.Want.IsFixed() {
		if mine, err = r.fixed(ctx, view, pod, mine); err != nil {
			return mine, err
		}
	}
	if mine == nil {
		if mine, err = r.buy(ctx, pod); err != nil {
			return nil, err
		}
	}
	return mine, r.equip(ctx, view, pod, mine)
}

// equip brings an EIP that was bought from what it is to what the pod needs, but
// for the binding.
func (r *Reconciler) equip(ctx context.Context, view *view, pod Pod, a *vpc.EIPAddress) error {
	if tags := r.tagsFor(pod); !hasTags(*a, tags) {
		if err := r.guard.tag(ctx, *a, ownerOfPod(pod), r.recall(pod.uid()).bought, tags); err != nil {
			return fmt.Errorf("tagging EIP %s: %w", a.AllocationID, err)
		}
	}
	if pod.Want.IsFixed() {
		if err := view.keep(ctx, pod, a, r.deps.Clock.Now()); err != nil {
			return err
		}
	}
	if pkg := pod.Want.Package; pkg != "" && a.BandwidthPackageID == "" {
		err := r.guard.join(ctx, *a, ownerOfPod(pod), pkg)
		if err != nil && !vpc.IsInPackage(err) {
			return fmt.Errorf("adding EIP %s to bandwidth package %s: %w", a.AllocationID, pkg, err)
		}
	}
	return nil
}

// watch waits for the EIP that the group itself brings.
func (r *Reconciler) watch(ctx context.Context, pod Pod) (*vpc.EIPAddress, error) {
	found, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AssociatedInstanceType: vpc.InstanceTypeENI, AssociatedInstanceID: pod.ENI})
	switch {
	case err != nil:
		return nil, err
	case found == nil || found.Status != vpc.StatusInUse:
		return nil, waitFor("the EIP of the container group")
	}
	return found, nil
}

// resolveCandidate returns the EIP that the user has given, nil where the id on
// the pod is that of one which this node bought for it and wrote there.
func (r *Reconciler) resolveCandidate(ctx context.Context, pod Pod, mine *vpc.EIPAddress) (*vpc.EIPAddress, error) {
	id := pod.Want.Candidate
	if id == "" || mine != nil && mine.AllocationID == id {
		return nil, nil
	}
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: id})
	switch {
	case err != nil:
		return nil, err
	case a == nil && r.recall(pod.uid()).state.AllocationID == id:
		return nil, nil // ours once, and released by somebody else
	case a == nil:
		return nil, &holderError{"EIP " + id + " does not exist"}
	case r.belongsTo(*a, pod):
		return nil, nil
	}
	if err := r.checkGiven(*a, pod); err != nil {
		return nil, err
	}
	return a, nil
}

// checkGiven refuses an EIP that is not the user's to give: one that a node
// bought for another pod, or one that the pod may not have.
func (r *Reconciler) checkGiven(a vpc.EIPAddress, pod Pod) error {
	switch {
	case isBought(a) && !r.guard.owns(a, ownerOfPod(pod)):
		return &holderError{fmt.Sprintf("EIP %s was bought for another pod: remove the annotation that names it", a.AllocationID)}
	case pod.Want.Given == "" && !pod.Want.Permitted:
		return &holderError{fmt.Sprintf("EIP %s is not allowed to pods of namespace %s: ask the operator of the node to allow it under permissions, in allow.%s or in a rule for the namespace",
			a.AllocationID, pod.Object.Namespace, request.EIPs)}
	}
	return nil
}

// CheckGiven reads the EIP that the pod names for its group, and refuses one that
// does not exist or was bought for another pod.
func (r *Reconciler) CheckGiven(ctx context.Context, pod Pod) error {
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: pod.Want.Given})
	switch {
	case err != nil:
		return err
	case a == nil:
		return &holderError{"EIP " + pod.Want.Given + " does not exist"}
	}
	return r.checkGiven(*a, pod)
}

// buy makes sure that the pod has an EIP, and returns it as the cloud shows it.
func (r *Reconciler) buy(ctx context.Context, pod Pod) (*vpc.EIPAddress, error) {
	m := r.recall(pod.uid())
	if m.bought == "" {
		resp, err := r.cloud.AllocateEIPAddress(ctx, r.purchase(pod, m.attempt))
		if eci.IsTokenTaken(err) {
			// Bought before, by other annotations: the list will show it.
			r.missed(pod)
			return nil, waitFor("the EIP that was bought before")
		}
		if err != nil {
			return nil, fmt.Errorf("buying an EIP: %w", err)
		}
		m.bought = resp.AllocationID
		r.remember(pod.uid(), func(m *memory) { m.bought, m.unseen = resp.AllocationID, 0 })
		log.G(ctx).WithFields(log.Fields{"eip": resp.AllocationID, "namespace": pod.Object.Namespace, "pod": pod.Object.Name,
			"uid": string(pod.uid()), "requestID": resp.RequestID}).Info("EIP bought")
		r.metrics.bought.Inc()
	}
	a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: m.bought})
	if err == nil && a == nil {
		r.missed(pod)
		return nil, waitFor("EIP " + m.bought + " to be listed")
	}
	return a, err
}

// maxUnseen is how many reads may leave out an EIP that was bought before it
// counts as released by somebody else.
const maxUnseen = 3

// missed counts such a read. After enough of them the next purchase is a new
// one; should the first one turn up after all, it is surplus and released.
func (r *Reconciler) missed(pod Pod) {
	r.remember(pod.uid(), func(m *memory) {
		if m.unseen++; m.unseen >= maxUnseen {
			m.bought, m.unseen = "", 0
			m.attempt++
		}
	})
}

// purchase is the request for the EIP of a pod: the same for the same pod and
// attempt.
func (r *Reconciler) purchase(pod Pod, attempt int) *vpc.AllocateEIPAddressRequest {
	w := pod.Want
	req := &vpc.AllocateEIPAddressRequest{
		ClientToken: token(pod, attempt), ISP: w.ISP, InternetChargeType: w.ChargeType, InstanceChargeType: vpc.PostPaid,
		ResourceGroupID: w.ResourceGroupID, Name: w.Name, Description: w.Description,
		PublicIPAddressPoolID: w.Pool, SecurityProtectionTypes: w.Protection,
		Tags: append(r.tagsFor(pod), w.Tags...),
	}
	if w.Bandwidth > 0 {
		req.Bandwidth = strconv.Itoa(int(w.Bandwidth))
	}
	return req
}

// token is at most 64 ASCII characters.
func token(pod Pod, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "eip %s %d", pod.uid(), attempt))
	return hex.EncodeToString(sum[:])
}

// describe returns the one EIP that req names, nil when the answer has none.
func (r *Reconciler) describe(ctx context.Context, req *vpc.DescribeEIPAddressesRequest) (*vpc.EIPAddress, error) {
	resp, err := r.cloud.DescribeEIPAddresses(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("reading an EIP: %w", err)
	}
	if len(resp.EIPAddresses.EIPAddress) == 0 {
		return nil, nil
	}
	return &resp.EIPAddresses.EIPAddress[0], nil
}
