package vnode

import (
	"context"
	"io"

	dto "github.com/prometheus/client_model/go"
	"github.com/virtual-kubelet/virtual-kubelet/node"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Provider runs pods. It is the contract of the virtual-kubelet library, read as follows:
//
//   - Pods are told apart by UID. CreatePod may be called for a pod while another
//     one of the same name is still ending.
//   - CreatePod may be called again for the same UID after any error, and must then
//     not start the pod twice. An error that errdefs.IsInvalidInput recognises
//     fails the pod for good; every other error is retried.
//   - DeletePod returning nil means "asked to stop". The end is told through the
//     callback of NotifyPods, with phase Succeeded or Failed. An errdefs.NotFound
//     means that nothing of the pod runs any more. It is called again while a pod
//     is slow to end, so it must be cheap to repeat.
//   - The callback of NotifyPods takes the whole status of a pod, any number of
//     times from any goroutine, and returns quickly.
//   - Pods are shared in both directions: neither side changes one that it was
//     given or has given, or anything that it points to.
type Provider interface {
	node.PodLifecycleHandler
	node.PodNotifier
}

// Recoverer is a Provider that must find out what already runs before it can be
// trusted with new work. Recover gets the pods that the API server has for this
// node and is called until it returns nil; no pod is touched before. Such a
// provider also looks after its orphans itself.
type Recoverer interface {
	Recover(ctx context.Context, pods []*corev1.Pod) error
}

// NodeConditioner is a Provider with something to say about the node's health.
// It is asked at every ping. A Ready condition among them replaces our own.
type NodeConditioner interface {
	NodeConditions(ctx context.Context) []corev1.NodeCondition
}

// LogsGetter is a Provider that serves `kubectl logs`.
type LogsGetter interface {
	GetContainerLogs(ctx context.Context, namespace, podName, containerName string, opts api.ContainerLogOpts) (io.ReadCloser, error)
}

// Executor is a Provider that serves `kubectl exec`.
type Executor interface {
	RunInContainer(ctx context.Context, namespace, podName, containerName string, cmd []string, attach api.AttachIO) error
}

// Attacher is a Provider that serves `kubectl attach`.
type Attacher interface {
	AttachToContainer(ctx context.Context, namespace, podName, containerName string, attach api.AttachIO) error
}

// PortForwarder is a Provider that serves `kubectl port-forward`.
type PortForwarder interface {
	PortForward(ctx context.Context, namespace, pod string, port int32, stream io.ReadWriteCloser) error
}

// StatsSummarizer is a Provider that serves /stats/summary.
type StatsSummarizer interface {
	GetStatsSummary(ctx context.Context) (*statsv1alpha1.Summary, error)
}

// ResourceMetricser is a Provider that serves /metrics/resource.
type ResourceMetricser interface {
	GetMetricsResource(ctx context.Context) ([]*dto.MetricFamily, error)
}
