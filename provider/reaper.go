package provider

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Reasons of the node's events about orphans.
const (
	reasonOrphanDeleted    = "OrphanDeleted"
	reasonOrphanNotDeleted = "OrphanNotDeleted"
	reasonOrphansHeld      = "OrphansHeld"
)

// reaper deletes the groups of this node whose pod is gone. It never sees those
// of another node or cluster: the listing is filtered by our tags.
type reaper struct {
	p        *Provider
	suspects map[string]suspect
	// held says that the last pass left orphans alone because they were too many.
	held bool
}

// suspect is a group that no pod is known for.
type suspect struct {
	since     time.Time
	sightings int
	// deletedAt is when the cloud accepted its delete, or zero.
	deletedAt time.Time
}

// orphanForce is the time after which an orphan that was deleted and has not ended is
// deleted with Force. The grace period of its pod is not known any more.
const orphanForce = time.Hour

func newReaper(p *Provider) *reaper { return &reaper{p: p, suspects: map[string]suspect{}} }

// pass takes the unknown groups of one complete listing, of groups that are on their
// way to cost money. A suspect that is not among the unknown any more is cleared.
//
// If more than half of several groups are orphans, it is the view of the cluster that
// is doubted first: each of them is left alone for Config.MassOrphanGrace, and the
// node tells so by a condition and an event.
func (r *reaper) pass(ctx context.Context, unknown []string, groups int) error {
	ripe := r.suspect(unknown)
	if len(ripe) == 0 {
		r.hold(ctx, 0, groups)
		return nil
	}
	orphans, err := r.confirm(ctx, ripe)
	if err != nil {
		return err
	}
	now := r.p.deps.Clock.Now()
	held := 0
	tooMany := tooManyOrphans(countLive(orphans), groups)
	for i := range orphans {
		if tooMany && now.Sub(r.suspects[orphans[i].ContainerGroupID].since) < r.p.cfg.MassOrphanGrace {
			held++
			continue
		}
		r.end(ctx, &orphans[i])
	}
	r.hold(ctx, held, groups)
	return nil
}

// suspect counts the unknown groups of one listing, and returns those that were
// unknown often and long enough.
func (r *reaper) suspect(unknown []string) (ripe []string) {
	suspects := map[string]suspect{}
	now := r.p.deps.Clock.Now()
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
	return ripe
}

// confirm returns the groups among ids that are orphans beyond doubt. The cloud is
// asked before the API server: whatever it shows had its pod by then.
func (r *reaper) confirm(ctx context.Context, ids []string) (orphans []eci.ContainerGroup, err error) {
	var groups []eci.ContainerGroup
	for batch := range slices.Chunk(ids, eci.MaxGroupsPerPage) {
		some, err := r.p.describe(ctx, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: batch, Tags: r.p.nodeTags()})
		if err != nil {
			return nil, err
		}
		groups = append(groups, some...)
	}
	listed, err := podsOfNode(ctx, r.p.deps.Kube, r.p.cfg.Request.NodeName)
	if err != nil {
		return nil, err
	}
	for i := range groups {
		if !eci.IsTerminal(groups[i].Status) && r.orphaned(ctx, &groups[i], listed) {
			orphans = append(orphans, groups[i])
		}
	}
	return orphans, nil
}

// countLive is how many of the groups are not ending already.
func countLive(groups []eci.ContainerGroup) (live int) {
	for i := range groups {
		if groups[i].Status != eci.StatusTerminating {
			live++
		}
	}
	return live
}

