package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// Recover fills the store from the cloud: every group with our tags is matched
// to a pod by UID. It is called once, before any pod work, with the pods that
// the API server has, and again until it succeeds: without it a create could
// make a second group for a pod that has one.
//
// The states of all groups come 200 a page; the groups themselves, 20 a page, are
// read only where a state says something else than the pod that names the group.
func (p *Provider) Recover(ctx context.Context, pods []*corev1.Pod) error {
	began := p.deps.Clock.Now()
	states, err := p.readStatuses(ctx, 0)
	if err != nil {
		return fmt.Errorf("listing the container groups of this node: %w", err)
	}
	settled, unclear := settledPods(pods, states)
	groups, err := p.describeGroups(ctx, unclear)
	if err != nil {
		return fmt.Errorf("reading %d container groups of this node: %w", len(unclear), err)
	}
	unlisted := p.sightGroups(states, groups)
	if id := leftOut(unclear, states, groups); id != "" {
		return fmt.Errorf("container group %s is in the list of states and its details are not shown: is the RAM permission eci:DescribeContainerGroups there?", id)
	}
	byPod := map[types.UID][]*eci.ContainerGroup{}
	groups = append(groups, unlisted...)
	for i := range groups {
		if who, ok := request.IdentityOf(groups[i].Tags); ok && p.isOfNode(who) {
			byPod[who.UID] = append(byPod[who.UID], &groups[i])
		}
	}
	adopted, strays := 0, maps.Clone(byPod)
	for _, pod := range pods {
		delete(strays, pod.UID)
		if live := settled[pod.UID]; live != nil {
			p.recoverSettled(pod, live, byPod[pod.UID])
			adopted++
		} else if p.recoverPod(ctx, pod, byPod[pod.UID]) {
			adopted++
		}
	}
	log.G(ctx).WithFields(log.Fields{"groups": len(states), "read": len(groups), "pods": len(pods), "adopted": adopted}).
		Info("recovered the state of this node from the cloud")
	p.recoveredAt, p.strays, p.sighted = began, strays, nil
	p.store.ready()
	return nil
}

// sightGroups remembers the groups that a try to recover has read and that may run,
// and returns those of earlier tries that are not listed any more: a list that
// leaves out what we saw proves nothing. Should they be gone, they are found lost
// like any other.
func (p *Provider) sightGroups(states map[string]*eci.ContainerGroupStatus, groups []eci.ContainerGroup) (unlisted []eci.ContainerGroup) {
	for _, id := range slices.Sorted(maps.Keys(p.sighted)) {
		if states[id] == nil {
			unlisted = append(unlisted, p.sighted[id])
		}
	}
	if p.sighted == nil {
		p.sighted = map[string]eci.ContainerGroup{}
	}
	for _, group := range groups {
		if !eci.IsTerminal(group.Status) {
			p.sighted[group.ContainerGroupID] = group
		}
	}
	return unlisted
}

// describeGroups reads groups by id, in full and with their events.
func (p *Provider) describeGroups(ctx context.Context, ids []string) ([]eci.ContainerGroup, error) {
	var groups []eci.ContainerGroup
	for batch := range slices.Chunk(ids, eci.MaxGroupsPerPage) {
		some, err := p.describe(ctx, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: batch, WithEvent: ptr.To(true)})
		if err != nil {
			return nil, err
		}
		groups = append(groups, some...)
	}
	return groups, nil
}

// leftOut returns a group that may run and that the answers with the details
// leave out, or "": whose it is nobody knows then, and its pod would be given a
// second one.
func leftOut(ids []string, states map[string]*eci.ContainerGroupStatus, groups []eci.ContainerGroup) string {
	shown := map[string]bool{}
	for i := range groups {
		shown[groups[i].ContainerGroupID] = true
	}
	for _, id := range ids {
		if !shown[id] && !eci.IsTerminal(states[id].Status) {
			return id
		}
	}
	return ""
}

// recoverSettled takes over a pod of which everything is known from its object
// and the state of its group. others are further groups of the pod.
func (p *Provider) recoverSettled(pod *corev1.Pod, live *eci.ContainerGroupStatus, others []*eci.ContainerGroup) {
	p.store.remember(pod)
	p.store.update(pod.UID, func(e *entry) {
		e.stage, e.groupID, e.createdAt = stageLive, live.ContainerGroupID, p.deps.Clock.Now()
		e.requestID = pod.Annotations[status.AnnotationRequestID]
		e.status, e.live = &pod.Status, live
		e.group = &facts{status: live.Status}
		e.attempt = failedAttempts(others)
	})
}

// recoverPod puts one pod into the store with the group that is its own.
func (p *Provider) recoverPod(ctx context.Context, pod *corev1.Pod, groups []*eci.ContainerGroup) bool {
	if wasGivenUp(pod) && !slices.ContainsFunc(groups, func(g *eci.ContainerGroup) bool { return rank(g) > 0 }) {
		p.store.remember(pod)
		p.store.update(pod.UID, func(e *entry) { e.gaveUp, e.status = true, &pod.Status })
		return false
	}
	group := best(groups)
	if group == nil || rank(group) == 0 && namesAnother(pod, groups) {
		return p.recoverHinted(pod, failedAttempts(groups))
	}
	now := p.deps.Clock.Now()
	p.store.remember(pod)
	p.store.update(pod.UID, func(e *entry) {
		e.stage, e.groupID, e.proven, e.hint, e.createdAt = stageLive, group.ContainerGroupID, true, hint{}, now
		e.requestID = pod.Annotations[status.AnnotationRequestID]
		e.status = &pod.Status
		e.attempt = failedAttempts(groups)
		if rank(group) == 0 {
			e.attempt-- // this one is counted when it is observed
		}
		if group.Status == eci.StatusTerminating && pod.DeletionTimestamp != nil {
			e.deleteAccepted(false, now)
		}
	})
	p.endings.Add(pod.UID)
	p.observe(ctx, pod.UID, group, nil)
	return true
}

