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

const (
	gib = 1 << 30
	// freeStorage is what every group has, in GiB; more is paid for.
	freeStorage = 30
	// maxExtraStorage bounds EphemeralStorage, in GiB. Source: OpenAPI metadata.
	maxExtraStorage = 5000
	// gpuResource is the resource that counts whole GPUs.
	gpuResource corev1.ResourceName = "nvidia.com/gpu"
	// ignoreVariable set to TRUE leaves a container out of the size of its
	// group. Source: product document "Ignore specific containers during
	// resource adjustment".
	ignoreVariable = "__ECI_RESOURCE_IGNORE__"
)

// setSize decides the size of the group: by annotation, else by what the
// containers ask for, raised to a size on sale.
func (t *translator) setSize(spec *field.Path) {
	t.checkResources(spec)
	t.setArchitecture(spec.Child("nodeSelector"))
	t.asked = t.sum()
	t.setStorage(spec)
	if t.req.InstanceType != "" || t.size != (Size{}) {
		t.setGivenSize()
		return
	}
	want := t.asked
	if want == (Size{}) {
		want = DefaultSize()
	}
	t.raise(want, spec.Child("containers"))
}

// setGivenSize takes the size of an annotation, which beats the containers.
func (t *translator) setGivenSize() {
	switch {
	case t.req.InstanceType == "":
		t.raise(t.size, t.sizePath)
	case t.wantsGPU() && !strings.Contains(t.req.InstanceType, "ecs."):
		t.refuse(t.sizePath, "GPUs need an ECS type that has them, such as ecs.gn6i-c4g1.xlarge")
	}
}

// raise sets the group to the cheapest size on sale that holds want.
func (t *translator) raise(want Size, path *field.Path) {
	if t.wantsGPU() {
		t.refuse(path, "a pod with "+string(gpuResource)+" must name an ECS type with GPUs in "+keyUseSpecs+", such as ecs.gn6i-c4g1.xlarge")
		return
	}
	size, ok := RoundUp(want, t.cfg.RegionID, t.isSpot())
	if !ok {
		t.invalid(path, want.String(), "no size on sale is that big: name an ECS type in "+keyUseSpecs+", or split the pod")
		return
	}
	if size != want {
		t.warn(ReasonSizeAdjusted, path, fmt.Sprintf("asked for %s, runs in and is billed as %s", want, size))
	}
	t.size, t.bound = size, size
	t.req.CPU, t.req.Memory = size.CPU, size.Memory
}

func (t *translator) isSpot() bool {
	return t.req.SpotStrategy != "" && t.req.SpotStrategy != spotNone
}

// sum is what the pod needs: pod level resources where given, else the sum of
// the containers or, where that is more, the biggest init container; with the
// overhead of the pod.
func (t *translator) sum() Size {
	var apps, init Size
	for _, c := range t.apps() {
		if isIgnored(c) {
			continue
		}
		size := sizeOf(c.Resources)
		apps.CPU += size.CPU
		apps.Memory += size.Memory
	}
	for _, c := range t.inits() {
		if isIgnored(c) {
			continue
		}
		size := sizeOf(c.Resources)
		init.CPU = max(init.CPU, size.CPU)
		init.Memory = max(init.Memory, size.Memory)
	}
	total := Size{CPU: max(apps.CPU, init.CPU), Memory: max(apps.Memory, init.Memory)}
	if pod := t.pod.Spec.Resources; pod != nil {
		given := sizeOf(*pod)
		total.CPU = orElse(given.CPU, total.CPU)
		total.Memory = orElse(given.Memory, total.Memory)
	}
	overhead := sizeOf(corev1.ResourceRequirements{Limits: t.pod.Spec.Overhead})
	return Size{CPU: tidy(total.CPU + overhead.CPU), Memory: tidy(total.Memory + overhead.Memory)}
}

func orElse(value, otherwise float64) float64 {
	if value > 0 {
		return value
	}
	return otherwise
}

// tidy takes the dust of binary addition off, so that 0.1+0.2 is 0.3 and fits
// where 0.3 fits.
func tidy(value float64) float64 { return math.Round(value*1e9) / 1e9 }

// sizeOf is the limits of r, and for what has no limit the request.
func sizeOf(r corev1.ResourceRequirements) Size {
	return Size{CPU: cpuOf(limitOrRequest(r, corev1.ResourceCPU)), Memory: gibOf(limitOrRequest(r, corev1.ResourceMemory))}
}

func limitOrRequest(r corev1.ResourceRequirements, name corev1.ResourceName) resource.Quantity {
	if limit, ok := r.Limits[name]; ok && !limit.IsZero() {
		return limit
	}
	return r.Requests[name]
}

// cpuOf is the quantity in vCPU, and gibOf in GiB; a quantity may have any
// notation.
func cpuOf(q resource.Quantity) float64 { return amountOf(q) }

func gibOf(q resource.Quantity) float64 { return amountOf(q) / gib }

// isIgnored says whether the container is left out of the size.
func isIgnored(c corev1.Container) bool {
	ignored := false
	for _, env := range c.Env {
		if env.Name == ignoreVariable {
			ignored = strings.EqualFold(env.Value, "true")
		}
	}
	return ignored
}

// setStorage asks for the space that the containers want above what every group
// has for nothing; an annotation may ask for more.
func (t *translator) setStorage(spec *field.Path) {
	var apps, init float64
	for _, c := range t.apps() {
		apps += gibOf(requestOrLimit(c.Resources, corev1.ResourceEphemeralStorage))
	}
	for _, c := range t.inits() {
		init = max(init, gibOf(requestOrLimit(c.Resources, corev1.ResourceEphemeralStorage)))
	}
	extra := math.Ceil(max(apps, init) - freeStorage)
	if extra > maxExtraStorage {
		t.invalid(spec.Child("containers"), strconv.FormatFloat(max(apps, init), 'f', -1, 64)+"Gi",
			"ECI has at most 5030 GiB of ephemeral storage: mount a disk or NAS for more")
		return
	}
	t.req.EphemeralStorage = max(t.req.EphemeralStorage, int32(max(extra, 0)))
}

func requestOrLimit(r corev1.ResourceRequirements, name corev1.ResourceName) resource.Quantity {
	if request, ok := r.Requests[name]; ok {
		return request
	}
	return r.Limits[name]
}

func (t *translator) wantsGPU() bool {
	for _, c := range append(t.apps(), t.inits()...) {
		if gpu := limitOrRequest(c.Resources, gpuResource); !gpu.IsZero() {
			return true
		}
	}
	return false
}

// setArchitecture asks for Arm where the pod selects such nodes; a pod that runs
// on both gets AMD64, which ECI takes when nothing is said.
func (t *translator) setArchitecture(path *field.Path) {
	switch arch := t.pod.Spec.NodeSelector[corev1.LabelArchStable]; arch {
	case "", "amd64":
	case "arm64":
		t.req.CPUArchitecture = "ARM64"
	default:
		t.refusals = append(t.refusals, field.NotSupported(path.Key(corev1.LabelArchStable), arch, []string{"amd64", "arm64"}))
	}
}
