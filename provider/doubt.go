package provider

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// maxSkew is how much our clock may differ from the cloud's: calls that are
// signed further away are refused (InvalidTimeStamp.Expired).
const maxSkew = 15 * time.Minute

// findOwn looks for the group that an earlier life of ours made for a pod with
// the same ClientToken and other parameters (a token of a ServiceAccount is new
// each time), and which the listing at our start did not show yet.
func (p *Provider) findOwn(ctx context.Context, e entry, cause error) (*eci.CreateContainerGroupResponse, error) {
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		return nil, err
	}
	if found := best(groups); found != nil && rank(found) > 0 {
		return &eci.CreateContainerGroupResponse{ContainerGroupID: found.ContainerGroupID}, nil
	}
	if failed := failedAttempts(groups); failed > e.attempt {
		p.nextToken(e, failed)
		return nil, fmt.Errorf("%d container groups made before could not be scheduled: %w", failed, cause)
	}
	if e.takenAt.IsZero() {
		e.takenAt = p.deps.Clock.Now()
		p.store.update(e.pod.UID, func(known *entry) { known.takenAt = e.takenAt })
	}
	absent := e.hint.gone != ""
	if !absent {
		if absent, err = p.provenAbsent(ctx, e); err != nil {
			return nil, err
		}
	}
	if absent {
		p.nextToken(e, e.attempt+1)
		p.deps.Events.Eventf(e.pod, corev1.EventTypeWarning, "ContainerGroupLost",
			"container group %s, which was made for this pod, is gone: it was deleted outside of Kubernetes, or the cloud has forgotten it since it ended; another will be made",
			cmp.Or(e.hint.gone, "(its name was never known)"))
		return nil, fmt.Errorf("its container group was made before and is gone: %w", cause)
	}
	return nil, fmt.Errorf("its container group was made before and is not listed yet: %w", cause)
}

// nextToken lets the next create be the attempt with that number.
func (p *Provider) nextToken(e entry, attempt int) {
	p.store.update(e.pod.UID, func(e *entry) { e.attempt, e.takenAt, e.hint.gone = attempt, time.Time{}, "" })
}

// provenAbsent says whether the group that used up the ClientToken of a pod is
// gone, though nobody knows its name to ask for it. A list that leaves it out
// proves that only if it shows a group which was certainly made later: it is
// neither empty for want of permission, nor older than the group.
func (p *Provider) provenAbsent(ctx context.Context, e entry) (bool, error) {
	later := e.takenAt.Add(maxSkew)
	if !p.store.any(func(other *entry) bool { return other.running() && other.createdAt.After(later) }) {
		return false, nil
	}
	groups, err := p.describe(ctx, &eci.DescribeContainerGroupsRequest{Tags: p.nodeTags()})
	if err != nil {
		return false, fmt.Errorf("looking for its container group: %w", err)
	}
	for i := range groups {
		if who, ok := request.IdentityOf(groups[i].Tags); ok && who.UID == e.pod.UID && rank(&groups[i]) > 0 {
			return false, nil // the next look finds it
		}
	}
	return timeOf(newestOf(groups)).After(later), nil
}
