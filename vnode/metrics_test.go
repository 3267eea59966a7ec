package vnode

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
)

func TestWorkOnAPodIsMeasured(t *testing.T) {
	c, p, registry := newCluster(t), newTestProvider(), prometheus.NewRegistry()
	p.created = func(pod *corev1.Pod) { p.tell(pod, running("10.0.0.1")) }
	p.deleted = func(pod *corev1.Pod) { p.tell(pod, ended(corev1.PodSucceeded, 0)) }
	v := mustStartWith(t, quickConfig(), Deps{Client: c, Provider: p, Pods: NewPodInformer(c, "vk"), Registry: registry})
	mustBeReady(t, v)
	c.mustCreate(t, newPod("a"))
	eventually(t, "pod runs", func() bool { return c.pod("a").Status.Phase == corev1.PodRunning })
	c.mustDelete(t, "a", 30)
	eventually(t, "pod is gone", func() bool { return c.pod("a") == nil })
	v.stop()

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			counts[family.GetName()+" "+strings.Join(labels, " ")] = m.GetHistogram().GetSampleCount() + uint64(m.GetCounter().GetValue())
		}
	}
	for _, series := range []string{
		"vnode_provider_call_duration_seconds create ok", "vnode_provider_call_duration_seconds delete ok",
		"vnode_provider_call_duration_seconds get not_found",
		"vnode_pod_write_duration_seconds status_patch ok", "vnode_pod_write_duration_seconds pod_delete ok",
		"vnode_queue_adds_total create", "vnode_queue_wait_duration_seconds delete", "vnode_queue_work_duration_seconds status",
	} {
		if counts[series] == 0 {
			t.Errorf("nothing measured for %q", series)
		}
	}
	if _, ok := counts["vnode_queue_depth create"]; !ok {
		t.Error("no queue depth")
	}
}

func TestMetricsThatAreRegisteredTwiceAreAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := newMetrics(registry); err != nil {
		t.Fatal(err)
	}
	if _, err := newMetrics(registry); err == nil {
		t.Error("no error")
	}
}
