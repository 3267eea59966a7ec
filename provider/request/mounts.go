package request

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// mounts puts volumes into a container.
func (t *translator) mounts(mounts []corev1.VolumeMount, e *environment, path *field.Path) []eci.VolumeMount {
	var out []eci.VolumeMount
	for i, m := range mounts {
		out = append(out, t.mount(m, e, path.Index(i)))
	}
	return out
}

func (t *translator) mount(m corev1.VolumeMount, e *environment, path *field.Path) eci.VolumeMount {
	t.check(kindVolumeMount, m, path)
	out := eci.VolumeMount{Name: m.Name, MountPath: m.MountPath, SubPath: m.SubPath}
	t.checkMount(m, path)
	v, found := t.volumeNamed(m.Name)
	if !found {
		t.refusals = append(t.refusals, field.NotFound(path.Child("name"), m.Name))
	}
	if m.ReadOnly || isReadOnlyKind(v) || t.readOnly[m.Name] {
		out.ReadOnly = ptr.To(true)
	}
	if m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone {
		out.MountPropagation = string(*m.MountPropagation)
	}
	at := path.Child("subPath")
	if m.SubPathExpr != "" {
		at = path.Child("subPathExpr")
		out.SubPath = t.subPath(m.SubPathExpr, e, at)
	}
	if out.SubPath != "" {
		if problem := pathProblem(out.SubPath); problem != "" {
			// The expression is shown, not what it gave, which may be secret.
			t.invalid(at, m.SubPath+m.SubPathExpr, problem)
		}
	}
	return out
}

// subPath expands the path as the kubelet does: every variable must be known.
func (t *translator) subPath(expression string, e *environment, path *field.Path) string {
	unknown := ""
	v, embedded, ok := t.expand(expression, func(name string) (value, bool) {
		v, ok := e.lookup(name)
		if !ok {
			unknown = name
		}
		return v, ok
	}, path)
	switch {
	case !ok: // refused
	case unknown != "":
		t.invalid(path, expression, "no variable "+unknown)
	case embedded || v.podIP:
		t.refuse(path, "the address of the pod is not known before ECI starts it: use metadata.name or metadata.uid")
	}
	return v.text
}

func (t *translator) volumeNamed(name string) (corev1.Volume, bool) {
	for _, v := range t.pod.Spec.Volumes {
		if v.Name == name {
			return v, true
		}
	}
	return corev1.Volume{}, false
}
