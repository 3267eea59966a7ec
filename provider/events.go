package provider

import (
	"context"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci"
)

// spotNone is the SpotStrategy of a group that is paid as it goes.
const spotNone = "NoSpot"

// eventBatches bounds the calls of one reading of events on a node with more
// groups than one answer holds.
const eventBatches = 5

// The details of every group that changed carry its events, so that most come
// without a call of their own. What an increment may not tell of (a notice of
// the platform) is read by one slow call for the whole node.

// eventsTurn reads events when that is due.
func (p *Provider) eventsTurn(ctx context.Context) {
	now := p.deps.Clock.Now()
	if now.Sub(p.eventsRead) < p.cfg.EventSync {
		return
	}
	if err := p.readEvents(ctx); err != nil {
		if ctx.Err() == nil {
			log.G(ctx).WithError(err).Warn("reading the events of container groups failed; will try again")
		}
		return
	}
	p.eventsRead = now
}

// readEvents asks for the events of all groups of this node. The answer has no
// token for a second page: with more groups than it holds, those that may be
// reclaimed are asked for by id, some at each turn.
func (p *Provider) readEvents(ctx context.Context) error {
	shown := func(e *entry) bool { return e.stage == stageLive && e.group != nil }
	req := eci.DescribeContainerGroupEventsRequest{SinceSecond: p.window(p.eventsRead), Limit: eci.MaxStatusesPerPage}
	switch n := p.store.count(shown); {
	case n == 0:
		return nil
	case n <= eci.MaxStatusesPerPage:
		req.Tags = p.nodeTags()
		return p.takeEvents(ctx, &req)
	}
	groups := p.store.all(func(e *entry) bool { return shown(e) && e.group.isSpot() })
	req.SinceSecond = 0 // a turn may come late to a group
	for range min(eventBatches, (len(groups)+eci.MaxGroupsPerPage-1)/eci.MaxGroupsPerPage) {
		req.ContainerGroupIDs = nil
		for range min(eci.MaxGroupsPerPage, len(groups)) {
			req.ContainerGroupIDs = append(req.ContainerGroupIDs, groups[p.eventsNext%len(groups)].groupID)
			p.eventsNext++
		}
		if err := p.takeEvents(ctx, &req); err != nil {
			return err
		}
	}
	return nil
}

func (f *facts) isSpot() bool { return f.spotStrategy != "" && f.spotStrategy != spotNone }

func (p *Provider) takeEvents(ctx context.Context, req *eci.DescribeContainerGroupEventsRequest) error {
	resp, err := p.cloud.DescribeContainerGroupEvents(ctx, req)
	if err != nil {
		return err
	}
	for _, of := range resp.Data {
		e, ok := p.store.get(p.store.ofGroup(of.ContainerGroupID))
		if !ok {
			continue
		}
		var events []cloudEvent
		for _, ev := range of.Events {
			if event, ok := newCloudEvent(ev.Type, ev.Reason, ev.Message, ev.Count, ev.FirstTimestamp, ev.LastTimestamp); ok {
				events = append(events, event)
			}
		}
		p.relay.take(e.pod, e.groupID, events)
		if notice := reclaimNotice(events, nil); notice != "" {
			p.reclaim(ctx, e.pod.UID, notice)
		}
	}
	return nil
}

// defaultEventSync is the time between two readings of all events: a tenth of
// the three minutes that a spot group has from its notice to its end.
const defaultEventSync = 20 * time.Second
