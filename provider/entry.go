package provider

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// stage is where a pod stands on its way through the cloud.
type stage string

const (
	// stageNew has no group yet, as far as we know.
	stageNew stage = "new"
	// stageLive has a group that may run and be billed.
	stageLive stage = "live"
	// stageDeleting has a live group whose delete the cloud has accepted.
	stageDeleting stage = "deleting"
	// stageEnded has a group that ended, or had one that is gone.
	stageEnded stage = "ended"
)

// entry is all that is known of one pod. What it points to is never changed in
// place, only replaced, so that a copy of an entry is a snapshot.
type entry struct {
	pod   *corev1.Pod // as Kubernetes last gave it, without our status
	stage stage

	// busy says that a create is being sent, so that nobody else sends one or
	// gives the pod up meanwhile.
	busy bool
	// attempt counts the groups that this pod has used up.
	attempt int
	// pending was sent but not answered: the group may exist. It is sent again
	// as it is, so that its ClientToken meets the same parameters.
	pending *eci.CreateContainerGroupRequest
	// takenAt is when the ClientToken was first refused as used up by a group that
	// no list shows; zero is never.
	takenAt time.Time
	// behaviour is what the annotations ask of us, nil until the pod has been
	// translated; places counts the places that they give to try. narrow holds their demands
	// beside the size, see narrowOf.
	behaviour *request.Behaviour
	places    int
	narrow    string
	// rounded says to what size the pod was raised, or nothing.
	rounded string
	// tries counts the creates in a row that were refused for want of room.
	tries int
	// noSpot says that spot had no stock and the pod may do without.
	noSpot bool
	// gaveUp says that no more groups are to be tried for the pod.
	gaveUp bool
	// retryAt is when a group that could not be scheduled is tried anew.
	retryAt time.Time

	// source sums up the versions of what the pod's files come from, files the
	// files that the group has, by volume; nil is not known.
	source string
	files  map[string]uint64
	// tokensAt is when the tokens in the files were made, tokenTold says that
	// the user knows of their end.
	tokensAt  time.Time
	tokenTold bool

	// groupID is the group of the pod. proven reports whether its tags, read from the
	// cloud, name this pod: nothing may be done to it or shown of it before.
	groupID   string
	proven    bool
	requestID string
	createdAt time.Time
	// inherited reports whether the pod had a status of this node, and had not ended,
	// when we first saw it: an earlier life of ours, or another leader, may have made
	// its group.
	inherited bool
	// hint is the group that the pod's object names, while it is not known whether
	// that is the pod's.
	hint hint
	// unplaced is a group that could not be scheduled, until the node has decided what
	// becomes of the pod.
	unplaced *eci.ContainerGroup
	// group is nil until the cloud has shown the group, or said that it makes it.
	group    *facts
	live     *eci.ContainerGroupStatus
	deletion deletion
	// shownAt is when the cloud last showed the group.
	shownAt time.Time
	absence absence

	// disruption says that the cloud ends the pod, evicted that Kubernetes was
	// asked to delete it for that.
	disruption *corev1.PodCondition
	evicted    bool

	// eip is what became of the pod's EIP; secured is the one that was got before
	// the group was made.
	eip, secured eip.State
	// podIPsSent says that the files show the addresses that an init container
	// waits for.
	podIPsSent bool
	// eipDefaults are the annotations about EIPs that the profile of the cluster
	// gives the pod; profiled says that it was looked at.
	eipDefaults map[string]string
	profiled    bool

	status      *corev1.PodStatus // nil until the cloud has said something
	annotations map[string]string
}

// facts is what is kept of the details of a group. All of them would be most of
// what a pod at rest takes up.
type facts struct {
	status, createdAt, spotStrategy, eni string
}

func factsOf(group *eci.ContainerGroup) *facts {
	return &facts{status: group.Status, createdAt: group.CreationTime, spotStrategy: group.SpotStrategy, eni: group.ENIInstanceID}
}

// running says whether the pod may cost money now.
func (e *entry) running() bool { return e.stage == stageLive || e.stage == stageDeleting }

// moving says whether the pod is on its way up or down, so that it deserves
// fast reads.
func (e *entry) moving() bool {
	return e.stage == stageDeleting ||
		e.stage == stageLive && (e.status == nil || e.status.Phase == corev1.PodPending || e.absence.count > 0)
}

// render is the pod as the node's controller hears of it. It shares what it points
// to with the entry: nobody may change it.
func (e *entry) render() *corev1.Pod {
	pod := *e.pod
	if e.status != nil {
		pod.Status = *e.status
	}
	if e.disruption != nil {
		status.Put(&pod.Status, *e.disruption)
	}
	pod.Annotations = withoutOwned(pod.Annotations, e.annotations)
	annotate(&pod, e.annotations)
	e.showEIP(&pod)
	return &pod
}

// withoutOwned leaves out the annotations that this node writes, but for those that are
// shown anyway: what the object has there may be written by anybody.
func withoutOwned(annotations, shown map[string]string) map[string]string {
	foreign := func(key, value string) bool {
		return (status.OwnsAnnotation(key) || eip.OwnsAnnotation(key)) && shown[key] != value
	}
	for key, value := range annotations {
		if foreign(key, value) {
			kept := maps.Clone(annotations)
			maps.DeleteFunc(kept, foreign)
			return kept
		}
	}
	return annotations
}

// known says whether the provider has taken the pod over. A pod whose create
// has not succeeded is not: the node's controller is to ask again. One that
// could not be scheduled is: the provider tries anew by itself, or has given up.
func (e *entry) known() bool {
	return e.stage != stageNew || !e.retryAt.IsZero() || e.undecided() || e.gaveUp
}

// undecided reports whether a pod without a group is for the launches to look at before
// one may be made for it.
func (e *entry) undecided() bool { return e.unplaced != nil || e.hint.given() }

func (e *entry) newerThan(other *entry) bool {
	if ending, otherEnding := e.ending(), other.ending(); ending != otherEnding {
		return otherEnding
	}
	return other.pod.CreationTimestamp.Before(&e.pod.CreationTimestamp)
}

// ending reports whether the end of the pod was asked for, or goes on. The node's
// controller may ask for it without a DeletionTimestamp: an object that went while a
// watch was broken was never seen with one.
func (e *entry) ending() bool {
	return e.stage == stageDeleting || e.deletion.asked || e.pod.DeletionTimestamp != nil
}
