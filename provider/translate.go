package provider

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// translate makes the request of a pod with the objects that it names, and the
// profile of the cluster, as they are now. Tokens are made only if asked.
func (p *Provider) translate(ctx context.Context, pod *corev1.Pod, tokens bool) (*request.Translation, request.Objects, error) {
	objects, err := p.collect(ctx, pod, tokens)
	if err != nil {
		return nil, objects, err
	}
	applied, warnings, err := p.profiles.apply(ctx, withoutEphemeral(pod), p.cfg.Request)
	if err != nil {
		return nil, objects, err
	}
	translation, err := request.Translate(applied.Pod, objects, applied.Config)
	if err != nil {
		return nil, objects, err
	}
	translation.Warnings = append(warnings, translation.Warnings...)
	return translation, objects, nil
}

// withoutEphemeral leaves out the containers that were added to a pod after it was
// made. The user hears of them when they are (refusals); the pod itself is not to
// fail for somebody who wants to look into it.
func withoutEphemeral(pod *corev1.Pod) *corev1.Pod {
	if len(pod.Spec.EphemeralContainers) == 0 {
		return pod
	}
	plain := *pod
	plain.Spec.EphemeralContainers = nil
	return &plain
}

// roundedIn is what the translation says of the size that it raised, or nothing.
func roundedIn(translation *request.Translation) string {
	for _, w := range translation.Warnings {
		if w.Reason == request.ReasonSizeAdjusted {
			return w.Message
		}
	}
	return ""
}
