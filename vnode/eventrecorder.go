package vnode

import (
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/reference"
	"k8s.io/utils/clock"
)

const (
	// eventWriters is how many events are written at once. All events of one
	// object have the same writer, so that they keep their order.
	eventWriters = 8
	// maxQueuedEvents bounds the memory of each writer's queue while the API
	// server is away: some 50 MB in all.
	maxQueuedEvents = 10_000
)

// EventRecorder records Kubernetes events without losing any in a burst: the
// broadcaster of client-go drops what comes while a thousand wait for its one
// writer. Repeated events of an object become one with a count, and an object
// that is loud for long is heard rarely, both by client-go's own rules. Recording
// never blocks. Start it; what is recorded before waits.
type EventRecorder struct {
	client  kubernetes.Interface
	source  corev1.EventSource
	clock   clock.WithTicker
	metrics *prometheus.CounterVec
	queues  []*eventQueue
}

var _ record.EventRecorder = (*EventRecorder)(nil)

// NewEventRecorder makes a recorder that writes through client, under the name of
// a component on a node. The registry and the clock may be nil.
func NewEventRecorder(client kubernetes.Interface, component, node string, registry prometheus.Registerer, c clock.WithTicker) (*EventRecorder, error) {
	if c == nil {
		c = clock.RealClock{}
	}
	r := &EventRecorder{
		client: client, source: corev1.EventSource{Component: component, Host: node}, clock: c,
		metrics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "events_total",
			Help: "Kubernetes events, by what became of them.",
		}, []string{"result"}),
	}
	for range eventWriters {
		r.queues = append(r.queues, newEventQueue(maxQueuedEvents))
	}
	if registry == nil {
		return r, nil
	}
	if err := registry.Register(r.metrics); err != nil {
		return nil, fmt.Errorf("register metrics of events: %w", err)
	}
	return r, nil
}

// Event records an event of an object.
func (r *EventRecorder) Event(object runtime.Object, kind, reason, message string) {
	r.record(object, nil, kind, reason, message)
}

// Eventf is Event with a format.
func (r *EventRecorder) Eventf(object runtime.Object, kind, reason, format string, args ...any) {
	r.record(object, nil, kind, reason, fmt.Sprintf(format, args...))
}

// AnnotatedEventf is Eventf with annotations on the event.
func (r *EventRecorder) AnnotatedEventf(object runtime.Object, annotations map[string]string, kind, reason, format string, args ...any) {
	r.record(object, annotations, kind, reason, fmt.Sprintf(format, args...))
}

func (r *EventRecorder) record(object runtime.Object, annotations map[string]string, kind, reason, message string) {
	of, err := reference.GetReference(scheme.Scheme, object)
	if err != nil {
		r.count(eventDropped)
		return
	}
	event := r.event(of, annotations, kind, reason, message)
	if !r.queueOf(of).add(event) {
		r.count(eventDropped)
	}
}

// maxEventName leaves room for the time that makes a name unique.
const maxEventName = 253 - 17

func (r *EventRecorder) event(of *corev1.ObjectReference, annotations map[string]string, kind, reason, message string) *corev1.Event {
	now := metav1.NewTime(r.clock.Now())
	namespace := of.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name:      fmt.Sprintf("%s.%x", of.Name[:min(len(of.Name), maxEventName)], now.UnixNano()),
			Namespace: namespace, Annotations: annotations,
		},
		InvolvedObject: *of, Type: kind, Reason: reason, Message: message,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source: r.source, ReportingController: r.source.Component, ReportingInstance: r.source.Host,
	}
}

func (r *EventRecorder) queueOf(of *corev1.ObjectReference) *eventQueue {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(string(of.UID) + of.Name)) // never fails
	return r.queues[int(hash.Sum32()%uint32(len(r.queues)))]
}

// eventQueue is a bounded queue of events.
type eventQueue struct {
	mu     sync.Mutex
	filled *sync.Cond
	events []*corev1.Event
	most   int
	closed bool
}

func newEventQueue(most int) *eventQueue {
	q := &eventQueue{most: most}
	q.filled = sync.NewCond(&q.mu)
	return q
}

// add reports whether there was room.
func (q *eventQueue) add(event *corev1.Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.events) >= q.most {
		return false
	}
	q.events = append(q.events, event)
	q.filled.Signal()
	return true
}

// next waits for an event; nil once the queue is closed and empty.
func (q *eventQueue) next() *corev1.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.events) == 0 && !q.closed {
		q.filled.Wait()
	}
	if len(q.events) == 0 {
		return nil
	}
	event := q.events[0]
	q.events[0] = nil // or the slice would keep it
	q.events = q.events[1:]
	return event
}

// close takes no more; what is there is still handed out.
func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}
