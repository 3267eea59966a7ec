package provider

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// reasonToBeReleased is the cloud's notice that it takes a spot group back in
// about three minutes. It comes as an event and as the reason of a condition.
const reasonToBeReleased = "SpotToBeReleased"

// reclaimNotice returns what the cloud says when it announces the end of a
// group, or "".
func reclaimNotice(events []cloudEvent, live *eci.ContainerGroupStatus) string {
	for _, e := range events {
		if e.reason == reasonToBeReleased {
			return "the cloud takes the spot container group back: " + e.message
		}
	}
	if live == nil {
		return ""
	}
	for _, c := range live.PodStatus.Conditions {
		if bareReason(c.Reason) == reasonToBeReleased {
			return "the cloud takes the spot container group back: " + c.Message
		}
	}
	return ""
}

// reclaim evicts a pod whose group the cloud will take back: the pod shows the
// condition DisruptionTarget and is deleted with its own grace period, while the
// group still runs, so that its controller can replace it in time.
func (p *Provider) reclaim(ctx context.Context, uid types.UID, notice string) {
	e, ok := p.store.get(uid)
	if !ok || e.stage != stageLive || e.disruption != nil {
		return
	}
	p.disrupt(e, notice)
	if !e.ending() {
		if !hasCondition(e.pod, corev1.DisruptionTarget) { // else an earlier life of ours has said so
			p.deps.Events.Event(e.pod, corev1.EventTypeWarning, "Evicted", notice)
		}
		groupLogger(ctx, e.pod, e.groupID).Info("container group is being reclaimed; evicting its pod")
	}
	p.tell(e.pod.UID)
	p.endings.Add(e.pod.UID)
}

// disrupt notes why the cloud ends the pod.
func (p *Provider) disrupt(e entry, message string) {
	condition := status.Disrupted(message, metav1.NewTime(p.deps.Clock.Now()))
	p.store.update(e.pod.UID, func(e *entry) { e.disruption = &condition })
}

// evict deletes the pod object. It is a plain delete and no eviction: a
// disruption budget could only refuse it, and the cloud does not ask. The UID
// keeps a successor of the same name out of it.
func (p *Provider) evict(ctx context.Context, e entry) error {
	if !e.ending() {
		err := p.deps.Kube.CoreV1().Pods(e.pod.Namespace).Delete(ctx, e.pod.Name,
			metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &e.pod.UID}})
		if err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) {
			return fmt.Errorf("deleting a pod whose container group is being reclaimed: %w", err)
		}
	}
	p.store.update(e.pod.UID, func(e *entry) { e.evicted = true })
	return nil
}

func hasCondition(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}
