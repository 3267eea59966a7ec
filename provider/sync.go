package provider

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// forceSlack is how long past the grace period a group may take to end before
// its delete is sent again with Force.
const forceSlack = 10 * time.Second

// syncLoop reads what changed, fast while a pod is on its way up or down and
// slowly while nothing moves.
func (p *Provider) syncLoop(ctx context.Context) {
	// Recovery has read every state: the first turn asks for what changed since.
	last := p.recoveredAt
	for {
		last = p.syncTurn(ctx, last)
		if least, most := p.pace(); !p.wait(ctx, least, most) {
			return
		}
	}
}

// syncTurn reads once and returns since when the next turn is to ask: the time
// of the last success.
func (p *Provider) syncTurn(ctx context.Context, last time.Time) time.Time {
	started := p.deps.Clock.Now()
	within, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	if err := p.sync(within, last); err != nil {
		if ctx.Err() == nil {
			log.G(ctx).WithError(err).Warn("reading the container groups failed; their last known state is kept")
		}
		return last
	}
	p.eventsTurn(within)
	return started
}

// turnTimeout bounds a turn of the sync loop. What a turn has read by then counts, and
// the next one reads what is left.
const turnTimeout = 30 * time.Second

const (
	// pagePause is the least time that a page of states stands for: ten calls a
	// second, so that a large node in motion leaves room for others in the
	// account's budget of them.
	pagePause = 100 * time.Millisecond
	// readShare and maxRest keep a slow machine or cloud from being asked all the
	// time: the rest is this many times as long as the read was, but no longer.
	readShare = 4
	maxRest   = 3 * time.Second
	// afterChange is how long reads stay fast after something changed: changes
	// seldom come alone.
	afterChange = 10 * time.Second
)

// pace is the least time to the next read, and the most, which a poke shortens.
func (p *Provider) pace() (least, most time.Duration) {
	least = max(p.cfg.FastSync, time.Duration(p.pages)*pagePause, min(readShare*p.readTook, maxRest))
	if p.store.any((*entry).moving) || p.deps.Clock.Since(p.changedAt) < afterChange {
		return least, least
	}
	return least, max(least, p.cfg.SlowSync)
}

