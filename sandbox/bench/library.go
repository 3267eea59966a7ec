package main

import (
	"context"
	"flag"
	"fmt"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
)

// libraryCommand is the first argument that makes this program the rival.
const libraryCommand = "library"

// Settings of the library.
const (
	settingsStock = "stock"
	settingsBest  = "best"
)

// librarySettings are the knobs of reference that its users can turn.
type librarySettings struct {
	qps     float32
	workers int
	strip   bool // managedFields, in the informers
	limiter func() workqueue.TypedRateLimiter[any]
}

func settingsNamed(name string) (librarySettings, error) {
	switch name {
	case settingsStock:
		return librarySettings{workers: 10, limiter: workqueue.DefaultTypedControllerRateLimiter[any]}, nil
	case settingsBest:
		return librarySettings{qps: 1000, workers: 50, strip: true, limiter: retriesOnly}, nil
	}
	return librarySettings{}, fmt.Errorf("settings %q: want %s or %s", name, settingsStock, settingsBest)
}

// retriesOnly lets a first attempt through at once.
func retriesOnly() workqueue.TypedRateLimiter[any] {
	return firstFree{workqueue.NewTypedItemExponentialFailureRateLimiter[any](100*time.Millisecond, 30*time.Second)}
}

type firstFree struct {
	workqueue.TypedRateLimiter[any]
}

func (f firstFree) When(item any) time.Duration {
	pause := f.TypedRateLimiter.When(item)
	if f.NumRequeues(item) <= 1 {
		return 0
	}
	return pause
}

// runLibrary is the rival: virtual-kubelet's PodController with a provider that
// has no cloud. It runs until it is told to stop.
func runLibrary(args []string) error {
	f := flag.NewFlagSet(libraryCommand, flag.ContinueOnError)
	kubeconfig := f.String("kubeconfig", "", "")
	nodeName := f.String("node", "", "")
	name := f.String("settings", settingsBest, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	settings, err := settingsNamed(*name)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = settings.qps, int(settings.qps)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return serveLibrary(ctx, config, *nodeName, settings)
}

func serveLibrary(ctx context.Context, config *rest.Config, nodeName string, settings librarySettings) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	pods := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", nodeName).String()
		}), informers.WithTransform(settings.transform()))
	others := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(settings.transform()))
	events := record.NewBroadcaster()
	events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	defer events.Shutdown()
	controller, err := node.NewPodController(node.PodControllerConfig{
		PodClient: client.CoreV1(), PodInformer: pods.Core().V1().Pods(),
		EventRecorder:     events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "library"}),
		Provider:          &inMemory{pods: map[string]*corev1.Pod{}},
		ConfigMapInformer: others.Core().V1().ConfigMaps(), SecretInformer: others.Core().V1().Secrets(),
		ServiceInformer:                      others.Core().V1().Services(),
		SyncPodsFromKubernetesRateLimiter:    settings.limiter(),
		DeletePodsFromKubernetesRateLimiter:  settings.limiter(),
		SyncPodStatusFromProviderRateLimiter: settings.limiter(),
	})
	if err != nil {
		return err
	}
	pods.Start(ctx.Done())
	others.Start(ctx.Done())
	fmt.Println("the library runs")
	return controller.Run(ctx, settings.workers)
}

func (s librarySettings) transform() func(any) (any, error) {
	return func(obj any) (any, error) {
		if m, err := meta.Accessor(obj); err == nil && s.strip {
			m.SetManagedFields(nil)
		}
		return obj, nil
	}
}

// inMemory is the least provider that there can be.
type inMemory struct {
	mu     sync.Mutex
	pods   map[string]*corev1.Pod
	notify func(*corev1.Pod)
}

func key(namespace, name string) string { return namespace + "/" + name }

// CreatePod reports the pod Running.
func (p *inMemory) CreatePod(_ context.Context, pod *corev1.Pod) error {
	pod = pod.DeepCopy()
	pod.Status = runningStatus(pod)
	p.mu.Lock()
	p.pods[key(pod.Namespace, pod.Name)] = pod
	p.mu.Unlock()
	p.notify(pod.DeepCopy())
	return nil
}

// UpdatePod takes the pod over.
func (p *inMemory) UpdatePod(context.Context, *corev1.Pod) error { return nil }

// DeletePod reports the end at once.
func (p *inMemory) DeletePod(_ context.Context, pod *corev1.Pod) error {
	p.mu.Lock()
	known := p.pods[key(pod.Namespace, pod.Name)]
	delete(p.pods, key(pod.Namespace, pod.Name))
	p.mu.Unlock()
	if known == nil {
		return errdefs.NotFound("no such pod")
	}
	ended, now := known.DeepCopy(), metav1.Now()
	ended.Status.Phase = corev1.PodSucceeded
	for i := range ended.Status.ContainerStatuses {
		s := &ended.Status.ContainerStatuses[i]
		s.Ready = false
		s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: now}}
	}
	p.notify(ended)
	return nil
}

// GetPod returns a copy.
func (p *inMemory) GetPod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := p.pods[key(namespace, name)]; pod != nil {
		return pod.DeepCopy(), nil
	}
	return nil, errdefs.NotFound("no such pod")
}

// GetPodStatus returns a copy.
func (p *inMemory) GetPodStatus(ctx context.Context, namespace, name string) (*corev1.PodStatus, error) {
	pod, err := p.GetPod(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return &pod.Status, nil
}

// GetPods returns copies.
func (p *inMemory) GetPods(context.Context) ([]*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pods []*corev1.Pod
	for _, pod := range p.pods {
		pods = append(pods, pod.DeepCopy())
	}
	return pods, nil
}

// NotifyPods makes the provider an asynchronous one.
func (p *inMemory) NotifyPods(_ context.Context, notify func(*corev1.Pod)) { p.notify = notify }
