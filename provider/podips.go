package provider

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// The documents of ACS have an init container wait until the file with the
// annotations of its pod shows k8s.aliyun.com/pod-ips. The addresses are known
// only when the group is made, so that such a pod gets its files once more then,
// whatever Config.UpdateFiles says: nothing but init containers has run, and they
// wait for just this. Where the update restarts the group they run again.

// awaitsPodIPs says whether such a pod still waits.
func (e *entry) awaitsPodIPs() bool {
	return !e.podIPsSent && e.eip.Ready() && e.hasFiles() && e.status != nil && e.status.PodIP != "" &&
		!isInitialized(e.status) && len(request.VolumesAwaited(e.pod)) > 0
}

func isInitialized(status *corev1.PodStatus) bool {
	return slices.ContainsFunc(status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodInitialized && c.Status == corev1.ConditionTrue
	})
}

// pokePodIPs asks the refresh loop to look at the pods that wait, if this one
// does.
func (p *Provider) pokePodIPs(e entry) {
	if !e.awaitsPodIPs() {
		return
	}
	select {
	case p.wakeFiles <- struct{}{}:
	default: // one is waiting already
	}
}

// sendPodIPs sends every pod that waits the files that it waits for. What fails
// is tried again with the next round.
func (p *Provider) sendPodIPs(ctx context.Context) {
	for _, e := range p.store.all((*entry).awaitsPodIPs) {
		translation, err := p.translate(ctx, e.render(), true)
		if err == nil {
			awaited := request.VolumesAwaited(e.pod)
			err = p.update(ctx, e, slices.DeleteFunc(translation.Request.Volumes, func(v eci.Volume) bool { return !slices.Contains(awaited, v.Name) }))
		}
		if err != nil {
			groupLogger(ctx, e.pod, e.groupID).WithError(err).Warn("telling the init containers their addresses failed; will try again")
			continue
		}
		p.store.update(e.pod.UID, func(e *entry) { e.podIPsSent = true })
	}
}
