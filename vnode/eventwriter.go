package vnode

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/record"
)

// What becomes of an event: the closed set of the label "result".
const (
	eventWritten    = "written"    // as an event of its own
	eventCounted    = "counted"    // as the count of an earlier one
	eventSuppressed = "suppressed" // its object is loud for long
	eventRefused    = "refused"    // by the API server
	eventDropped    = "dropped"    // the queue was full, or the program ended
)

const (
	// eventTries and the pauses between them outlast a restart of the API server.
	eventTries    = 12
	eventPauseMin = 500 * time.Millisecond
	eventPauseMax = 10 * time.Second
	// eventFlush is how long events that wait may still be written at shutdown.
	eventFlush = 5 * time.Second
)

func (r *EventRecorder) count(result string) { r.metrics.WithLabelValues(result).Inc() }

// Start begins to write. The returned function writes what waits, for at most
// some seconds, and returns when nothing is written any more.
func (r *EventRecorder) Start(ctx context.Context) (stop func()) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var writers sync.WaitGroup
	for _, q := range r.queues {
		writers.Go(func() {
			defer utilruntime.HandleCrashWithContext(working)
			r.write(working, q)
		})
	}
	return func() {
		for _, q := range r.queues {
			q.close()
		}
		timer := time.AfterFunc(eventFlush, func() {
			defer utilruntime.HandleCrashWithContext(working)
			cancel()
		})
		writers.Wait()
		timer.Stop()
		cancel()
	}
}

// write empties a queue until it is closed. Each writer has a correlator, which
// is not safe for two at once.
func (r *EventRecorder) write(ctx context.Context, q *eventQueue) {
	correlator := record.NewEventCorrelator(r.clock)
	for event := q.next(); event != nil; event = q.next() {
		r.writeOne(ctx, correlator, event)
	}
}

// writeOne writes an event, or drops it where that panics.
func (r *EventRecorder) writeOne(ctx context.Context, correlator *record.EventCorrelator, event *corev1.Event) {
	defer utilruntime.HandleCrashWithContext(ctx, func(context.Context, any) { r.count(eventDropped) })
	result, err := correlator.EventCorrelate(event)
	switch {
	case err != nil || ctx.Err() != nil:
		r.count(eventDropped)
	case result.Skip:
		r.count(eventSuppressed)
	default:
		r.store(ctx, correlator, result)
	}
}

// store writes one event, however often that has to be tried.
func (r *EventRecorder) store(ctx context.Context, correlator *record.EventCorrelator, c *record.EventCorrelateResult) {
	log.G(ctx).WithFields(log.Fields{"namespace": c.Event.InvolvedObject.Namespace, "object": c.Event.InvolvedObject.Name,
		"type": c.Event.Type, "reason": c.Event.Reason}).Debug(c.Event.Message)
	pause := eventPauseMin
	for try := 1; ; try++ {
		stored, result, err := r.send(ctx, c)
		if err == nil {
			correlator.UpdateState(stored)
			r.count(result)
			return
		}
		if final := isFinal(err); final || try == eventTries || !r.sleep(ctx, pause) {
			log.G(ctx).WithError(err).WithField("reason", c.Event.Reason).Debug("event not written")
			r.count(map[bool]string{true: eventRefused, false: eventDropped}[final])
			return
		}
		pause = min(2*pause, eventPauseMax)
	}
}

// send creates an event, or raises the count of an earlier one.
func (r *EventRecorder) send(ctx context.Context, c *record.EventCorrelateResult) (stored *corev1.Event, result string, err error) {
	events := r.client.CoreV1().Events("")
	if c.Patch != nil {
		if stored, err = events.PatchWithEventNamespaceWithContext(ctx, c.Event, c.Patch); err == nil || !apierrors.IsNotFound(err) {
			return stored, eventCounted, err
		}
		// It has expired: the count goes on in a new one.
	}
	fresh := c.Event.DeepCopy()
	fresh.ResourceVersion = ""
	stored, err = events.CreateWithEventNamespaceWithContext(ctx, fresh)
	if apierrors.IsAlreadyExists(err) {
		return fresh, eventWritten, nil // an earlier try, whose answer was lost
	}
	return stored, eventWritten, err
}

// isFinal says that trying again would not help: the API server has answered, and
// not that it is busy.
func isFinal(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && !apierrors.IsTooManyRequests(err) && !apierrors.IsInternalError(err) &&
		!apierrors.IsServerTimeout(err) && !apierrors.IsServiceUnavailable(err) && !apierrors.IsTimeout(err)
}

func (r *EventRecorder) sleep(ctx context.Context, d time.Duration) bool {
	timer := r.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}
