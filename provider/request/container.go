package request

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Limits of a group and of a container. maxContainers is documented; the others
// are from the OpenAPI metadata, which allows more commands and arguments than
// the documents (20 of 256 characters): scripts are given that way.
const (
	maxContainers     = 20
	maxInitContainers = 40
	maxWords          = 100
	maxPorts          = 100
	maxMounts         = 100
	maxImage          = 255
)

// containers fills init and app containers.
func (t *translator) containers(spec *field.Path) {
	t.checkNames(spec)
	if len(t.pod.Spec.Containers) == 0 {
		t.refusals = append(t.refusals, field.Required(spec.Child("containers"), "a pod has one at least"))
	}
	if t.dropsLimits() {
		t.warn(ReasonLimitsNotApplied, spec.Child("containers"), "the limits of the containers are more than the given size: the group has the size, the containers no limits")
	}
	for i, c := range t.pod.Spec.InitContainers {
		path := spec.Child("initContainers").Index(i)
		if IsSidecar(c) {
			t.req.Containers = append(t.req.Containers, t.sidecar(i, path))
			continue
		}
		t.req.InitContainers = append(t.req.InitContainers, t.initContainer(c, path))
	}
	for i, c := range t.pod.Spec.Containers {
		t.req.Containers = append(t.req.Containers, t.appContainer(c, spec.Child("containers").Index(i)))
	}
}

func (t *translator) checkCount(path *field.Path, n, most int) {
	if n > most {
		t.refusals = append(t.refusals, field.TooMany(path, n, most))
	}
}

func (t *translator) initContainer(c corev1.Container, path *field.Path) eci.InitContainer {
	t.check(kindInitContainer, c, path)
	if c.RestartPolicy != nil {
		t.refuse(path.Child("restartPolicy"), "ECI restarts all containers by the policy of the pod; Always makes a sidecar")
	}
	s := t.mergeSecurity(c, kindInitSecurity, path)
	t.checkInitSecurity(s, c.Name)
	base, _ := t.base(c, s, path)
	return eci.InitContainer{ContainerBase: base}
}

func (t *translator) appContainer(c corev1.Container, path *field.Path) eci.Container {
	t.check(kindContainer, c, path)
	s := t.mergeSecurity(c, kindSecurity, path)
	base, hide := t.base(c, s, path)
	out := eci.Container{ContainerBase: base}
	t.setAppSecurity(s, &out)
	if hide {
		out.EnvironmentVarHide = ptr.To(true)
	}
	out.Stdin, out.StdinOnce, out.TTY = ifTrue(c.Stdin), ifTrue(c.StdinOnce), ifTrue(c.TTY)
	out.LivenessProbe = t.probe(c.LivenessProbe, c, path.Child("livenessProbe"))
	out.ReadinessProbe = t.probe(c.ReadinessProbe, c, path.Child("readinessProbe"))
	t.startup(c, path.Child("startupProbe"), &out)
	t.hooks(c, path.Child("lifecycle"), &out)
	return out
}

func ifTrue(b bool) *bool {
	if b {
		return ptr.To(true)
	}
	return nil
}

// base fills what both kinds have; hide says that a Secret is in the
// environment.
func (t *translator) base(c corev1.Container, s security, path *field.Path) (out eci.ContainerBase, hide bool) {
	environment := t.environment(c, path)
	t.permitLogs(c, environment, path)
	out = eci.ContainerBase{
		Name:            c.Name,
		Image:           c.Image,
		ImagePullPolicy: string(c.ImagePullPolicy),
		WorkingDir:      c.WorkingDir,
		EnvironmentVars: environment.wire(),
		Command:         t.words(c.Name, c.Command, environment, path.Child("command")),
		Args:            t.words(c.Name, c.Args, environment, path.Child("args")),
		Ports:           t.ports(c.Ports, path.Child("ports")),
		VolumeMounts:    t.mounts(c.VolumeMounts, environment, path.Child("volumeMounts")),
	}
	if c.Image == "" || len(c.Image) > maxImage {
		t.invalid(path.Child("image"), c.Image, "an image has 1 to 255 characters")
	}
	t.checkEnums(c, path)
	t.hide(c.Name, environment)
	t.setContainerSize(c, &out)
	t.setSecurity(s, &out)
	t.setTermination(c, &out)
	return out, environment.hides()
}

// setTermination leaves out what the API server has defaulted, for ECI's own
// kubelet defaults it the same way.
func (t *translator) setTermination(c corev1.Container, out *eci.ContainerBase) {
	if c.TerminationMessagePath != corev1.TerminationMessagePathDefault {
		out.TerminationMessagePath = c.TerminationMessagePath
	}
	if c.TerminationMessagePolicy != corev1.TerminationMessageReadFile {
		out.TerminationMessagePolicy = string(c.TerminationMessagePolicy)
	}
}

// words expands a command line with the variables of the container. Words that
// hold a Secret are marked, see Translation.Shown.
func (t *translator) words(container string, words []string, e *environment, path *field.Path) []string {
	var out []string
	for i, word := range words {
		v, embedded, ok := t.expand(word, e.lookup, path.Index(i))
		if !ok {
			continue
		}
		if embedded || v.podIP {
			t.refuse(path.Index(i), "the address of the pod is not known before ECI starts it; let a shell read the variable, or give the pod its address by "+annotationPrefix+"eci-private-ip-address")
		}
		if v.secret {
			t.hidden.put(container, nil, []string{v.text})
		}
		out = append(out, v.text)
	}
	return out
}

func (t *translator) ports(ports []corev1.ContainerPort, path *field.Path) []eci.ContainerPort {
	var out []eci.ContainerPort
	for i, p := range ports {
		t.check(kindPort, p, path.Index(i))
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		if protocol != corev1.ProtocolTCP && protocol != corev1.ProtocolUDP {
			t.refuse(path.Index(i).Child("protocol"), fmt.Sprintf("ECI has TCP and UDP, not %s: leave the port out, it is open anyway", protocol))
		}
		t.checkPort(p.ContainerPort, path.Index(i).Child("containerPort"))
		out = append(out, eci.ContainerPort{Port: p.ContainerPort, Protocol: string(protocol)})
	}
	return out
}

func (t *translator) checkPort(port int32, path *field.Path) {
	if port < 1 || port > 65535 {
		t.invalid(path, port, "must be from 1 to 65535")
	}
}
