package provider

import (
	"context"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Reasons of the node's events about orphans.
const (
	reasonOrphanDeleted    = "OrphanDeleted"
	reasonOrphanNotDeleted = "OrphanNotDeleted"
)

// reaper deletes the groups of this node whose pod is gone. It never sees those
// of another node or cluster: the listing is filtered by our tags.
type reaper struct {
	p        *Provider
	suspects map[string]suspect
}

// suspect is a group that no pod is known for.
type suspect struct {
	since     time.Time
	sightings int
}

func newReaper(p *Provider) *reaper { return &reaper{p: p, suspects: map[string]suspect{}} }

// pass takes the unknown groups of one complete listing. A suspect that is not
// among them any more is cleared.
func (r *reaper) pass(ctx context.Context, unknown []string) error {
	suspects := map[string]suspect{}
	now := r.p.deps.Clock.Now()
	var ripe eci.JSONList
	for _, id := range unknown {
		s, seen := r.suspects[id]
		if !seen {
			s.since = now
		}
		s.sightings++
		suspects[id] = s
		if s.sightings >= r.p.cfg.Sightings && now.Sub(s.since) >= r.p.cfg.OrphanGrace {
			ripe = append(ripe, id)
		}
	}
	r.suspects = suspects
	r.p.metrics.suspects.Set(float64(len(suspects)))
	for len(ripe) > 0 {
		batch := ripe[:min(len(ripe), eci.MaxGroupsPerPage)]
		if err := r.reap(ctx, batch); err != nil {
			return err
		}
		ripe = ripe[len(batch):]
	}
	return nil
}

// reap deletes the groups among ids that are orphans beyond doubt.
func (r *reaper) reap(ctx context.Context, ids eci.JSONList) error {
	groups, err := r.p.describe(ctx, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: ids, Tags: r.p.nodeTags()})
	if err != nil {
		return err
	}
	for i := range groups {
		if eci.IsTerminal(groups[i].Status) || !r.orphaned(ctx, &groups[i]) {
			continue
		}
		r.end(ctx, &groups[i])
	}
	return nil
}

// end deletes one orphan and tells of it: by a metric, and by an event of the
// node, since the pod is gone.
func (r *reaper) end(ctx context.Context, group *eci.ContainerGroup) {
	id := group.ContainerGroupID
	who, _ := request.IdentityOf(group.Tags)
	logger := log.G(ctx).WithFields(log.Fields{
		"containerGroup": id, "namespace": who.Namespace, "pod": who.PodName, "uid": string(who.UID),
	})
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: who.NodeName, UID: types.UID(who.NodeName)}} // as the kubelet refers to its node
	_, err := r.p.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: id})
	if err != nil && !eci.IsNotFound(err) {
		r.p.metrics.reapFailures.Inc()
		r.p.deps.Events.Eventf(node, corev1.EventTypeWarning, reasonOrphanNotDeleted,
			"container group %s has no pod any more (%s/%s) and could not be deleted; will try again: %v", id, who.Namespace, who.PodName, err)
		logger.WithError(err).Warn("deleting an orphaned container group failed; will try again")
		return
	}
	delete(r.suspects, id)
	r.p.store.forget(r.p.store.ofGroup(id))
	r.p.metrics.reaped.Inc()
	r.p.deps.Events.Eventf(node, corev1.EventTypeNormal, reasonOrphanDeleted,
		"container group %s deleted: its pod %s/%s is gone", id, who.Namespace, who.PodName)
	logger.Info("orphaned container group deleted: its pod is gone")
}

// orphaned asks the API server itself whether the pod of a group is gone; an
// error is no yes. A pod that has the group as its own, or a create on its way,
// is not gone.
func (r *reaper) orphaned(ctx context.Context, group *eci.ContainerGroup) bool {
	who, ok := request.IdentityOf(group.Tags)
	if !ok {
		return false
	}
	if r.present(who.UID) {
		// The pod is there: this is its group, or a second one that a create in
		// flight may still turn into the first.
		e, known := r.p.store.get(who.UID)
		return known && e.groupID != "" && e.groupID != group.ContainerGroupID
	}
	gone, err := podIsGone(ctx, r.p.deps.Kube, who)
	if err != nil {
		log.G(ctx).WithError(err).WithField("containerGroup", group.ContainerGroupID).Warn("an orphan is left alone for now")
	}
	return gone && err == nil
}

// present says whether the informer has a pod of this UID.
func (r *reaper) present(uid types.UID) bool {
	return slices.ContainsFunc(r.p.deps.Pods.List(), func(pod *corev1.Pod) bool { return pod.UID == uid })
}
