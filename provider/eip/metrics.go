package eip

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// metrics are what the reconciler measures: an EIP costs money whether it is
// bound or not.
type metrics struct {
	held, oldest     *prometheus.GaugeVec
	bought, released prometheus.Counter
	failures         *prometheus.CounterVec
}

// newMetrics registers on r; a nil r measures into the void.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eci_vnode_eips", Help: "EIPs that this node bought and pays for, by whether they are bound to a pod.",
		}, []string{"bound"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eci_vnode_eip_oldest_age_seconds", Help: "Age of the oldest EIP that this node bought, by whether it is bound to a pod.",
		}, []string{"bound"}),
		bought: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eci_vnode_eips_bought_total", Help: "Answered purchases of an EIP; a repeated answer counts again.",
		}),
		released: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eci_vnode_eips_released_total", Help: "EIPs given back.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eci_vnode_eip_failures_total", Help: "Failed steps towards the EIP of a pod, by the reason shown on the pod.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{ReasonQuota, ReasonBalance, ReasonInUse, ReasonFailed} {
		m.failures.WithLabelValues(reason)
	}
	if r != nil {
		r.MustRegister(m.held, m.oldest, m.bought, m.released, m.failures)
	}
	return m
}

// show takes over what a listing has shown.
func (m *metrics) show(owned []vpc.EIPAddress, now time.Time) {
	held, oldest := map[string]int{}, map[string]time.Duration{}
	for _, a := range owned {
		bound := "false"
		if a.InstanceID != "" {
			bound = "true"
		}
		held[bound]++
		oldest[bound] = max(oldest[bound], Age(a, now))
	}
	for _, bound := range []string{"true", "false"} {
		m.held.WithLabelValues(bound).Set(float64(held[bound]))
		m.oldest.WithLabelValues(bound).Set(oldest[bound].Seconds())
	}
}

// Age is how long an EIP has been paid for; 0 where its time of allocation
// cannot be read.
func Age(a vpc.EIPAddress, now time.Time) time.Duration {
	at, err := time.Parse(time.RFC3339, a.AllocationTime)
	if err != nil {
		// The cloud also writes times without seconds.
		if at, err = time.Parse("2006-01-02T15:04Z", a.AllocationTime); err != nil {
			return 0
		}
	}
	return max(now.Sub(at), 0)
}
