package provider

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

const (
	// firstRetry and maxRetry bound the wait before a group that could not be
	// scheduled is made anew; it doubles with every attempt.
	firstRetry = 10 * time.Second
	maxRetry   = 5 * time.Minute
	// nextPlace is the wait while the user gave another place to try.
	nextPlace = time.Second
)

// reschedule turns a group that the cloud could not place into a pod that waits
// for its next attempt: no stock is no failure of the pod, unless it wants that.
// The record of the failed group stays with the cloud, which removes it within
// 24 hours, and counts the attempts should we restart.
func (p *Provider) reschedule(e entry, group *eci.ContainerGroup) {
	if p.store.updateRunning(e, func(e *entry) { e.unplacedGroup(group) }) {
		p.scarcity.noteGroup(group, e.narrow, p.deps.Clock.Now())
		p.launches.Add(e.pod.UID)
		p.tell(e.pod.UID)
	}
}

// launch does what is missing for a pod without a group: it decides what becomes of
// one whose group could not be placed, looks for one that the pod's object names, and
// makes it anew when its wait is over.
func (p *Provider) launch(ctx context.Context, uid types.UID) error {
	e, ok := p.store.get(uid)
	switch {
	case !ok || e.stage != stageNew || e.gaveUp || e.ending():
		return nil
	case e.unplaced != nil:
		return p.decide(ctx, e)
	case e.hint.given():
		return p.followHint(ctx, uid)
	case e.retryAt.IsZero():
		return nil // the node's controller asks for it
	}
	if wait := e.retryAt.Sub(p.deps.Clock.Now()); wait > 0 {
		p.launches.AddAfter(uid, wait)
		return nil
	}
	p.retry(ctx, e)
	return nil
}

// decide lets a pod whose group could not be placed wait for its next attempt, or
// gives it up if it asks for that.
func (p *Provider) decide(ctx context.Context, e entry) error {
	uid, group := e.pod.UID, e.unplaced
	policy, err := p.createPolicy(ctx, e)
	if err != nil {
		return err
	}
	if p.giveUp(ctx, uid, policy, group) {
		return nil
	}
	spot := policy.SpotFallback && factsOf(group).isSpot()
	now := p.deps.Clock.Now()
	var wait time.Duration
	p.store.update(uid, func(e *entry) {
		wait = e.retryWait()
		e.noSpot = e.noSpot || spot
		e.retryAt, e.unplaced = now.Add(wait), nil
	})
	groupLogger(ctx, e.pod, group.ContainerGroupID).WithField("retryIn", wait.String()).
		Info("container group could not be scheduled")
	p.deps.Events.Eventf(e.pod, corev1.EventTypeWarning, "ContainerGroupScheduleFailed",
		"container group %s could not be scheduled; trying again in %s", group.ContainerGroupID, wait)
	p.launches.AddAfter(uid, wait)
	p.tell(uid)
	return nil
}

// createPolicy returns what the annotations of a pod, and those that the profile of
// the cluster gives it, ask of the node. It reads and makes nothing else.
func (p *Provider) createPolicy(ctx context.Context, e entry) (request.Behaviour, error) {
	if e.behaviour != nil {
		return *e.behaviour, nil
	}
	applied, _, err := p.profiles.apply(ctx, e.pod, p.cfg.Request)
	if err != nil {
		return request.Behaviour{}, err
	}
	return request.BehaviourOf(applied.Pod), nil
}

// retryWait returns the pause before the next attempt: next to none while there is a
// place among the user's that this round has not tried, then longer by the round.
func (e *entry) retryWait() time.Duration {
	places := max(e.places, 1)
	if e.attempt%places != 0 {
		return nextPlace
	}
	rounds := e.attempt/places + e.tries
	return min(firstRetry<<min(max(rounds-1, 0), 10), maxRetry)
}

// retry makes one group anew; a failure waits for its next turn.
func (p *Provider) retry(ctx context.Context, e entry) {
	uid := e.pod.UID
	err := p.create(ctx, uid)
	if err == nil {
		p.tell(uid)
		p.poke()
		return
	}
	if p.refused(ctx, uid, err) {
		return
	}
	now := p.deps.Clock.Now()
	wait := min(firstRetry<<min(e.attempt+e.tries, 10), maxRetry)
	if scarce := (*scarceError)(nil); errors.As(err, &scarce) {
		wait = scarce.until.Sub(now)
	}
	groupLogger(ctx, e.pod, "").WithError(err).WithField("retryIn", wait.String()).Warn("making the container group anew failed; will try again")
	p.store.update(uid, func(e *entry) { e.retryAt = now.Add(wait) })
	p.launches.AddAfter(uid, wait)
}
