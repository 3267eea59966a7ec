package openapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Results of an attempt: the closed set of the label "result".
const (
	ResultSuccess   = "success"
	ResultThrottled = "throttled"
	ResultNoStock   = "no_stock"
	ResultQuota     = "quota"
	ResultNotFound  = "not_found"
	ResultAuth      = "auth"
	ResultRefused   = "refused"
	ResultServer    = "server_error"
	ResultNoAnswer  = "no_answer"
	ResultUnsent    = "unsent"
	ResultCanceled  = "canceled"
)

// resultOf classes an attempt.
func resultOf(err error) string {
	var refused *eci.Error
	switch {
	case err == nil, eci.IsDryRunOK(err):
		return ResultSuccess
	case eci.IsThrottled(err):
		return ResultThrottled
	case eci.IsNoStock(err):
		return ResultNoStock
	case eci.IsQuotaExceeded(err):
		return ResultQuota
	case eci.IsNotFound(err):
		return ResultNotFound
	case eci.IsAuth(err):
		return ResultAuth
	case errors.As(err, &refused) && refused.HTTPStatus < 500:
		return ResultRefused
	case refused != nil:
		return ResultServer
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ResultCanceled
	case errors.Is(err, errUnsent):
		return ResultUnsent
	}
	return ResultNoAnswer
}

// metrics are those of one client; the label "action" is one of the actions of
// package eci.
type metrics struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	wait     *prometheus.HistogramVec
	rate     *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
}

func newMetrics() *metrics {
	byAction := []string{"action"}
	return &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eci_api_calls_total",
			Help: "Attempts to call the ECI OpenAPI, by action and result.",
		}, []string{"action", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "eci_api_call_duration_seconds",
			Help:    "Time from sending an attempt to its whole answer.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}, byAction),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "eci_api_budget_wait_seconds",
			Help:    "Time that an attempt waited for its budget.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}, byAction),
		rate: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eci_api_budget_calls_per_second",
			Help: "Current budget: the configured rate, cut while the cloud throttles.",
		}, byAction),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eci_api_budget_waiting_calls",
			Help: "Calls that wait for their budget now.",
		}, byAction),
	}
}

func (m *metrics) register(registry prometheus.Registerer) error {
	for _, collector := range []prometheus.Collector{m.calls, m.duration, m.wait, m.rate, m.waiting} {
		if err := registry.Register(collector); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

func (m *metrics) observe(a Attempt) {
	m.calls.WithLabelValues(a.Action, a.Result).Inc()
	m.wait.WithLabelValues(a.Action).Observe(a.BudgetWait.Seconds())
	if a.Result != ResultUnsent {
		m.duration.WithLabelValues(a.Action).Observe(a.Duration.Seconds())
	}
}
