package provider

import (
	"context"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		groups, err := p.groupsOf(ctx, pod)
		if err != nil {
			return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		id, err := p.liveGroupID(ctx, pod, best(groups))
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
	e, _ = p.store.get(pod.UID)
	return p.end(ctx, e, true)
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

// liveGroupID is the group to end for a pod of which the list shows found. A list
// may lie, so where it shows none that runs the pod's object is asked, as the API
// server has it now: another leader may have written there which group it made.
func (p *Provider) liveGroupID(ctx context.Context, pod *corev1.Pod, found *eci.ContainerGroup) (string, error) {
	if found != nil && !eci.IsTerminal(found.Status) {
		return found.ContainerGroupID, nil
	}
	now, err := p.deps.Kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the pod: %w", err)
	}
	named := now.Annotations[status.AnnotationInstanceID]
	if found != nil && named == found.ContainerGroupID {
		return "", nil
	}
	return named, nil
}

// bury removes the record of a group that has ended; the cloud would forget it
// by itself, so that a refusal changes nothing.
func (p *Provider) bury(ctx context.Context, e entry) error {
	if e.groupID != "" {
		_, err := p.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: e.groupID, Force: ptr.To(true)})
		if err != nil && !eci.IsNotFound(err) {
			log.G(ctx).WithError(err).WithField("containerGroup", e.groupID).Debug("record of an ended container group not removed")
		}
	}
	p.store.forget(e.pod.UID)
	return notFound(e.pod.Namespace, e.pod.Name)
}
