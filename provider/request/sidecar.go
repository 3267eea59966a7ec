package request

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Variables by which ECI orders the start and the end of containers, and ends
// the ones that are no part of the work. A container of a higher launch priority
// starts first, and where it has a readiness probe the next ones wait for that;
// one of a higher exit priority ends first; the others have 0. Source: product
// documents "Configure the startup and exit priorities of containers" and
// "Forcibly terminate the sidecar container and ignore the container exit code".
const (
	launchPriorityVariable = "ECI_CONTAINER_LAUNCH_PRIORITY"
	exitPriorityVariable   = "ECI_CONTAINER_EXIT_PRIORITY"
	containerTypeVariable  = "ECI_CONTAINER_TYPE"
	ignoreExitVariable     = "ECI_CONTAINER_IGNORE_EXIT_CODE"
)

// IsSidecar says whether an init container is a native sidecar. In the group it
// is an app container of the same name, in front of those of the pod.
func IsSidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// apps are the containers that run together: the sidecars, then the app
// containers.
func (t *translator) apps() []corev1.Container {
	if t.parts.apps == nil {
		sidecars := slices.DeleteFunc(slices.Clone(t.pod.Spec.InitContainers), func(c corev1.Container) bool { return !IsSidecar(c) })
		t.parts.apps = slices.Clip(append(sidecars, t.pod.Spec.Containers...))
	}
	return t.parts.apps
}

// inits are the init containers that end.
func (t *translator) inits() []corev1.Container {
	if t.parts.inits == nil {
		t.parts.inits = slices.Clip(slices.DeleteFunc(slices.Clone(t.pod.Spec.InitContainers), IsSidecar))
	}
	return t.parts.inits
}

// sidecar makes an app container of init container i. ECI runs all init
// containers before all app containers, so that one behind it would lack it.
func (t *translator) sidecar(i int, path *field.Path) eci.Container {
	c := t.pod.Spec.InitContainers[i]
	for _, later := range t.pod.Spec.InitContainers[i+1:] {
		if !IsSidecar(later) {
			t.refuse(path.Child("restartPolicy"), "ECI would start the sidecar after init container "+later.Name+", which stands behind it: put it last")
			break
		}
	}
	c.RestartPolicy = nil
	out := t.appContainer(c, path)
	before, behind := i+1, len(t.pod.Spec.InitContainers)-i
	putVariable(&out, launchPriorityVariable, strconv.Itoa(behind))
	putVariable(&out, exitPriorityVariable, strconv.Itoa(before-len(t.pod.Spec.InitContainers)-1))
	t.checkCount(path.Child("env"), len(out.EnvironmentVars), maxVariables)
	if t.req.RestartPolicy != string(corev1.RestartPolicyAlways) {
		putVariable(&out, containerTypeVariable, "sidecar")
		putVariable(&out, ignoreExitVariable, "true")
		t.warn(ReasonSidecarEmulated, path.Child("restartPolicy"),
			"the sidecar is ended after the app containers, but restarted by the policy of the pod, "+t.req.RestartPolicy)
	}
	if out.ReadinessProbe != nil && c.StartupProbe == nil {
		t.warn(ReasonSidecarEmulated, path.Child("readinessProbe"), "the app containers start only when the sidecar is ready")
	}
	return out
}

// putVariable adds a variable unless the pod has its own.
func putVariable(out *eci.Container, key, value string) {
	if !slices.ContainsFunc(out.EnvironmentVars, func(v eci.EnvironmentVar) bool { return v.Key == key }) {
		out.EnvironmentVars = append(out.EnvironmentVars, eci.EnvironmentVar{Key: key, Value: value})
	}
}