// recoverLate takes over a pod that recovery was not told of, for the first list
// of an API server may be old, and that has a group: its object names one, or
// recovery saw one. Of a pod so old that nothing keeps the cloud from making it a second
// group, the one that its object names is looked at whoever wrote that.
func (p *Provider) recoverLate(ctx context.Context, pod *corev1.Pod) error {
	if _, known := p.store.get(pod.UID); known || hasEnded(pod) {
		return nil
	}
	pod, err := p.renamed(ctx, pod)
	if err != nil {
		return err
	}
	id := pod.Annotations[status.AnnotationInstanceID]
	if !hintOf(pod).given() && p.strays[pod.UID] == nil {
		switch {
		case id == "":
			return nil
		case p.doubtsToken(pod):
			return p.recoverNamed(ctx, pod, id)
		}
		p.reportForeignGroup(ctx, pod, id)
		return nil
	}
	groups, err := p.groupsOf(ctx, pod)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		groups = p.strays[pod.UID] // that a list leaves out what recovery saw proves nothing
	}
	p.recoverPod(ctx, pod, groups)
	return nil
}

// recoverNamed takes over a pod whose object names a group without telling that it is
// of this node, if it is the pod's all the same.
func (p *Provider) recoverNamed(ctx context.Context, pod *corev1.Pod, id string) error {
	group, is, err := p.lookAt(ctx, pod, id)
	switch {
	case err != nil:
		return err
	case is == ownerUnknown:
		return notYet("container group " + id + ", which the pod names, is not shown: whether it is the pod's is not known yet")
	case is == ownerPod:
		p.recoverPod(ctx, pod, []*eci.ContainerGroup{group})
	case is == ownerOther:
		p.reportForeignGroup(ctx, pod, id)
	}
	return nil
}

// doubtsToken reports whether the ClientToken of a pod may not protect it any more.
func (p *Provider) doubtsToken(pod *corev1.Pod) bool {
	return p.deps.Clock.Since(pod.CreationTimestamp.Time) >= tokenDoubt
}

// tokenDoubt is the age of a pod from which its ClientToken may not protect it any
// more: the cloud is taken to remember them for a day (inferred).
const tokenDoubt = 23 * time.Hour

// renamed is a pod as the API server has it now, where only that can tell of its
// group: the object that we were given names none and may be old, and the cloud
// may have forgotten the ClientToken of a create that was sent long ago.
func (p *Provider) renamed(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	if hintOf(pod).id != "" || !p.doubtsToken(pod) {
		return pod, nil
	}
	now, err := p.deps.Kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the pod: %w", err)
	}
	if now.UID != pod.UID {
		return nil, fmt.Errorf("the pod is gone: its name is that of %s now", now.UID)
	}
	return now, nil
}

// namesAnother reports whether the object of a pod names a group beside those that are
// listed: the list may be old, and show only attempts that failed.
func namesAnother(pod *corev1.Pod, groups []*eci.ContainerGroup) bool {
	id := hintOf(pod).id
	return id != "" && !slices.ContainsFunc(groups, func(g *eci.ContainerGroup) bool { return g.ContainerGroupID == id })
}

// recoverHinted takes over a pod whose object tells of a group which is not listed: one
// empty answer proves nothing, and making a second group would be worse than waiting
// until it is clear what became of the first. attempts is how many groups of the pod
// could not be scheduled.
func (p *Provider) recoverHinted(pod *corev1.Pod, attempts int) bool {
	from := hintOf(pod)
	if !from.given() {
		return false
	}
	from.absence.since = p.deps.Clock.Now()
	p.store.remember(pod)
	p.store.update(pod.UID, func(e *entry) {
		e.hint, e.status, e.attempt = from, &pod.Status, attempts
		e.requestID = pod.Annotations[status.AnnotationRequestID]
	})
	p.launches.Add(pod.UID)
	return true
}

// best puts a live group before an ended one, then the newest; nil is none.
func best(groups []*eci.ContainerGroup) *eci.ContainerGroup {
	if len(groups) == 0 {
		return nil
	}
	return slices.MaxFunc(groups, func(a, b *eci.ContainerGroup) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.CreationTime, b.CreationTime))
	})
}

// rank orders groups of one pod: those that never ran, those that ended, those
// that may run.
func rank(g *eci.ContainerGroup) int {
	switch {
	case g.Status == eci.StatusScheduleFailed:
		return 0
	case eci.IsTerminal(g.Status):
		return 1
	}
	return 2
}

// failedAttempts counts the attempts whose groups could not be scheduled, so
// that the next ClientToken is a fresh one.
func failedAttempts(groups []*eci.ContainerGroup) int {
	n := 0
	for _, g := range groups {
		if g.Status == eci.StatusScheduleFailed {
			n++
		}
	}
	return n
}
