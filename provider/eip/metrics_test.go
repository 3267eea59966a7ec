package eip

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// mustMeasure returns the value of a gauge with one label.
func mustMeasure(t *testing.T, registry *prometheus.Registry, name, value string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == value {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s of %s", name, value)
	return 0
}

// TestAnEIPThatIsPaidForAndServesNobodyIsInSight keeps the address of a pod that is
// gone for three hours.
func TestAnEIPThatIsPaidForAndServesNobodyIsInSight(t *testing.T) {
	w := newWorld(t, 1)
	registry := prometheus.NewRegistry()
	cfg := w.cfg
	var err error
	if w.Reconciler, err = New(cfg, Deps{Cloud: w.cloud, Pods: w, Records: w.dynamic, Events: w.events, Clock: w.clock, Registry: registry}); err != nil {
		t.Fatal(err)
	}
	kept, other := w.mustAdd("kept-0", "uid-1", wantNever), w.mustAdd("other-0", "uid-2", wantAuto)
	w.turns(4)
	held := w.expectReady(kept)
	w.expectReady(other)
	expect := func(when string, bound, free, age float64) {
		t.Helper()
		if got := mustMeasure(t, registry, "eci_vnode_eips", "true"); got != bound {
			t.Errorf("%s: %g bound EIPs, want %g", when, got, bound)
		}
		if got := mustMeasure(t, registry, "eci_vnode_eips", "false"); got != free {
			t.Errorf("%s: %g EIPs bound to nothing, want %g", when, got, free)
		}
		if got := mustMeasure(t, registry, "eci_vnode_eip_oldest_age_seconds", "false"); got < age || age == 0 && got != 0 {
			t.Errorf("%s: the oldest of them is %g s old, want %g", when, got, age)
		}
	}
	expect("while the pods run", 2, 0, 0)
	w.remove(kept)
	w.pass(3 * time.Hour)
	w.turns(1)
	expect("three hours after the end of one", 1, 1, (3 * time.Hour).Seconds())
	unbound, err := Unbound(t.Context(), w.cloud, cfg.ClusterID, cfg.NodeName)
	if err != nil || len(unbound) != 1 || unbound[0].AllocationID != held.AllocationID {
		t.Errorf("listed as bound to nothing: %+v, %v", unbound, err)
	}
	if age := Age(unbound[0], w.clock.Now()); age < 3*time.Hour {
		t.Errorf("its age is %s", age)
	}
}
