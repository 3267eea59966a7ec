package provider

import (
	"github.com/prometheus/client_golang/prometheus"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// metrics are what the provider measures of itself.
type metrics struct {
	repairs prometheus.Counter
	reaped  prometheus.Counter
	// reapFailures, suspects and orphansHeld are of orphans, too.
	reapFailures prometheus.Counter
	suspects     prometheus.Gauge
	orphansHeld  prometheus.Gauge
}

// newMetrics registers on r; a nil r measures into the void.
func newMetrics(r prometheus.Registerer, s *store) *metrics {
	m := &metrics{
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eci_vnode_repairs_total",
			Help: "Complete listings of container groups that were compared with what is known.",
		}),
		reaped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eci_vnode_orphans_deleted_total",
			Help: "Container groups deleted because their pod is gone.",
		}),
		reapFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eci_vnode_orphan_delete_failures_total",
			Help: "Deletes of orphaned container groups that the cloud refused or did not answer.",
		}),
		suspects: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eci_vnode_orphan_suspects",
			Help: "Container groups in the latest complete listing that no pod is known for; not yet proved orphans.",
		}),
		orphansHeld: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eci_vnode_orphans_held",
			Help: "Orphans in the latest complete listing that are left alone because they are more than half of all container groups.",
		}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.repairs, m.reaped, m.reapFailures, m.suspects, m.orphansHeld)
	for _, st := range []stage{stageNew, stageLive, stageDeleting, stageEnded} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "eci_vnode_pods",
			Help:        "Pods in the store, by stage.",
			ConstLabels: prometheus.Labels{"stage": string(st)},
		}, func() float64 {
			defer utilruntime.HandleCrash()
			return float64(s.count(func(e *entry) bool { return e.stage == st }))
		}))
	}
	return m
}
