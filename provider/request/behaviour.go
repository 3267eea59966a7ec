package request

import (
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Behaviour is what the annotations of a pod ask of the node, because the public
// API has no parameter for it. The zero value is what happens when none is given.
type Behaviour struct {
	// FailFast reports a failed create at once, with the status reason
	// ContainerInstanceScheduleFailed, instead of trying again
	// (eci-fail-strategy: fail-fast).
	FailFast bool
	// FailOnCreateError ends a pod in phase Failed when its tries are used up
	// (pod-fail-on-create-err).
	FailOnCreateError bool
	// SpotFallback creates without SpotStrategy when there is no spot stock, and
	// reports reason SpotDegraded (eci-spot-fallback).
	SpotFallback bool
	// ImageMatch is how many of the pod's images an image cache must have to be
	// used (imc-match-count-request), AllImages for every one (imc-perfect-match);
	// 0 leaves the choice to the cloud.
	ImageMatch int
}

// AllImages is the ImageMatch of a pod that wants a cache with all of its images.
const AllImages = -1

func behaviourAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-fail-strategy", Note: "fail-back (default), fail-over or fail-fast", Actor: ActorProvider, apply: applyFailStrategy},
		{Key: "pod-fail-on-create-err", Note: "true or false", Actor: ActorProvider,
			apply: asked(func(b *Behaviour) *bool { return &b.FailOnCreateError })},
		{Key: "eci-spot-fallback", Note: "true or false: pay as you go when there is no spot stock", Actor: ActorProvider,
			apply: asked(func(b *Behaviour) *bool { return &b.SpotFallback })},
		{Key: "imc-match-count-request", Note: "images that an image cache must have to be used", Actor: ActorProvider, apply: applyMatchCount},
		{Key: "imc-perfect-match", Note: "true or false: an image cache must have all images to be used", Actor: ActorProvider, apply: applyPerfectMatch},
	}
}

// BehaviourOf returns what the annotations of a pod ask of the node. What they ask for
// in an invalid way is left out: translating the pod refuses it.
func BehaviourOf(pod *corev1.Pod) Behaviour {
	t := newTranslator(pod, Objects{}, Config{})
	for _, row := range annotationTable().rows {
		if row.Actor == ActorProvider {
			t.annotation(row)
		}
	}
	return t.behaviour
}

func applyMatchCount(t *translator, path *field.Path, value string) {
	if n, ok := t.parseInt(path, value, 0, math.MaxInt32); ok {
		t.behaviour.ImageMatch = int(n)
	}
}

func applyPerfectMatch(t *translator, path *field.Path, value string) {
	if all, ok := t.parseBool(path, value); ok && all {
		t.behaviour.ImageMatch = AllImages
	}
}

func asked(part func(*Behaviour) *bool) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		*part(&t.behaviour), _ = t.parseBool(path, value)
	}
}

func applyFailStrategy(t *translator, path *field.Path, value string) {
	values := []string{"fail-back", "fail-over", "fail-fast"}
	if !slices.Contains(values, strings.ToLower(value)) {
		t.refusals = append(t.refusals, field.NotSupported(path, value, values))
	}
	t.behaviour.FailFast = strings.EqualFold(value, "fail-fast")
}

// Units of IngressBandwidth and EgressBandwidth for Config.BandwidthUnit.
const (
	BandwidthBits  = "bit"
	BandwidthBytes = "byte"
)

// bandwidth sets a limit given in bit/s, as 40M. The documents do not agree on
// the unit of the parameter, so that the operator must say it.
func bandwidth(part func(*request) *int64) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		bits, ok := quantityOf(value)
		switch {
		case !ok:
			t.invalid(path, value, "must be bits a second, such as 40M")
		case t.cfg.BandwidthUnit == BandwidthBits:
			*part(t.req) = bits
		case t.cfg.BandwidthUnit == BandwidthBytes:
			*part(t.req) = bits / 8
		default:
			t.refuse(path, "the documents of ECI name two units for this limit, and this node has not been told which holds: leave it out, or let the operator set pods.bandwidthUnit to bit or byte")
		}
	}
}
