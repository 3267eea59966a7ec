package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	utilexec "k8s.io/utils/exec"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// annotationDefaultContainer is kubectl's.
const annotationDefaultContainer = "kubectl.kubernetes.io/default-container"

// place is a container of a pod that has a group.
type place struct {
	entry     entry
	container string
}

// place finds a container by name; no name is the pod's default container. The
// errors are of virtual-kubelet's classes.
func (p *Provider) place(namespace, podName, container string) (place, error) {
	e, ok := p.store.named(namespace, podName)
	if !ok {
		return place{}, notFound(namespace, podName)
	}
	if container == "" {
		container = defaultContainer(e.pod)
	}
	switch {
	case isEphemeral(e.pod, container):
		return place{}, errdefs.InvalidInputf("container %s of pod %s/%s is an ephemeral one: %s", container, namespace, podName, status.EphemeralRefused)
	case !hasContainer(e.pod, container):
		return place{}, errdefs.NotFoundf("container %s is not in pod %s/%s", container, namespace, podName)
	case e.groupID == "":
		return place{}, errdefs.NotFoundf("pod %s/%s has no container group yet", namespace, podName)
	}
	return place{entry: e, container: container}, nil
}

// target is place for a group of which something is shown, or in which something is
// done: its tags have been read, and name the pod.
func (p *Provider) target(ctx context.Context, namespace, podName, container string) (place, error) {
	at, err := p.place(namespace, podName, container)
	if err != nil || at.entry.proven {
		return at, err
	}
	if _, err := p.prove(eci.WithPriority(ctx, eci.PriorityUser), at.entry.pod.UID); err != nil {
		return place{}, at.failed("looking whose container group it is", err)
	}
	return p.place(namespace, podName, container)
}

func defaultContainer(pod *corev1.Pod) string {
	if name := pod.Annotations[annotationDefaultContainer]; name != "" {
		return name
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}

func hasContainer(pod *corev1.Pod, name string) bool {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if containers[i].Name == name {
				return true
			}
		}
	}
	return false
}

func isEphemeral(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return true
		}
	}
	return false
}

// status is what is known of the container, nil when nothing is.
func (at place) status() *corev1.ContainerStatus {
	if at.entry.status == nil {
		return nil
	}
	for _, statuses := range [][]corev1.ContainerStatus{at.entry.status.InitContainerStatuses, at.entry.status.ContainerStatuses} {
		for i := range statuses {
			if statuses[i].Name == at.container {
				return &statuses[i]
			}
		}
	}
	return nil
}

// hasEnded reports whether nothing of the group can run any more.
func (e *entry) hasEnded() bool {
	return !e.running() || e.group != nil && eci.IsTerminal(e.group.status) || e.live != nil && eci.IsTerminal(e.live.Status) ||
		e.status != nil && (e.status.Phase == corev1.PodSucceeded || e.status.Phase == corev1.PodFailed)
}

// addressIsOwn reports whether the address of the pod is certainly its own: the
// cloud gives that of a group that ends to another.
func (e *entry) addressIsOwn() bool {
	return e.stage == stageLive && !e.hasEnded() && e.status != nil && e.status.Phase == corev1.PodRunning && e.status.PodIP != "" &&
		(e.group == nil || e.group.status == eci.StatusRunning) && (e.live == nil || e.live.Status == eci.StatusRunning)
}

// current is the place as it is now, or an error if its group has ended or another
// has taken its place since. Ask before every call that reaches into the group.
func (p *Provider) current(at place) (place, error) {
	e, ok := p.store.get(at.entry.pod.UID)
	name := at.entry.pod.Namespace + "/" + at.entry.pod.Name
	switch {
	case !ok:
		return place{}, errdefs.NotFoundf("pod %s is gone", name)
	case e.groupID != at.entry.groupID:
		return place{}, errdefs.NotFoundf("container group %s of pod %s was replaced: try again", at.entry.groupID, name)
	case e.hasEnded():
		return place{}, errdefs.NotFoundf("container group %s of pod %s has ended: only a running pod can be entered", e.groupID, name)
	}
	return place{entry: e, container: at.container}, nil
}

// failed says what was attempted where. An exit code stays as it is, since
// virtual-kubelet asks for its type.
func (at place) failed(doing string, err error) error {
	var exit utilexec.CodeExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return exit
	}
	return fmt.Errorf("%s in container %s of pod %s/%s: %w", doing, at.container, at.entry.pod.Namespace, at.entry.pod.Name, err)
}
