package request

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// fieldValue reads a fieldRef of a variable. Of the addresses ECI fills in the
// pod's; a group is its own host, so that hostIP is the same.
func (t *translator) fieldValue(ref *corev1.ObjectFieldSelector, path *field.Path) (value, bool) {
	switch ref.FieldPath {
	case "spec.nodeName":
		return value{text: t.nodeName()}, true
	case "spec.serviceAccountName":
		return value{text: t.pod.Spec.ServiceAccountName}, true
	case "status.podIP", "status.hostIP":
		return t.address(), true
	case "status.podIPs", "status.hostIPs":
		if t.req.IPv6AddressCount > 0 {
			t.refuse(path, "ECI fills in the IPv4 address only")
			return value{}, false
		}
		return t.address(), true
	}
	text, ok := t.metadata(ref.FieldPath, path)
	return value{text: text}, ok
}

// address is known beforehand when an annotation gives it.
func (t *translator) address() value {
	if known := t.req.PrivateIPAddress; known != "" {
		return value{text: known}
	}
	return value{podIP: true}
}

func (t *translator) nodeName() string {
	if t.pod.Spec.NodeName != "" {
		return t.pod.Spec.NodeName
	}
	return t.cfg.NodeName
}

// metadata reads a path into the metadata of the pod.
func (t *translator) metadata(fieldPath string, path *field.Path) (string, bool) {
	if name, key, ok := subscript(fieldPath); ok {
		switch name {
		case "metadata.labels":
			return t.pod.Labels[key], true
		case "metadata.annotations":
			return t.pod.Annotations[key], true
		}
	}
	switch fieldPath {
	case "metadata.name":
		return t.pod.Name, true
	case "metadata.namespace":
		return t.pod.Namespace, true
	case "metadata.uid":
		return string(t.pod.UID), true
	case "metadata.labels":
		return formatOnce(&t.parts.labels, t.pod.Labels), true
	case "metadata.annotations":
		return formatOnce(&t.parts.annotations, t.pod.Annotations), true
	}
	t.invalid(path, fieldPath, "no such field of the downward API")
	return "", false
}

// formatOnce keeps what formatMap returns: many files may show the same map.
func formatOnce(known **string, m map[string]string) string {
	if *known == nil {
		text := formatMap(m)
		*known = &text
	}
	return **known
}

// subscript splits metadata.labels['key'].
func subscript(fieldPath string) (name, key string, ok bool) {
	inner, ok := strings.CutSuffix(fieldPath, "']")
	if !ok {
		return "", "", false
	}
	return strings.Cut(inner, "['")
}

// formatMap writes a map as the kubelet does into files: key="value" lines, in
// order, without a newline at the end.
func formatMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, key := range sortedKeys(m) {
		lines = append(lines, fmt.Sprintf("%v=%q", key, m[key]))
	}
	return strings.Join(lines, "\n")
}

// downwardFile reads one file of a downward API volume.
func (t *translator) downwardFile(item corev1.DownwardAPIVolumeFile, path *field.Path) (string, bool) {
	switch {
	case item.FieldRef != nil:
		return t.metadata(item.FieldRef.FieldPath, path.Child("fieldRef", "fieldPath"))
	case item.ResourceFieldRef != nil:
		return t.resourceOfNamed(item.ResourceFieldRef, path.Child("resourceFieldRef"))
	default:
		t.refusals = append(t.refusals, field.Required(path, "fieldRef or resourceFieldRef"))
	}
	return "", false
}

// resourceOfNamed reads a resource of the container that ref names.
func (t *translator) resourceOfNamed(ref *corev1.ResourceFieldSelector, path *field.Path) (string, bool) {
	for _, list := range [][]corev1.Container{t.apps(), t.inits()} {
		for i := range list {
			if list[i].Name == ref.ContainerName {
				return t.resourceValue(ref, list[i], path)
			}
		}
	}
	t.invalid(path.Child("containerName"), ref.ContainerName, "no such container")
	return "", false
}

// resourceValue reads a resource of a container in units of the divisor,
// rounded up, as the kubelet does. A limit that is not set is all there is: for
// the kubelet the node, here the group.
func (t *translator) resourceValue(ref *corev1.ResourceFieldSelector, c corev1.Container, path *field.Path) (string, bool) {
	if ref.ContainerName != "" && ref.ContainerName != c.Name {
		return t.resourceOfNamed(ref, path)
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	resourceName := corev1.ResourceName(name)
	switch resourceName {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
	default:
		t.invalid(path.Child("resource"), ref.Resource, "no such resource of the downward API")
		return "", false
	}
	var amount float64
	switch kind {
	case "limits":
		amount = amountOf(c.Resources.Limits[resourceName])
		if amount == 0 {
			amount = t.whole(resourceName)
		}
		if amount == 0 {
			t.refuse(path.Child("resource"), "the container has no such limit, and the size of the group is not known before ECI chose its type")
			return "", false
		}
	case "requests":
		amount = amountOf(c.Resources.Requests[resourceName])
	default:
		t.invalid(path.Child("resource"), ref.Resource, "no such resource of the downward API")
		return "", false
	}
	return inUnits(amount, ref.Divisor), true
}

// whole is what the group has of a resource, 0 when that is not known.
func (t *translator) whole(name corev1.ResourceName) float64 {
	switch name {
	case corev1.ResourceCPU:
		return t.size.CPU
	case corev1.ResourceMemory:
		return t.size.Memory * gib
	}
	return float64(freeStorage+t.req.EphemeralStorage) * gib
}

// inUnits divides and rounds up; no divisor is 1.
func inUnits(amount float64, divisor resource.Quantity) string {
	unit := amountOf(divisor)
	if unit <= 0 {
		unit = 1
	}
	// The dust of a division such as 0.3/0.1 must not round up.
	return strconv.FormatFloat(math.Ceil(amount/unit-1e-9), 'f', 0, 64)
}
