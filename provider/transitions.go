package provider

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// The methods in this file change an entry. They run under the lock of the store,
// on the entry itself, and take nothing but what has happened and when: what a
// caller read before its call of the cloud may be old by now.

// deletion is the end that was asked for a pod.
type deletion struct {
	// asked reports whether the node's controller has asked for it, force whether the
	// user forces it, forced whether the cloud has accepted a delete with Force.
	asked, force, forced bool
	// grace is the time that the containers have to end, endBy when it is over by
	// our clock. It is zero until the cloud has accepted a delete.
	grace time.Duration
	endBy time.Time
}

// deleteAsked records that the node's controller asks for the end of the pod.
// A grace period that was changed while the group ends counts from now; a shorter one
// ends no later than the one before.
func (e *entry) deleteAsked(now time.Time) {
	e.deletion.asked = true
	e.deletion.force = e.deletion.force || forcesDeletion(e.pod)
	if grace := graceOf(e.pod); e.stage == stageDeleting && !e.deletion.forced && grace != e.deletion.grace {
		if endBy := now.Add(grace); grace > e.deletion.grace || endBy.Before(e.deletion.endBy) {
			e.deletion.endBy = endBy
		}
		e.deletion.grace = grace
	}
}

// deleteAccepted records that the cloud ends the group. The grace period is the
// one that the pod has now, and counts from now, but not without end from start to
// start of this node: by no more than the clocks may differ beyond DeletionTimestamp,
// which has the grace period in it, unless that is beyond maxGrace.
func (e *entry) deleteAccepted(force bool, now time.Time) {
	if e.stage != stageDeleting {
		e.deletion.grace = graceOf(e.pod)
		e.deletion.endBy = now.Add(e.deletion.grace)
		if at := e.pod.DeletionTimestamp; at != nil && e.deletion.grace < maxGrace && at.Add(maxSkew).Before(e.deletion.endBy) {
			e.deletion.endBy = at.Add(maxSkew)
		}
	}
	e.stage = stageDeleting
	if force {
		e.deletion.forced, e.deletion.endBy = true, now
	}
}

// overdue reports whether the group has outlived the grace period of its pod by so
// much that it is to be ended with Force. That goes by our own
// clock: the API server's, which set DeletionTimestamp, may differ by more than the
// grace period.
func (e *entry) overdue(now time.Time) bool {
	return e.waitsForEnd() && now.After(e.deletion.endBy.Add(forceSlack))
}

// waitsForEnd reports whether a group whose end was asked for is still to be forced
// when its grace period is over. One that somebody else ends is not.
func (e *entry) waitsForEnd() bool {
	return e.stage == stageDeleting && !e.deletion.forced && (e.deletion.asked || e.pod.DeletionTimestamp != nil)
}

// graceOf returns the time that the containers of a pod have to end, as the kubelet
// determines it: what the delete asked for, else what the pod asks for.
func graceOf(pod *corev1.Pod) time.Duration {
	seconds := ptr.Deref(pod.DeletionGracePeriodSeconds, ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds))
	return time.Duration(min(max(seconds, 0), int64(maxGrace/time.Second))) * time.Second
}

// maxGrace bounds a grace period. The API server takes more seconds than a time.Duration
// holds, and then writes a DeletionTimestamp that may be centuries ago.
const maxGrace = math.MaxInt32 * time.Second

// forcesDeletion reports whether the user deletes the pod without any grace.
func forcesDeletion(pod *corev1.Pod) bool {
	return pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0
}

// shown takes over the status that was computed for the object was. A newer object may
// have come since, and ask for what the pod cannot have.
func (e *entry) shown(was *corev1.Pod, next corev1.PodStatus) {
	if e.pod != was {
		next = status.InPlace(e.pod, next)
	}
	e.status = &next
}

// isOf reports whether the entry still has the running group id.
func (e *entry) isOf(id string) bool { return e.running() && e.groupID == id }

// has gives the pod a group of its own, of which nothing is known but its id.
func (e *entry) has(id, requestID string, now time.Time) {
	group := eci.ContainerGroup{ContainerGroupID: id, Status: eci.StatusScheduling}
	fresh := status.FromContainerGroup(e.pod, group, nil)
	e.stage, e.pending, e.retryAt, e.takenAt, e.tries = stageLive, nil, time.Time{}, time.Time{}, 0
	e.groupID, e.requestID, e.createdAt, e.proven = id, requestID, now, true
	e.hint, e.unplaced = hint{}, nil
	e.absence, e.deletion.forced, e.deletion.endBy = absence{}, false, time.Time{}
	e.group, e.live, e.status = factsOf(&group), nil, &fresh
	e.annotations = status.Annotations(group, requestID)
}

// absence counts the successful reads in a row that should have shown a group and
// did not.
type absence struct {
	count int
	since time.Time
}

// missedSince notes a read, begun at that time, which should have shown the group.
// One that began before the group was last shown tells nothing.
func (e *entry) missedSince(began time.Time) {
	if !began.Before(e.shownAt) {
		e.absence.add(began)
	}
}

func (a *absence) add(at time.Time) {
	a.count++
	if a.since.IsZero() {
		a.since = at
	}
}

// givenUp ends the attempts to make a group; failed is the status of the last one,
// which ends a pod that asks for it.
func (e *entry) givenUp(group *eci.ContainerGroup, failed corev1.PodStatus, ends bool) {
	next := status.Unscheduled(e.render(), *group)
	next.Reason, next.Message = failed.Reason, failed.Message
	e.gaveUp, e.retryAt, e.unplaced, e.status = true, time.Time{}, nil, &next
	if ends {
		e.stage, e.status = stageEnded, &failed
	}
}

// unplacedGroup turns the pod back into one without a group: the cloud could not
// place the one that it had.
func (e *entry) unplacedGroup(group *eci.ContainerGroup) {
	waiting := status.Unscheduled(e.render(), *group)
	e.stage, e.groupID, e.live, e.group, e.proven = stageNew, "", nil, nil, false
	e.attempt++
	e.status = &waiting
	e.unplaced = &eci.ContainerGroup{ContainerGroupID: group.ContainerGroupID, Status: group.Status, SpotStrategy: group.SpotStrategy, Events: group.Events}
}
