package vnode

import (
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
)

// Names of the queues, and values of the label "queue".
const (
	queueCreate = "create"
	queueDelete = "delete"
	queueStatus = "status"
)

// Queue is what the pod controller keeps its work in.
type Queue = workqueue.TypedRateLimitingInterface[types.UID]

// newQueue makes a queue without a global rate: a first Add is served at once,
// and only a pod that failed waits, from min to max. Namespaces are served in turn.
func newQueue(name string, min, max time.Duration, c clock.WithTicker, m *queueMetrics, namespaceOf func(types.UID) string) Queue {
	fair := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[types.UID]{
		Name: name, Clock: c, MetricsProvider: m, Queue: newFairQueue(namespaceOf),
	})
	delaying := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[types.UID]{
		Name: name, Clock: c, MetricsProvider: m, Queue: fair,
	})
	return workqueue.NewTypedRateLimitingQueueWithConfig(newLimiter(min, max), workqueue.TypedRateLimitingQueueConfig[types.UID]{
		DelayingQueue: delaying,
	})
}

func newLimiter(min, max time.Duration) workqueue.TypedRateLimiter[types.UID] {
	return jittered{workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](min, max)}
}

// jittered takes up to a fifth off every pause, so that pods which failed
// together do not all come back in the same instant.
type jittered struct {
	workqueue.TypedRateLimiter[types.UID]
}

func (j jittered) When(uid types.UID) time.Duration {
	pause := j.TypedRateLimiter.When(uid)
	return pause - time.Duration(rand.Float64()*float64(pause)/5)
}

// queueMetrics shows the queues of this package the way client-go shows its own.
type queueMetrics struct {
	depth, unfinished, longest *prometheus.GaugeVec
	adds, retries              *prometheus.CounterVec
	latency, work              *prometheus.HistogramVec
}

func newQueueMetrics() *queueMetrics {
	label := []string{"queue"}
	buckets := prometheus.ExponentialBuckets(0.0001, 5, 10) // 0.1 ms to 3 min
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: metricsNamespace, Subsystem: "queue", Name: name, Help: help}, label)
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: metricsNamespace, Subsystem: "queue", Name: name, Help: help}, label)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: metricsNamespace, Subsystem: "queue", Name: name, Help: help, Buckets: buckets}, label)
	}
	return &queueMetrics{
		depth:      gauge("depth", "Pods that wait for a worker."),
		unfinished: gauge("unfinished_work_seconds", "Sum of the time that work in progress has taken so far."),
		longest:    gauge("longest_running_seconds", "How long the longest work in progress has taken so far."),
		adds:       counter("adds_total", "Pods put into the queue."),
		retries:    counter("retries_total", "Pods put into the queue again after a failure."),
		latency:    histogram("wait_duration_seconds", "How long pods waited for a worker."),
		work:       histogram("work_duration_seconds", "How long a worker took for a pod."),
	}
}

func (m *queueMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.depth, m.unfinished, m.longest, m.adds, m.retries, m.latency, m.work}
}

func (m *queueMetrics) NewDepthMetric(name string) workqueue.GaugeMetric {
	return m.depth.WithLabelValues(name)
}

func (m *queueMetrics) NewAddsMetric(name string) workqueue.CounterMetric {
	return m.adds.WithLabelValues(name)
}

func (m *queueMetrics) NewLatencyMetric(name string) workqueue.HistogramMetric {
	return m.latency.WithLabelValues(name)
}

func (m *queueMetrics) NewWorkDurationMetric(name string) workqueue.HistogramMetric {
	return m.work.WithLabelValues(name)
}

func (m *queueMetrics) NewUnfinishedWorkSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return m.unfinished.WithLabelValues(name)
}

func (m *queueMetrics) NewLongestRunningProcessorSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return m.longest.WithLabelValues(name)
}

func (m *queueMetrics) NewRetriesMetric(name string) workqueue.CounterMetric {
	return m.retries.WithLabelValues(name)
}
