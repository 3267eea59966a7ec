package provider

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

const (
	// firstRetry and maxRetry bound the wait before a group that could not be
	// scheduled is made anew; it doubles with every attempt.
	firstRetry = 10 * time.Second
	maxRetry   = 5 * time.Minute
	// nextPlace is the wait while the user gave another place to try.
	nextPlace = time.Second
	// retriesAtOnce bounds how many are made anew at the same time.
	retriesAtOnce = 10
)

// reschedule turns a group that the cloud could not place into a pod that waits
// for its next attempt: no stock is no failure of the pod, unless it wants that.
// The record of the failed group stays with the cloud, which removes it within
// 24 hours, and counts the attempts should we restart.
func (p *Provider) reschedule(ctx context.Context, e entry, group *eci.ContainerGroup) {
	uid := e.pod.UID
	waiting := status.Unscheduled(e.render(), *group)
	spot := p.behaviour(ctx, uid).SpotFallback && factsOf(group).isSpot()
	current := p.store.updateRunning(e, func(e *entry) {
		e.stage, e.groupID, e.live, e.group = stageNew, "", nil, nil
		e.attempt++
		e.noSpot = e.noSpot || spot
		e.status = &waiting
	})
	if !current {
		return
	}
	if p.giveUp(ctx, uid, group) {
		return
	}
	wait := p.retryWait(uid)
	p.store.update(uid, func(e *entry) { e.retryAt = p.deps.Clock.Now().Add(wait) })
	groupLogger(ctx, e.pod, group.ContainerGroupID).WithField("retryIn", wait.String()).
		Info("container group could not be scheduled")
	p.deps.Events.Eventf(e.pod, corev1.EventTypeWarning, "ContainerGroupScheduleFailed",
		"container group %s could not be scheduled; trying again in %s", group.ContainerGroupID, wait)
	p.tell(uid)
}

// retryWait is the pause before the next attempt: next to none while there is a
// place among the user's that this round has not tried, then longer by the round.
func (p *Provider) retryWait(uid types.UID) time.Duration {
	e, _ := p.store.get(uid)
	places := max(e.places, 1)
	if e.attempt%places != 0 {
		return nextPlace
	}
	rounds := e.attempt/places + e.tries
	return min(firstRetry<<min(max(rounds-1, 0), 10), maxRetry)
}

// retryUnscheduled makes the groups whose wait is over.
func (p *Provider) retryUnscheduled(ctx context.Context) {
	var running sync.WaitGroup
	slots := make(chan struct{}, retriesAtOnce)
	for _, e := range p.dueRetries() {
		slots <- struct{}{}
		running.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx, func(context.Context, any) { p.postpone(e.pod.UID) })
			defer func() { <-slots }()
			p.retry(ctx, e)
		})
	}
	running.Wait()
}

// dueRetries lists the pods whose wait is over.
func (p *Provider) dueRetries() []entry {
	now := p.deps.Clock.Now()
	return p.store.all(func(e *entry) bool {
		return e.stage == stageNew && !e.retryAt.IsZero() && now.After(e.retryAt) && e.pod.DeletionTimestamp == nil
	})
}

// retry makes one group anew; a failure waits for the next turn.
func (p *Provider) retry(ctx context.Context, e entry) {
	if err := p.create(ctx, e.pod.UID); err != nil {
		if p.refused(ctx, e.pod.UID, err) {
			return
		}
		wait := min(firstRetry<<min(e.attempt+e.tries, 10), maxRetry)
		groupLogger(ctx, e.pod, "").WithError(err).WithField("retryIn", wait.String()).Warn("making the container group anew failed; will try again")
		p.store.update(e.pod.UID, func(e *entry) { e.retryAt = p.deps.Clock.Now().Add(wait) })
		return
	}
	p.tell(e.pod.UID)
}
