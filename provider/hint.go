package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// Everything in a pod object can be written by somebody who need not be trusted,
// the annotations included that this node writes. Which group is whose is told by
// the tags of the group alone, as the cloud shows them. What the object tells is a
// hint: a reason to look, and to wait before another group is made.

// reasonForeignGroup is the event reason for an annotation that names a container
// group which was not made for the pod.
const reasonForeignGroup = "ForeignContainerGroup"

// hint is what the object of a pod tells of a group that no list shows.
type hint struct {
	// id is the group that the object names, or "".
	id string
	// ran reports whether the status of the pod shows that its containers ran.
	ran     bool
	absence absence
	// gone is the group that the object named and that was not found.
	gone string
}

func (h hint) given() bool { return h.id != "" || h.ran }

// hintOf returns what the object of a pod tells of its group. An object that has no
// status of this node has no hint: its annotations were copied from another one, by
// a restore from a backup for example.
func hintOf(pod *corev1.Pod) hint {
	if !hasNodeStatus(pod) || hasEnded(pod) {
		return hint{}
	}
	return hint{id: pod.Annotations[status.AnnotationInstanceID], ran: hasRun(pod)}
}

// hasNodeStatus reports whether the status of a pod has something that only its
// node writes. The API server starts every pod without it, whoever creates the pod.
func hasNodeStatus(pod *corev1.Pod) bool {
	return hasRun(pod) || pod.Status.StartTime != nil || slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type != corev1.PodScheduled
	})
}

// hasRun reports whether the status of a pod shows that a container of it started.
func hasRun(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), func(c corev1.ContainerStatus) bool {
		return c.State.Running != nil || c.State.Terminated != nil || c.LastTerminationState.Terminated != nil
	})
}

// isOwn reports whether the tags of a group name this pod of this node.
func (p *Provider) isOwn(pod *corev1.Pod, group *eci.ContainerGroup) bool {
	who, ok := request.IdentityOf(group.Tags)
	return ok && p.isOfNode(who) && who.UID == pod.UID
}

// isOfNode reports whether an identity is of a pod of this node.
func (p *Provider) isOfNode(who request.Identity) bool {
	node := request.Identity{ClusterID: p.cfg.Request.ClusterID, NodeName: p.cfg.Request.NodeName}
	return slices.Equal(request.Identity{ClusterID: who.ClusterID, NodeName: who.NodeName}.Tags(), node.Tags())
}

// owner is whose a group is that a pod is thought to have.
type owner int

const (
	ownerUnknown owner = iota
	// ownerPod is the pod, by the tags of the group.
	ownerPod
	// ownerOther is somebody else.
	ownerOther
	// ownerNone means that there is no such group.
	ownerNone
)

// lookAt reads a group by its id and tells whose it is. A list that leaves the group
// out proves nothing by itself: either the log of the group is not found, or, where
// that cannot be asked for, another group is shown beside the one that is missing.
func (p *Provider) lookAt(ctx context.Context, pod *corev1.Pod, id string) (*eci.ContainerGroup, owner, error) {
	asked := []string{id}
	if control := p.store.newestLive(); control != "" && control != id {
		asked = append(asked, control)
	}
	groups, err := p.describe(ctx, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: asked, WithEvent: ptr.To(true)})
	if err != nil {
		return nil, ownerUnknown, fmt.Errorf("reading container group %s: %w", id, err)
	}
	for i := range groups {
		if groups[i].ContainerGroupID != id {
			continue
		}
		if p.isOwn(pod, &groups[i]) {
			return &groups[i], ownerPod, nil
		}
		return &groups[i], ownerOther, nil
	}
	switch exists := p.existenceOf(ctx, pod, id); {
	case exists == existsNot, exists == existenceUnknown && len(groups) > 0:
		return nil, ownerNone, nil
	}
	return nil, ownerUnknown, nil
}

// followHint finds out what is behind the hint of a pod without a group: its group,
// which is taken over, or nothing, after which a pod that has run is lost and any
// other is given a group.
func (p *Provider) followHint(ctx context.Context, uid types.UID) error {
	began := p.deps.Clock.Now()
	e, ok := p.store.get(uid)
	if !ok || e.stage != stageNew || !e.hint.given() {
		return nil
	}
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		return err
	}
	if found := best(groups); found != nil && rank(found) > 0 {
		p.recoverPod(ctx, e.pod, groups)
		return nil
	}
	is := ownerUnknown
	var group *eci.ContainerGroup
	if e.hint.id != "" {
		if group, is, err = p.lookAt(ctx, e.pod, e.hint.id); err != nil {
			return err
		}
	} else if is, err = p.listsWork(ctx); err != nil {
		return err
	}
	switch is {
	case ownerPod:
		p.recoverPod(ctx, e.pod, []*eci.ContainerGroup{group})
		return nil
	case ownerOther:
		p.ignoreHint(ctx, uid, e.hint.id)
	case ownerNone:
		p.missedHint(ctx, uid, began)
	}
	if e, _ = p.store.get(uid); e.hint.given() {
		p.launches.AddAfter(uid, hintPause)
	} else {
		p.launches.Add(uid)
	}
	return nil
}

