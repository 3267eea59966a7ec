package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// abandon gives up a pod that has no group that we know. Where a create was
// sent and not answered, the same create is sent again: it names the group,
// which then is ended like any other, so that no answer lost can leak one. The
// cloud is asked in any case: an earlier life of ours, or another leader, may
// have made a group and not lived to tell.
func (p *Provider) abandon(ctx context.Context, pod *corev1.Pod) error {
	e, ok := p.store.claim(pod.UID)
	if !ok {
		return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, errBusy)
	}
	defer p.store.release(pod.UID)
	if e.pending == nil {
		id, err := p.groupToEnd(ctx, e)
		if err != nil {
			return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		if id == "" {
			p.store.forget(pod.UID)
			return notFound(pod.Namespace, pod.Name)
		}
		p.adopt(e, &eci.CreateContainerGroupResponse{ContainerGroupID: id})
	} else if err := p.resend(ctx, e); err != nil {
		return fmt.Errorf("pod %s/%s: learning whether its container group exists: %w", pod.Namespace, pod.Name, err)
	}
	return p.end(ctx, pod.UID, forcesDeletion(pod))
}

// resend learns what a create that was not answered has made. That group may
// have failed since, and another leader have made the next: then that one is the
// pod's.
func (p *Provider) resend(ctx context.Context, e entry) error {
	if err := p.send(ctx, e); err != nil {
		return err
	}
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		return err
	}
	if found := best(groups); found != nil && !eci.IsTerminal(found.Status) {
		p.adopt(e, &eci.CreateContainerGroupResponse{ContainerGroupID: found.ContainerGroupID})
	}
	return nil
}

// groupToEnd returns the group to end for a pod that is not known to have one, or "".
// A list may lie, so where it shows none that runs, the groups that the pod's object
// names are looked at: as the API server has it now, since another leader may have
// written there which group it made, and as it was at our start, since a user may have
// edited it. Whether a group is the pod's is for its tags to tell.
func (p *Provider) groupToEnd(ctx context.Context, e entry) (string, error) {
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		return "", err
	}
	if found := best(groups); found != nil && !eci.IsTerminal(found.Status) {
		return found.ContainerGroupID, nil
	}
	now, err := p.objectNow(ctx, e.pod)
	if err != nil {
		return "", err
	}
	settled, missing := e.gaveUp, e.inherited
	for _, id := range sets.List(sets.New(now.Annotations[status.AnnotationInstanceID], e.hint.id).Delete("")) {
		if slices.ContainsFunc(groups, func(g *eci.ContainerGroup) bool { return g.ContainerGroupID == id }) {
			settled = true
			continue
		}
		group, is, err := p.lookAt(ctx, e.pod, id)
		switch {
		case err != nil:
			return "", err
		case is == ownerUnknown:
			return "", notYet("container group " + id + ", which the pod names, is not shown: whether it runs is not known yet")
		case is == ownerOther:
			p.reportForeignGroup(ctx, e.pod, id)
		case is == ownerNone:
			missing = true
		case eci.IsTerminal(group.Status):
			settled = true
		default:
			return id, nil
		}
	}
	if missing && !settled && !p.missedAgain(e.pod.UID) {
		return "", notYet("no container group of the pod is shown: whether one runs is not known yet")
	}
	return "", nil
}

// objectNow returns the object of a pod as the API server has it now, or as it was seen
// last if that has it no more.
func (p *Provider) objectNow(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	now, err := p.deps.Kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID:
		return pod, nil
	case err != nil:
		return nil, fmt.Errorf("reading the pod: %w", err)
	}
	return now, nil
}

// missedAgain notes that no group of a pod was shown, and reports whether that was so
// before, long enough ago that both reads cannot be as old as a young group.
func (p *Provider) missedAgain(uid types.UID) bool {
	now := p.deps.Clock.Now()
	e := p.store.changed(uid, func(e *entry) {
		if e.hint.absence.count == 0 {
			e.hint.absence.since = now
		}
		e.hint.absence.add(now)
	})
	return e.hint.absence.count > 1 && now.Sub(e.hint.absence.since) >= readLag
}

// bury removes the record of a group that has ended. The cloud forgets it by itself,
// so that this is left out where other deletes need the budget, and a refusal changes
// nothing.
func (p *Provider) bury(ctx context.Context, e entry) error {
	if e.groupID != "" && e.proven {
		_, err := p.cloud.DeleteContainerGroup(eci.WithPriority(ctx, eci.PrioritySpare),
			&eci.DeleteContainerGroupRequest{ContainerGroupID: e.groupID, Force: ptr.To(true)})
		if err != nil && !eci.IsNotFound(err) {
			log.G(ctx).WithError(err).WithField("containerGroup", e.groupID).Debug("record of an ended container group not removed")
		}
	}
	p.store.forget(e.pod.UID)
	return notFound(e.pod.Namespace, e.pod.Name)
}
