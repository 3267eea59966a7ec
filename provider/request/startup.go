package request

import (
	"math"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Defaults of the API server for probes.
const (
	defaultProbePeriod   = 10
	defaultProbeFailures = 3
)

// startup works a startup probe into the two probes of out.
//
// The liveness probe waits for the whole time that the container has to start:
// it never kills a starting container; one that hangs is killed when that time
// is over, as with Kubernetes, one that hangs right after an early start later
// than there. A container without a readiness probe is ready from the first
// success of the startup probe on, which a readiness probe that may fail without
// end says exactly.
//
// This holds where the probes make the same check: then what the liveness probe
// kills has not started, and what is ready has started. With the annotation
// keyStartupProbe other probes are taken as they are.
func (t *translator) startup(c corev1.Container, path *field.Path, out *eci.Container) {
	own := t.probe(c.StartupProbe, c, path)
	if own == nil {
		return
	}
	const way = ": make them the same, or accept the difference with the annotation " + keyStartupProbe + ": relaxed"
	strict := !t.emulation.relaxedStartup
	switch {
	case out.LivenessProbe == nil && strict:
		t.refuse(path, "ECI has no startup probe, and without a livenessProbe of the same check nothing would end a container that does not start: add one, or accept that with the annotation "+keyStartupProbe+": relaxed")
	case out.LivenessProbe != nil && !sameCheck(out.LivenessProbe, own) && strict:
		t.refuse(path, "ECI has no startup probe, and the livenessProbe makes another check"+way)
	case out.LivenessProbe != nil:
		out.LivenessProbe.InitialDelaySeconds = max(out.LivenessProbe.InitialDelaySeconds, startupTime(own))
	}
	switch {
	case out.ReadinessProbe == nil:
		own.FailureThreshold = math.MaxInt32
		out.ReadinessProbe = own
	case !sameCheck(out.ReadinessProbe, own) && strict:
		t.refuse(path, "ECI has no startup probe, and the readinessProbe, which would run at once, makes another check"+way)
	}
	message := "ECI has no startup probe: the liveness probe waits for the whole time that the container has to start"
	if out.LivenessProbe == nil {
		message = "ECI has no startup probe: the container is ready when it has started, and nothing ends one that does not start"
	}
	t.warn(ReasonProbeEmulated, path, message)
}

// sameCheck says whether two probes ask the same.
func sameCheck(a, b *eci.Probe) bool {
	return reflect.DeepEqual(a.Exec, b.Exec) && reflect.DeepEqual(a.HTTPGet, b.HTTPGet) && reflect.DeepEqual(a.TCPSocket, b.TCPSocket)
}

// startupTime is how long the probe lets a container start, in seconds.
func startupTime(p *eci.Probe) int32 {
	period, failures := int64(p.PeriodSeconds), int64(p.FailureThreshold)
	if period <= 0 {
		period = defaultProbePeriod
	}
	if failures <= 0 {
		failures = defaultProbeFailures
	}
	return int32(min(int64(p.InitialDelaySeconds)+period*failures, math.MaxInt32))
}
