package provider

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// repairLoop compares everything that the cloud lists with everything that we
// know: it finds changes that the increments missed, pods whose group vanished
// and groups whose pod is gone.
func (p *Provider) repairLoop(ctx context.Context) {
	reaper := newReaper(p)
	ticker := p.deps.Clock.NewTicker(p.cfg.Repair)
	defer ticker.Stop()
	for {
		p.repairTurn(ctx, reaper)
		select {
		case <-ticker.C():
		case <-ctx.Done():
			return
		}
	}
}

// repairTurn is one pass, whatever becomes of it.
func (p *Provider) repairTurn(ctx context.Context, reaper *reaper) {
	if err := p.repair(ctx, reaper); err != nil && ctx.Err() == nil {
		log.G(ctx).WithError(err).Warn("listing all container groups failed; nothing is concluded from it")
	}
}

// repair is one pass. Pods that were made after it began are none of its
// business.
func (p *Provider) repair(ctx context.Context, reaper *reaper) error {
	began := p.deps.Clock.Now()
	listed, err := p.readStatuses(ctx, 0)
	if err != nil {
		return err
	}
	p.metrics.repairs.Inc()
	changed, unknown := p.sortOut(listed)
	if err := p.readDetails(ctx, changed, evidence{}); err != nil {
		return err
	}
	p.countMissing(ctx, listed, began)
	p.sweep()
	return reaper.pass(ctx, unknown, countBilled(listed))
}

// countBilled is how many of the groups that are listed cost money, and are not ending
// already.
func countBilled(listed map[string]*eci.ContainerGroupStatus) (billed int) {
	for _, live := range listed {
		if !eci.IsTerminal(live.Status) && live.Status != eci.StatusTerminating {
			billed++
		}
	}
	return billed
}

// sortOut divides a listing into the groups that look different from what we
// know and those whose pod we do not know, or that is gone.
func (p *Provider) sortOut(listed map[string]*eci.ContainerGroupStatus) (changed map[string]*eci.ContainerGroupStatus, unknown []string) {
	changed = map[string]*eci.ContainerGroupStatus{}
	present := p.renewPods()
	for id, live := range listed {
		e, ok := p.store.ofID(id)
		if !ok || e.stage == stageLive && !present[e.pod.UID] {
			unknown = append(unknown, id)
		}
		switch {
		case !ok:
		case e.running() && !reflect.DeepEqual(e.live, live):
			changed[id] = live
		}
	}
	slices.Sort(unknown)
	return changed, unknown
}

// countMissing notes which groups a complete listing left out. When all of them
// are missing at once, a lost permission is likelier than a lost fleet: ECI
// answers a caller without permission with an empty list. Then nothing is
// touched and the node's condition says so, unless asking for one of them by
// its name proves that they are gone.
func (p *Provider) countMissing(ctx context.Context, listed map[string]*eci.ContainerGroupStatus, began time.Time) {
	missing := p.store.all(func(e *entry) bool {
		return e.stage == stageLive && e.createdAt.Before(began) && listed[e.groupID] == nil
	})
	vanished := len(listed) == 0 && len(missing) > 0 && p.existenceOf(ctx, missing[0].pod, missing[0].groupID) != existsNot
	p.cloud.noteVanished(vanished)
	if vanished {
		log.G(ctx).WithField("groups", len(missing)).
			Warn("every container group is missing from the listing at once; check the RAM permissions of this node: nothing is changed")
		return
	}
	for _, e := range missing {
		p.missing(ctx, e, began, len(listed))
	}
}

// missing counts one absence from a complete listing that was begun at began, and
// declares the pod lost after enough of them over long enough.
func (p *Provider) missing(ctx context.Context, was entry, began time.Time, listed int) {
	missed := false
	e := p.store.changed(was.pod.UID, func(e *entry) {
		if missed = e.stage == stageLive && e.groupID == was.groupID; missed {
			e.missedSince(began)
		}
	})
	if missed && p.isLasting(e.absence, began) && p.provenLost(ctx, e, listed) {
		p.lost(ctx, e)
	}
}

// lost ends a pod whose group disappeared without our asking, unless another live
// group of the pod is listed: its object may tell of a group that could not be
// scheduled, and an earlier life of ours have made the next and not lived to tell.
func (p *Provider) lost(ctx context.Context, e entry) {
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		groupLogger(ctx, e.pod, e.groupID).WithError(err).Warn("a container group vanished, and whether its pod has another is not known; will look again")
		return
	}
	if found := best(groups); found != nil && !eci.IsTerminal(found.Status) {
		if now, known := p.store.get(e.pod.UID); known && now.stage == stageLive && now.groupID == e.groupID && found.ContainerGroupID != e.groupID {
			p.adopt(e, &eci.CreateContainerGroupResponse{ContainerGroupID: found.ContainerGroupID})
			p.tell(e.pod.UID)
		}
		return
	}
	p.declareLost(ctx, e, e.groupID)
}

// declareLost fails a pod whose group, of that id as far as it is known, is gone.
func (p *Provider) declareLost(ctx context.Context, e entry, id string) {
	const reason = "ContainerGroupLost"
	// The cloud forgets what has ended after an hour, and a list can be old: that
	// we have seen the group does not tell how it went.
	message := "container group " + id + " no longer exists and this node did not see its end: " +
		"it was deleted outside of Kubernetes, or the cloud has forgotten it since it ended; its exit codes are not known"
	final := status.Gone(e.render(), reason, message)
	ended := false
	p.store.update(e.pod.UID, func(now *entry) {
		if ended = now.stage == e.stage && now.groupID == e.groupID && !now.busy; ended {
			now.stage, now.status, now.hint = stageEnded, &final, hint{}
		}
	})
	if !ended {
		return
	}
	p.deps.Events.Event(e.pod, corev1.EventTypeWarning, reason, message)
	groupLogger(ctx, e.pod, id).Warn("container group vanished; the pod has failed")
	p.tell(e.pod.UID)
}

// renewPods takes over the pods as the informer has them, and returns their UIDs.
func (p *Provider) renewPods() map[types.UID]bool {
	present := map[types.UID]bool{}
	for _, pod := range p.deps.Pods.List() {
		present[pod.UID] = true
		p.store.renew(pod)
	}
	return present
}

// sweep forgets the pods that neither Kubernetes nor the cloud has any more.
func (p *Provider) sweep() {
	present := p.renewPods()
	for _, e := range p.store.all(func(e *entry) bool { return !e.running() && !e.busy && e.pending == nil }) {
		if !present[e.pod.UID] {
			p.store.forget(e.pod.UID)
		}
	}
	p.relay.keep(func(uid types.UID) bool { _, known := p.store.get(uid); return known || present[uid] })
}

// nodeTags filters for the groups of this node of this cluster.
func (p *Provider) nodeTags() []eci.Tag {
	return request.FilterTags(p.cfg.Request)
}
