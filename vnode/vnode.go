package vnode

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Deps are what a virtual node works with.
type Deps struct {
	// Client reads and writes pods and asks for token and access reviews.
	Client kubernetes.Interface
	// EventsClient and NodeClient write events, and the Node and its lease. Give
	// them rates of their own, so that a burst of pods cannot starve the lease.
	// Client when nil.
	EventsClient, NodeClient kubernetes.Interface
	Provider                 Provider
	// Pods comes from NewPodInformer; Run starts it.
	Pods cache.SharedIndexInformer
	// OwnsAnnotation says which annotations of a pod the provider writes. They are
	// copied from its reports to the API server, and their changes are not
	// reported to it. None when nil.
	OwnsAnnotation func(key string) bool
	// Recorder of events; one that writes through EventsClient when nil.
	Recorder record.EventRecorder
	// Registry of metrics; nobody's when nil.
	Registry prometheus.Registerer
	// Gatherer is what /metrics of the kubelet API shows; nothing when nil.
	Gatherer prometheus.Gatherer
	// Clock is the real one when nil.
	Clock clock.WithTicker
}

// withDefaults checks d and fills what may be left out.
func (d Deps) withDefaults() (Deps, error) {
	var errs []error
	if d.Client == nil {
		errs = append(errs, errors.New("Deps.Client is missing"))
	}
	if d.Provider == nil {
		errs = append(errs, errors.New("Deps.Provider is missing"))
	}
	if d.Pods == nil {
		errs = append(errs, errors.New("Deps.Pods is missing"))
	} else if d.Pods.GetIndexer().GetIndexers()[uidIndex] == nil {
		errs = append(errs, errors.New("Deps.Pods has no index by UID: use NewPodInformer"))
	}
	if d.EventsClient == nil {
		d.EventsClient = d.Client
	}
	if d.NodeClient == nil {
		d.NodeClient = d.Client
	}
	if d.OwnsAnnotation == nil {
		d.OwnsAnnotation = func(string) bool { return false }
	}
	if d.Clock == nil {
		d.Clock = clock.RealClock{}
	}
	return d, errors.Join(errs...)
}

// VirtualNode is one node of a cluster, run by a Provider.
type VirtualNode struct {
	cfg     Config
	deps    Deps
	calls   *caller
	events  *EventRecorder // nil if the recorder was given
	pods    *podController
	node    *nodeKeeper
	kubelet *kubeletServer
	ready   chan struct{}
	started atomic.Bool
}

// New makes a virtual node; nothing happens before Run.
func New(cfg Config, deps Deps) (*VirtualNode, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of the virtual node: %w", err)
	}
	deps, err := deps.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("dependencies of the virtual node: %w", err)
	}
	m, err := newMetrics(deps.Registry)
	if err != nil {
		return nil, err
	}
	v := &VirtualNode{cfg: cfg, deps: deps, ready: make(chan struct{})}
	v.calls = &caller{metrics: m, clock: deps.Clock}
	if deps.Recorder == nil {
		if v.events, err = NewEventRecorder(deps.EventsClient, "virtual-kubelet", cfg.Node.Name, deps.Registry, deps.Clock); err != nil {
			return nil, err
		}
		deps.Recorder = v.events
	}
	v.pods = newPodController(cfg, deps, m, deps.Recorder, func(name string, pods *memory) Queue {
		return newQueue(name, cfg.RetryMin, cfg.RetryMax, deps.Clock, m.queues, pods.namespaceOf)
	})
	v.node = newNodeKeeper(cfg.Node, deps, v.calls)
	v.kubelet, err = newKubeletServer(cfg, deps)
	if err != nil {
		return nil, err
	}
	if err := deps.Pods.SetTransform(newSlimmer(deps.Pods.GetIndexer(), v.pods.pods).transform); err != nil {
		return nil, fmt.Errorf("set the transform of the pod informer: %w", err)
	}
	if _, err := deps.Pods.AddEventHandler(v.pods.handlers()); err != nil {
		return nil, fmt.Errorf("listen to the pod informer: %w", err)
	}
	return v, nil
}

// Ready is closed when the node is registered, the provider has recovered, and
// pods are worked on.
func (v *VirtualNode) Ready() <-chan struct{} { return v.ready }

// Run works until ctx ends, and then returns nil once everything it started has
// ended. Pods and the Node object are left as they are. It fails if the kubelet
// API cannot listen, or with a ForeignNodeError if somebody else keeps the Node;
// whatever else goes wrong is retried.
func (v *VirtualNode) Run(ctx context.Context) error {
	if !v.started.CompareAndSwap(false, true) {
		return errors.New("a virtual node runs only once")
	}
	defer v.pods.close()
	ctx = log.WithLogger(ctx, log.G(ctx).WithField("node", v.cfg.Node.Name))
	port, err := v.kubelet.listen(ctx)
	if err != nil {
		return err
	}
	v.node.setPort(port)
	if v.events != nil {
		defer v.events.Start(ctx)()
	}

	group, ctx := errgroup.WithContext(ctx)
	run := func(f func(context.Context) error) {
		group.Go(func() (err error) {
			defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
			return f(ctx)
		})
	}
	run(v.kubelet.serve)
	run(func(ctx context.Context) error { v.deps.Pods.RunWithContext(ctx); return nil })
	run(v.node.run)
	run(func(ctx context.Context) error { v.keepPods(ctx); return nil })
	run(func(ctx context.Context) error { v.announce(ctx); return nil })
	return group.Wait()
}

// keepPods works on pods until ctx ends, and begins anew after a panic.
func (v *VirtualNode) keepPods(ctx context.Context) {
	retry(ctx, v.deps.Clock, v.cfg.RetryMin, v.cfg.RetryMax, "work on pods", func() error {
		v.runPods(ctx)
		return nil
	})
}

// runPods works on pods, but not before it is known that no other kubelet does, and
// not before the provider knows what already runs.
func (v *VirtualNode) runPods(ctx context.Context) {
	select {
	case <-v.node.cleared:
	case <-ctx.Done():
		return
	}
	if !cache.WaitForCacheSync(ctx.Done(), v.deps.Pods.HasSynced) {
		return
	}
	if !v.recover(ctx) {
		return
	}
	v.node.setRecovered()
	v.pods.run(ctx)
}

// announce closes Ready when all is.
func (v *VirtualNode) announce(ctx context.Context) {
	for _, step := range []<-chan struct{}{v.node.registered, v.node.recovered} {
		select {
		case <-step:
		case <-ctx.Done():
			return
		}
	}
	log.G(ctx).Info("virtual node is ready")
	close(v.ready)
}
