package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// translated is what became of a pod, and what it was made of.
type translated struct {
	*request.Translation
	objects request.Objects
	applied request.Applied
}

// translate makes the request of a pod with the objects that it names, and the
// profile of the cluster, as they are now. Tokens are made only if asked.
func (p *Provider) translate(ctx context.Context, pod *corev1.Pod, tokens bool) (made translated, err error) {
	if err = request.CheckBounds(pod); err != nil {
		return made, err // before anything is read for it
	}
	if made.objects, err = p.collect(ctx, pod, tokens); err != nil {
		return made, err
	}
	cfg := p.cfg.Request
	if e, known := p.store.get(pod.UID); known && e.running() {
		cfg.Permissions = request.AllPermissions()
	}
	var warnings []request.Warning
	if made.applied, warnings, err = p.profiles.apply(ctx, withoutEphemeral(pod), cfg); err != nil {
		return made, err
	}
	if made.Translation, err = request.Translate(made.applied.Pod, made.objects, made.applied.Config); err != nil {
		return made, err
	}
	made.Warnings = append(warnings, made.Warnings...)
	return made, nil
}

// reasonDefaults is that of the event about what the cluster gives a pod.
const reasonDefaults = "ClusterDefaultsApplied"

// reportDefaults tells what the pod got that it does not say itself. A webhook
// would write it on the pod; a node that changes what users write on their pods
// would come between them and their own later changes.
func (p *Provider) reportDefaults(pod *corev1.Pod, applied request.Applied) {
	var parts []string
	for kind, added := range map[string]map[string]string{"annotation": applied.Annotations, "label": applied.Labels} {
		for key, value := range added {
			parts = append(parts, fmt.Sprintf("%s %s=%q", kind, key, value))
		}
	}
	slices.Sort(parts)
	var givers []string
	if len(parts) > 0 {
		givers = append(givers, fmt.Sprintf("eci-profile (%s) gives %s", strings.Join(applied.Selectors, ", "), strings.Join(parts, ", ")))
	}
	if applied.Networking != "" {
		givers = append(givers, fmt.Sprintf("PodNetworking %s gives vSwitches %s, security groups %s", applied.Networking,
			strings.Join(applied.Config.VSwitchIDs, ","), applied.Config.SecurityGroupID))
	}
	if len(givers) > 0 {
		p.deps.Events.Event(pod, corev1.EventTypeNormal, reasonDefaults, strings.Join(givers, "; "))
	}
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
