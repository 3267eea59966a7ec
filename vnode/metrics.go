package vnode

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const metricsNamespace = "vnode"

// Values of the labels "operation" and "result". Both sets are closed.
const (
	opCreate     = "create"
	opUpdate     = "update"
	opDelete     = "delete"
	opGet        = "get"
	opRecover    = "recover"
	opConditions = "conditions"
	opStatus     = "status_patch"
	opRemove     = "pod_delete"

	resultOK       = "ok"
	resultNotFound = "not_found"
	resultInvalid  = "invalid"
	resultConflict = "conflict"
	resultPanic    = "panic"
	resultError    = "error"
)

type metrics struct {
	providerCalls *prometheus.HistogramVec
	apiWrites     *prometheus.HistogramVec
	panics        *prometheus.CounterVec
	queues        *queueMetrics
}

// newMetrics registers the metrics of a virtual node; a nil registry measures for nobody.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		providerCalls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "provider_call_duration_seconds",
			Help:    "Calls into the provider, by operation and result.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10), // 1 ms to 4 min
		}, []string{"operation", "result"}),
		apiWrites: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "pod_write_duration_seconds",
			Help:    "Writes of pods to the API server, by operation and result.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // 1 ms to 16 s
		}, []string{"operation", "result"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "panics_total",
			Help: "Panics that were caught and turned into errors, by what was going on.",
		}, []string{"operation"}),
		queues: newQueueMetrics(),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range append([]prometheus.Collector{m.providerCalls, m.apiWrites, m.panics}, m.queues.collectors()...) {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of the virtual node: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) providerCall(op, result string, took time.Duration) {
	m.providerCalls.WithLabelValues(op, result).Observe(took.Seconds())
}

func (m *metrics) apiWrite(op string, err error, took time.Duration) {
	m.apiWrites.WithLabelValues(op, apiResult(err)).Observe(took.Seconds())
}

func providerResult(err error) string {
	switch {
	case err == nil:
		return resultOK
	case errdefs.IsNotFound(err):
		return resultNotFound
	case errdefs.IsInvalidInput(err):
		return resultInvalid
	default:
		return resultError
	}
}

func apiResult(err error) string {
	switch {
	case err == nil:
		return resultOK
	case apierrors.IsNotFound(err):
		return resultNotFound
	case apierrors.IsInvalid(err):
		return resultInvalid
	case apierrors.IsConflict(err):
		return resultConflict
	default:
		return resultError
	}
}