// hold tells how many orphans are left alone because they are too many: by a
// condition of the node while there are any, and by an event when that begins.
func (r *reaper) hold(ctx context.Context, held, groups int) {
	r.p.metrics.orphansHeld.Set(float64(held))
	message := fmt.Sprintf("%d of the %d container groups of this node have no pod in this cluster, and are not deleted for now: "+
		"was the API server restored from a backup, or is it that of another cluster? Each is deleted once it had no pod for %s (sync.massOrphanGrace); "+
		"eci-vnode reap --yes --all deletes them now", held, groups, r.p.cfg.MassOrphanGrace)
	r.p.cloud.noteHeld(held > 0, message)
	if held > 0 {
		log.G(ctx).WithField("orphans", held).WithField("groups", groups).Warn("too many container groups have no pod; they are left alone for now")
		if !r.held {
			r.p.deps.Events.Event(r.node(), corev1.EventTypeWarning, reasonOrphansHeld, message)
		}
	}
	r.held = held > 0
}

// node is what events of the node refer to, as the kubelet does.
func (r *reaper) node() *corev1.Node {
	name := r.p.cfg.Request.NodeName
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
}

// end deletes one orphan and tells of it: by a metric, and by an event of the
// node, since the pod is gone. One that was deleted and does not end is forced.
func (r *reaper) end(ctx context.Context, group *eci.ContainerGroup) {
	id, now := group.ContainerGroupID, r.p.deps.Clock.Now()
	s := r.suspects[id]
	again := !s.deletedAt.IsZero()
	if again && now.Sub(s.deletedAt) < orphanForce {
		return
	}
	who, _ := request.IdentityOf(group.Tags)
	logger := log.G(ctx).WithFields(log.Fields{
		"containerGroup": id, "namespace": who.Namespace, "pod": who.PodName, "uid": string(who.UID),
	})
	node := r.node()
	_, err := r.p.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: id, Force: ptr.To(again)})
	if err != nil && !eci.IsNotFound(err) {
		r.p.metrics.reapFailures.Inc()
		r.p.deps.Events.Eventf(node, corev1.EventTypeWarning, reasonOrphanNotDeleted,
			"container group %s has no pod any more (%s/%s) and could not be deleted; will try again: %v", id, who.Namespace, who.PodName, err)
		logger.WithError(err).Warn("deleting an orphaned container group failed; will try again")
		return
	}
	s.deletedAt = now
	r.suspects[id] = s
	if again {
		logger.Info("orphaned container group deleted with force: it did not end")
		return
	}
	r.p.store.forget(r.p.store.ofGroup(id))
	r.p.metrics.reaped.Inc()
	r.p.deps.Events.Eventf(node, corev1.EventTypeNormal, reasonOrphanDeleted,
		"container group %s deleted: its pod %s/%s is gone", id, who.Namespace, who.PodName)
	logger.Info("orphaned container group deleted: its pod is gone")
}

// orphaned reports whether the pod of a group is gone; listed are the pods of the node
// as the API server has just listed them. An error is no yes. A pod that has the group
// as its own, or a create on its way, is not gone.
func (r *reaper) orphaned(ctx context.Context, group *eci.ContainerGroup, listed map[types.UID]bool) bool {
	who, ok := request.IdentityOf(group.Tags)
	if !ok {
		return false
	}
	if pod := r.present(who.UID); pod != nil {
		// The pod is there: this is its group, or a second one that a create in
		// flight may still turn into the first. A pod that has ended gets none.
		e, known := r.p.store.get(who.UID)
		if hasEnded(pod) && e.groupID == "" && e.pending == nil && !e.busy {
			return true
		}
		return known && e.groupID != "" && e.groupID != group.ContainerGroupID
	}
	gone, err := podIsGone(ctx, r.p.deps.Kube, who, listed)
	if err != nil {
		log.G(ctx).WithError(err).WithField("containerGroup", group.ContainerGroupID).Warn("an orphan is left alone for now")
	}
	return gone && err == nil
}

// present returns the pod of this UID that the informer has, or nil.
func (r *reaper) present(uid types.UID) *corev1.Pod {
	for _, pod := range r.p.deps.Pods.List() {
		if pod.UID == uid {
			return pod
		}
	}
	return nil
}
