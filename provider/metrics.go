package provider

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the provider measures of itself.
type metrics struct {
	repairs prometheus.Counter
	reaped  prometheus.Counter
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
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.repairs, m.reaped)
	for _, st := range []stage{stageNew, stageLive, stageDeleting, stageEnded} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "eci_vnode_pods",
			Help:        "Pods in the store, by stage.",
			ConstLabels: prometheus.Labels{"stage": string(st)},
		}, func() float64 { return float64(len(s.all(func(e entry) bool { return e.stage == st }))) }))
	}
	return m
}
