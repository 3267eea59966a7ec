package provider

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

const (
	// firstRetry and maxRetry bound the wait before a group that could not be
	// scheduled is made anew; it doubles with every attempt.
	firstRetry = 10 * time.Second
	maxRetry   = 5 * time.Minute
	// retriesAtOnce bounds how many are made anew at the same time.
	retriesAtOnce = 10
)

// reschedule turns a group that the cloud could not place into a pod that waits
// for its next attempt: no stock is no failure of the pod. The record of the
// failed group stays with the cloud, which removes it within 24 hours, and
// counts the attempts should we restart.
func (p *Provider) reschedule(ctx context.Context, e entry, group *eci.ContainerGroup) {
	wait := min(firstRetry<<min(e.attempt, 10), maxRetry)
	waiting := status.Unscheduled(e.render(), *group)
	p.store.update(e.pod.UID, func(e *entry) {
		e.stage, e.groupID, e.live, e.group = stageNew, "", nil, nil
		e.attempt++
		e.retryAt = p.deps.Clock.Now().Add(wait)
		e.status = &waiting
	})
	groupLogger(ctx, e.pod, group.ContainerGroupID).WithField("retryIn", wait.String()).
		Info("container group could not be scheduled")
	p.deps.Events.Eventf(e.pod, corev1.EventTypeWarning, "ContainerGroupScheduleFailed",
		"container group %s could not be scheduled; trying again in %s", group.ContainerGroupID, wait)
	p.tell(e.pod.UID)
}

// retryUnscheduled makes the groups whose wait is over.
func (p *Provider) retryUnscheduled(ctx context.Context) {
	var running sync.WaitGroup
	slots := make(chan struct{}, retriesAtOnce)
	for _, e := range p.dueRetries() {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			p.retry(ctx, e)
		})
	}
	running.Wait()
}

// dueRetries lists the pods whose wait is over.
func (p *Provider) dueRetries() []entry {
	now := p.deps.Clock.Now()
	return p.store.all(func(e entry) bool {
		return e.stage == stageNew && !e.retryAt.IsZero() && now.After(e.retryAt) && e.pod.DeletionTimestamp == nil
	})
}

// retry makes one group anew; a failure waits for the next turn.
func (p *Provider) retry(ctx context.Context, e entry) {
	if err := p.create(ctx, e.pod.UID); err != nil {
		groupLogger(ctx, e.pod, "").WithError(err).Warn("making the container group anew failed; will try again")
		p.store.update(e.pod.UID, func(e *entry) { e.retryAt = p.deps.Clock.Now().Add(maxRetry) })
		return
	}
	p.tell(e.pod.UID)
}