// hintPause is the time between two looks for a group that the object of a pod names
// and the cloud does not show.
const hintPause = 10 * time.Second

// listsWork reports, by ownerNone, that the lists of the cloud show groups to this node, so
// that one which leaves a group out is not empty for want of permission. It asks for the newest
// group of the node, and on a node without one for any group of the region.
func (p *Provider) listsWork(ctx context.Context) (owner, error) {
	req := &eci.DescribeContainerGroupsRequest{Limit: 1}
	if control := p.store.newestLive(); control != "" {
		req.ContainerGroupIDs = []string{control}
	}
	resp, err := p.cloud.DescribeContainerGroups(ctx, req)
	switch {
	case errors.Is(err, eci.ErrAnswerTooLong), err == nil && len(resp.ContainerGroups) > 0:
		return ownerNone, nil
	}
	return ownerUnknown, err
}

// ignoreHint forgets the id that the object of a pod names: the group is another's.
func (p *Provider) ignoreHint(ctx context.Context, uid types.UID, id string) {
	e := p.store.changed(uid, func(e *entry) {
		if e.hint.id == id {
			e.hint.id, e.hint.absence = "", absence{since: p.deps.Clock.Now()}
		}
		if !e.hint.given() && e.stage == stageNew {
			e.retryAt = p.deps.Clock.Now()
		}
	})
	if e.pod != nil {
		p.reportForeignGroup(ctx, e.pod, id)
	}
}

func (p *Provider) reportForeignGroup(ctx context.Context, pod *corev1.Pod, id string) {
	p.deps.Events.Eventf(pod, corev1.EventTypeWarning, reasonForeignGroup,
		"annotation %s names container group %s, which was not made for this pod: it is ignored", status.AnnotationInstanceID, id)
	groupLogger(ctx, pod, id).Warn("the object of a pod names a container group that is not its own; ignored")
}

// missedHint notes that the cloud does not show the group of a hint, and concludes
// from enough of such reads over enough time that there is none.
func (p *Provider) missedHint(ctx context.Context, uid types.UID, began time.Time) {
	concluded := false
	e := p.store.changed(uid, func(e *entry) {
		if e.stage != stageNew || !e.hint.given() {
			return
		}
		e.hint.absence.add(began)
		if concluded = p.isLasting(e.hint.absence, began); concluded && !e.hint.ran {
			e.hint, e.retryAt = hint{gone: e.hint.id}, p.deps.Clock.Now()
		}
	})
	if concluded && e.hint.ran {
		p.declareLost(ctx, e, e.hint.id)
	}
}

// isLasting reports whether a group was missing often and long enough for its pod to
// be declared lost.
func (p *Provider) isLasting(a absence, now time.Time) bool {
	return a.count >= p.cfg.Sightings && now.Sub(a.since) >= p.cfg.LostGrace
}

// prove reads the group of a pod that is known by its object and state alone, and
// returns the entry once the group's tags name the pod. The error says what is known
// instead.
func (p *Provider) prove(ctx context.Context, uid types.UID) (entry, error) {
	e, ok := p.store.get(uid)
	if !ok || !e.running() {
		return e, errNoGroup
	}
	if e.proven {
		return e, nil
	}
	group, is, err := p.lookAt(ctx, e.pod, e.groupID)
	switch {
	case err != nil:
		return e, err
	case group != nil:
		p.observe(ctx, uid, group, nil)
	case is == ownerNone && !p.mayLag(e):
		p.gone(ctx, e)
	}
	if e, ok = p.store.get(uid); ok && e.running() && e.proven {
		return e, nil
	}
	return e, errNoGroup
}

// disown takes from a pod a group whose tags do not name it.
func (p *Provider) disown(ctx context.Context, uid types.UID, id string) {
	mistaken := false
	e := p.store.changed(uid, func(e *entry) {
		if mistaken = e.isOf(id) && !e.proven; mistaken {
			e.stage, e.groupID, e.group, e.live, e.absence, e.inherited = stageNew, "", nil, nil, absence{}, true
			now := p.deps.Clock.Now()
			e.hint, e.retryAt = hint{ran: hasRun(e.pod), absence: absence{since: now}}, now
		}
	})
	if mistaken {
		p.reportForeignGroup(ctx, e.pod, id)
		p.launches.Add(uid)
	}
}
