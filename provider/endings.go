package provider

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
)

// finish does what is missing for the end of a pod: it ends a group that another
// leader has made for a pod whose end was asked for, forces one that has outlived its
// grace period, and evicts a pod whose group the cloud takes back.
func (p *Provider) finish(ctx context.Context, uid types.UID) error {
	e, ok := p.store.get(uid)
	now := p.deps.Clock.Now()
	switch {
	case !ok || !e.running():
		return nil
	case e.stage == stageLive && e.deletion.asked:
		return p.end(ctx, uid, e.deletion.force)
	case e.overdue(now):
		return p.end(ctx, uid, true)
	case e.waitsForEnd():
		p.endings.AddAfter(uid, e.deletion.endBy.Add(forceSlack).Sub(now)+1)
	case e.stage == stageLive && e.disruption != nil && !e.evicted:
		return p.evict(ctx, e)
	}
	return nil
}
