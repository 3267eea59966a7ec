package vnode

import (
	"context"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// eventWriter records events through a client of their own. Repeated events of a
// pod become one with a count, and a pod that fails for long is not heard forever.
type eventWriter struct {
	recorder    record.EventRecorder
	broadcaster record.EventBroadcaster
	sink        record.EventSink
}

func newEventWriter(nodeName string, d Deps) *eventWriter {
	if d.Recorder != nil {
		return &eventWriter{recorder: d.Recorder}
	}
	broadcaster := record.NewBroadcaster()
	return &eventWriter{
		broadcaster: broadcaster,
		recorder:    broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "virtual-kubelet", Host: nodeName}),
		sink:        &typedcorev1.EventSinkImpl{Interface: d.EventsClient.CoreV1().Events(corev1.NamespaceAll)},
	}
}

// start begins to write and returns how to stop.
func (w *eventWriter) start(ctx context.Context) (stop func()) {
	if w.broadcaster == nil {
		return func() {}
	}
	w.broadcaster.StartRecordingToSink(w.sink)
	w.broadcaster.StartLogging(log.G(ctx).Debugf)
	return w.broadcaster.Shutdown
}
