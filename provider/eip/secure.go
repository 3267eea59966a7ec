package eip

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Secure gets the EIP of a pod that has no group yet, because a file or variable
// of the pod is to show its address: what a group is made with cannot be
// changed later without a restart of its containers. The State is what is known
// of the EIP; bindable says that the group may be made with it, which saves
// binding it afterwards. An error is told on the pod too and is worth another
// try; what was bought until then is found again.
func (r *Reconciler) Secure(ctx context.Context, pod Pod) (state State, bindable bool, err error) {
	a, err := r.secure(ctx, pod)
	if err == nil {
		state = stateOf(pod, a, nil)
		return state, a.Status == vpc.StatusAvailable, nil
	}
	r.count(pod, err)
	log.G(ctx).WithError(err).WithFields(log.Fields{"namespace": pod.Object.Namespace, "pod": pod.Object.Name, "uid": string(pod.uid())}).
		Debug("no EIP for the pod yet")
	r.tell(pod, stateOf(pod, nil, err))
	return State{}, false, fmt.Errorf("its EIP: %w", err)
}

func (r *Reconciler) secure(ctx context.Context, pod Pod) (*vpc.EIPAddress, error) {
	if until := r.recall(pod.uid()).retryAt; r.deps.Clock.Now().Before(until) {
		return nil, waitFor("the next try at " + until.UTC().Format("15:04:05"))
	}
	if id := pod.Want.Given; id != "" {
		a, err := r.describe(ctx, &vpc.DescribeEIPAddressesRequest{AllocationID: id})
		switch {
		case err != nil:
			return nil, err
		case a == nil:
			return nil, &holderError{"EIP " + id + " does not exist"}
		}
		if err := r.checkGiven(*a, pod); err != nil {
			return nil, err
		}
		return a, nil
	}
	owned, err := r.list(ctx, r.tagsFor(pod))
	if err != nil {
		return nil, err
	}
	return r.acquire(ctx, r.records.ofOne(), pod, r.chooseOwn(pod, owned))
}

// IsWaiting says whether err tells of something that takes its time and is no
// failure.
func IsWaiting(err error) bool { return errors.Is(err, errWait) }