// wait sleeps for most or until poked, but never less than least, and says
// whether to go on.
func (p *Provider) wait(ctx context.Context, least, most time.Duration) bool {
	floor := p.deps.Clock.NewTimer(least)
	defer floor.Stop()
	select {
	case <-floor.C():
	case <-ctx.Done():
		return false
	}
	if most <= least {
		return true
	}
	rest := p.deps.Clock.NewTimer(most - least)
	defer rest.Stop()
	select {
	case <-rest.C():
	case <-p.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// sync asks once for all groups that changed since last, and for the details of
// those that did. The cost does not depend on the number of pods at rest.
func (p *Provider) sync(ctx context.Context, last time.Time) error {
	began, deleting := p.deps.Clock.Now(), p.deleting()
	window := p.window(last)
	listing := p.listingIsShorter(len(deleting))
	if listing {
		window = 0
	}
	states, err := p.readStatuses(ctx, window)
	if err != nil {
		return err
	}
	p.pages, p.readTook = 1+len(states)/eci.MaxStatusesPerPage, p.deps.Clock.Since(began)
	ids := p.changed(states)
	if len(ids) > 0 {
		p.changedAt = p.deps.Clock.Now()
	}
	var has evidence
	switch {
	case listing:
		has.newest = p.newestIn(states)
	case len(deleting) > 0:
		has.witness = p.store.newestLive()
	}
	for _, id := range slices.Sorted(maps.Keys(deleting)) {
		switch {
		case !listing:
			// The increment does not tell of groups that are deleted.
			ids[id] = deleting[id]
		case states[id] == nil:
			// Asked for by its name as well, which is the second sighting.
			p.store.update(p.store.ofGroup(id), func(e *entry) { e.missedSince(began) })
			ids[id] = deleting[id]
		}
	}
	return p.readDetails(ctx, ids, has)
}

// changed picks the groups of ours that look different from what we know.
func (p *Provider) changed(states map[string]*eci.ContainerGroupStatus) map[string]*eci.ContainerGroupStatus {
	ids := map[string]*eci.ContainerGroupStatus{}
	for id, live := range states {
		if e, ok := p.store.ofID(id); ok && e.stage != stageEnded && e.group != nil && !reflect.DeepEqual(e.live, live) {
			ids[id] = live
		}
	}
	return ids
}

// deleting lists the groups whose end we wait for.
func (p *Provider) deleting() map[string]*eci.ContainerGroupStatus {
	ids := map[string]*eci.ContainerGroupStatus{}
	for _, e := range p.store.all(func(e *entry) bool { return e.stage == stageDeleting }) {
		ids[e.groupID] = e.live
	}
	return ids
}

// listingIsShorter says that all states, at 200 a page, take fewer calls than the
// deleted groups by id, at 20 a page: many are deleted at once. A complete
// listing that leaves a group out is as good a sighting of its absence.
func (p *Provider) listingIsShorter(deleting int) bool {
	return deleting/eci.MaxGroupsPerPage > 1+p.store.groups()/eci.MaxStatusesPerPage
}

// window is the SinceSecond that covers the time since last, 0 for everything.
// It overlaps the window before by a margin for clocks that differ.
func (p *Provider) window(last time.Time) int32 {
	const margin = 30 * time.Second
	if last.IsZero() {
		return 0
	}
	seconds := int32((p.deps.Clock.Since(last) + margin).Seconds())
	if seconds > eci.MaxSinceSecond {
		return 0
	}
	return max(seconds, eci.MinSinceSecond)
}

// observe records what the cloud shows of a pod's group and tells the node's
// controller of it. A pod that has ended is left as it is.
func (p *Provider) observe(ctx context.Context, uid types.UID, group *eci.ContainerGroup, live *eci.ContainerGroupStatus) {
	e, ok := p.store.get(uid)
	if !ok || !e.running() || e.groupID != group.ContainerGroupID {
		return
	}
	if !e.proven && !p.isOwn(e.pod, group) {
		p.disown(ctx, uid, group.ContainerGroupID)
		return
	}
	if isBehind(group, live) {
		return
	}
	events := eventsOfGroup(group)
	p.relay.take(e.pod, e.groupID, events)
	if group.Status == eci.StatusScheduleFailed && e.stage == stageLive {
		p.reschedule(e, group)
		return
	}
	if live == nil {
		live = e.live
	}
	next := status.FromContainerGroup(e.render(), *group, live)
	if e.rounded != "" {
		status.MarkRounded(&next, e.rounded)
	}
	if isDegraded(group) {
		status.MarkSpotDegraded(&next)
	}
	if group.Status == eci.StatusRunning {
		p.scarcity.clear(group, e.narrow)
	}
	annotations := status.Annotations(*group, e.requestID)
	shown := p.sumsFor(e.pod).shown(group.Volumes)
	known, now := factsOf(group), p.deps.Clock.Now()
	was := e.pod
	p.store.updateRunning(e, func(e *entry) {
		if e.files == nil {
			e.files, e.tokensAt = shown, timeOf(group.CreationTime)
		}
		e.group, e.live, e.annotations = known, live, annotations
		e.shown(was, next)
		e.proven, e.shownAt, e.absence = true, now, absence{}
		if eci.IsTerminal(group.Status) {
			e.stage = stageEnded
		}
	})
	p.noteStatus(ctx, e, group)
	shows, _ := p.store.get(uid)
	if shows.eni() != e.eni() || shows.stage != e.stage {
		p.movedEIP(&shows)
	}
	p.pokePodIPs(shows)
	p.tell(uid)
	if notice := reclaimNotice(events, live); notice != "" {
		p.reclaim(ctx, uid, notice)
	}
}

// noteStatus logs a new status of the group, and notes that the cloud has taken it back.
func (p *Provider) noteStatus(ctx context.Context, e entry, group *eci.ContainerGroup) {
	if e.group == nil || e.group.status != group.Status {
		groupLogger(ctx, e.pod, e.groupID).WithField("status", group.Status).Info("container group changed state")
	}
	if group.Status == eci.StatusExpired && e.disruption == nil {
		p.disrupt(e, "the cloud has taken the container group back")
	}
}

// isBehind says that the details of a group are older than its state, which says
// that it could not be made: that is no end of the pod, and the next tick reads
// them again.
func isBehind(group *eci.ContainerGroup, live *eci.ContainerGroupStatus) bool {
	return live != nil && live.Status == eci.StatusScheduleFailed && group.Status != eci.StatusScheduleFailed
}

// missed counts a successful answer, asked for at began, that should have shown a
// group and did not. newest is when the newest of the groups was made that it shows
// instead. For a group whose delete was accepted enough of them mean that it is gone, if
// the answer can be believed; any other is left to the complete listings of the
// repair loop.
func (p *Provider) missed(ctx context.Context, uid types.UID, newest string, began time.Time) {
	e, ok := p.store.get(uid)
	if !ok || e.stage != stageDeleting {
		return
	}
	outdone := isOutdone(e, newest)
	if !outdone && p.mayLag(e) {
		return
	}
	e = p.store.changed(uid, func(e *entry) { e.missedSince(began) })
	if e.stage == stageDeleting && e.absence.count >= p.cfg.Sightings && (outdone || p.provenGone(ctx, e)) {
		p.gone(ctx, e)
	}
}
