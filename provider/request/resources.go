package request

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// checkResources refuses resources that ECI does not sell.
func (t *translator) checkResources(spec *field.Path) {
	for i, c := range t.pod.Spec.InitContainers {
		t.checkRequirements(c.Resources, spec.Child("initContainers").Index(i).Child("resources"))
	}
	for i, c := range t.pod.Spec.Containers {
		t.checkRequirements(c.Resources, spec.Child("containers").Index(i).Child("resources"))
	}
	if r := t.pod.Spec.Resources; r != nil {
		t.checkRequirements(*r, spec.Child("resources"))
	}
	t.checkList(t.pod.Spec.Overhead, spec.Child("overhead"))
}

func (t *translator) checkRequirements(r corev1.ResourceRequirements, path *field.Path) {
	t.check(kindResources, r, path)
	t.checkList(r.Limits, path.Child("limits"))
	t.checkList(r.Requests, path.Child("requests"))
}

func (t *translator) checkList(list corev1.ResourceList, path *field.Path) {
	for _, name := range sortedKeys(list) {
		quantity := list[name]
		at := path.Key(string(name))
		if quantity.Sign() < 0 {
			t.invalid(at, quantity.String(), "must not be negative")
		}
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		case gpuResource:
			if count := amountOf(quantity); count != math.Trunc(count) || count > math.MaxInt16 {
				t.invalid(at, quantity.String(), "ECI gives whole GPUs")
			}
		default:
			if !quantity.IsZero() {
				t.refuse(at, "ECI has no such resource: leave it out")
			}
		}
	}
}

// setContainerSize gives a container its limits. A request is no limit: what
// has only a request may use the whole group.
func (t *translator) setContainerSize(c corev1.Container, out *eci.ContainerBase) {
	if gpu := limitOrRequest(c.Resources, gpuResource); !gpu.IsZero() {
		out.GPU = int32(gpu.Value())
	}
	if t.dropsLimits() || isIgnored(c) {
		return
	}
	out.CPU = t.cap(cpuOf(c.Resources.Limits[corev1.ResourceCPU]), t.bound.CPU)
	out.Memory = t.cap(gibOf(c.Resources.Limits[corev1.ResourceMemory]), t.bound.Memory)
}

// dropsLimits is true when the size was given and is less than the sum of the
// limits, which ECI refuses to hold.
func (t *translator) dropsLimits() bool {
	var sum Size
	for _, c := range t.apps() {
		if !isIgnored(c) {
			sum.CPU += cpuOf(c.Resources.Limits[corev1.ResourceCPU])
			sum.Memory += gibOf(c.Resources.Limits[corev1.ResourceMemory])
		}
	}
	sum = Size{CPU: tidy(sum.CPU), Memory: tidy(sum.Memory)}
	return t.bound.CPU > 0 && t.bound.CPU < sum.CPU || t.bound.Memory > 0 && t.bound.Memory < sum.Memory
}

// limitDigits is what is left of a limit: ten digits after the point hold every
// whole MiB in GiB. The rest is cut, not rounded, so that the sum of the
// containers stays inside the group.
const limitDigits = 1e10

func (t *translator) cap(limit, group float64) float64 {
	limit = math.Floor(tidyLimit(limit)*limitDigits) / limitDigits
	if group > 0 {
		return min(limit, group)
	}
	return limit
}

// tidyLimit keeps floor from cutting 0.1 to 0.0999999999.
func tidyLimit(limit float64) float64 { return limit + 1e-13 }
