package vnode

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"github.com/virtual-kubelet/virtual-kubelet/node"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
)

// Pauses between attempts to register the node.
const (
	registerRetryMin = 500 * time.Millisecond
	registerRetryMax = 30 * time.Second
)

// nodeKeeper keeps the Node object and its lease, through the library's
// NodeController, of which it is the NodeProvider.
type nodeKeeper struct {
	cfg        NodeConfig
	client     kubernetes.Interface
	conditions NodeConditioner // nil if the provider has none
	clock      clock.WithTicker
	calls      *caller

	// registering and recovering close what follows, once.
	registering, recovering sync.Once

	cleared    chan struct{} // closed once it is known that nobody else keeps the Node
	registered chan struct{} // closed once the Node is there
	recovered  chan struct{} // closed once the provider has recovered
	changed    chan struct{} // holds one signal that the node status changed

	mu       sync.Mutex
	port     int32
	provided []corev1.NodeCondition // by the provider, at the last ping
	// adopted says that the Node of an earlier life, if there is one, was read:
	// its times go on in current, so that there is no current before.
	adopted bool
	// wasReady reports whether the Node was Ready when it was read. Then it stays so
	// while the provider recovers: the pods of a node that is not Ready leave their
	// Services at once and are deleted after five minutes, and these run all the while.
	wasReady bool
	current  []corev1.NodeCondition
	push     func(*corev1.Node)
}

func newNodeKeeper(cfg NodeConfig, d Deps, calls *caller) *nodeKeeper {
	k := &nodeKeeper{
		cfg: cfg, client: d.NodeClient, clock: d.Clock, calls: calls,
		cleared: make(chan struct{}), registered: make(chan struct{}), recovered: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	k.conditions, _ = d.Provider.(NodeConditioner)
	return k
}

func (k *nodeKeeper) setPort(port int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.port = port
}

func (k *nodeKeeper) setRecovered() {
	k.recovering.Do(func() { close(k.recovered) })
	k.refresh()
}

// Ping asks the provider for its conditions. The library stops the lease while
// it fails, so it fails only if the provider does not answer, or panics: the
// library calls it where nothing recovers.
func (k *nodeKeeper) Ping(ctx context.Context) error {
	return catchPanic(ctx, func() error { return k.ping(ctx) })
}

func (k *nodeKeeper) ping(ctx context.Context) error {
	if k.conditions == nil {
		return ctx.Err()
	}
	var conditions []corev1.NodeCondition
	err := k.calls.call(ctx, opConditions, func() error {
		conditions = k.conditions.NodeConditions(ctx)
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("ask provider for node conditions: %w", err)
	}
	k.mu.Lock()
	k.provided = conditions
	k.mu.Unlock()
	k.refresh()
	return nil
}

// NotifyNodeStatus takes the library's callback for a changed node.
func (k *nodeKeeper) NotifyNodeStatus(_ context.Context, push func(*corev1.Node)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.push = push
}

// refresh computes the conditions again and signals if they changed. A provider
// may recover before the Node is read; then it is too early.
func (k *nodeKeeper) refresh() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.adopted {
		return
	}
	after := nodeConditions(k.wasReady || k.hasRecovered(), k.provided)
	if !keepTransitions(k.current, after, metav1.NewTime(k.clock.Now())) {
		return
	}
	k.current = after
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

func (k *nodeKeeper) hasRecovered() bool {
	select {
	case <-k.recovered:
		return true
	default:
		return false
	}
}

// object is the Node as it should be now.
func (k *nodeKeeper) object() *corev1.Node {
	k.refresh()
	k.mu.Lock()
	defer k.mu.Unlock()
	n := nodeObject(k.cfg, k.port)
	n.Status.Conditions = append([]corev1.NodeCondition(nil), k.current...)
	now := metav1.NewTime(k.clock.Now())
	for i := range n.Status.Conditions {
		n.Status.Conditions[i].LastHeartbeatTime = now
	}
	return n
}

// run registers the node, however long that takes, and keeps it until ctx ends. When
// the library's controller ends before, it is made anew. It fails only if somebody else
// keeps the Node.
func (k *nodeKeeper) run(ctx context.Context) error {
	var foreign *ForeignNodeError
	retry(ctx, k.clock, registerRetryMin, registerRetryMax, "registration of the node", func() error {
		err := k.keep(ctx)
		if errors.As(err, &foreign) {
			return nil // another attempt would find the same
		}
		return err
	})
	if foreign != nil {
		return foreign
	}
	return nil
}

// keep registers the node and keeps it until ctx ends; an error means that it
// could not be registered.
func (k *nodeKeeper) keep(ctx context.Context) error {
	if err := k.adopt(ctx); err != nil {
		return err
	}
	controller, err := k.newController()
	if err != nil {
		return err
	}
	// The controller outlives ctx until nothing is pushed any more: it is what
	// takes the pushes.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() {
		defer utilruntime.HandleCrashWithContext(ctx)
		if err := controller.Run(running); err != nil {
			log.G(ctx).WithError(err).Debug("node controller ended")
		}
	})
	defer done.Wait()
	defer stop()

	select {
	case <-ctx.Done():
		return nil
	case <-controller.Done():
		return fmt.Errorf("register node %s: %w", k.cfg.Name, controller.Err())
	case <-controller.Ready():
	}
	if !retry(ctx, k.clock, registerRetryMin, registerRetryMax, "tainting of the node", func() error { return k.ensureTaints(ctx) }) {
		return nil
	}
	k.registering.Do(func() { close(k.registered) })
	return k.watch(ctx, controller.Done())
}

func (k *nodeKeeper) newController() (*node.NodeController, error) {
	controller, err := node.NewNodeController(k, k.object(), k.client.CoreV1().Nodes(),
		node.WithNodeEnableLeaseV1(k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease), int32(k.cfg.LeaseDuration/time.Second)),
		node.WithNodePingInterval(k.cfg.PingInterval),
		node.WithNodePingTimeout(k.cfg.PingTimeout),
		node.WithNodeStatusUpdateInterval(k.cfg.StatusInterval),
		node.WithNodeStatusUpdateErrorHandler(k.recreate))
	if err != nil {
		return nil, fmt.Errorf("make node controller: %w", err)
	}
	return controller, nil
}

// adopt reads the Node that is there already, if there is one: it must not be kept
// by somebody else, and its transition times go on.
func (k *nodeKeeper) adopt(ctx context.Context) error {
	n, err := k.client.CoreV1().Nodes().Get(ctx, k.cfg.Name, metav1.GetOptions{})
	exists := !apierrors.IsNotFound(err)
	if err != nil && exists {
		return fmt.Errorf("get node %s: %w", k.cfg.Name, err)
	}
	if exists {
		if err := k.checkOwner(ctx, n); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.adopted {
		return nil
	}
	if exists {
		k.current = n.Status.Conditions
		i := nodeConditionIndex(k.current, corev1.NodeReady)
		k.wasReady = i >= 0 && k.current[i].Status == corev1.ConditionTrue
	}
	k.adopted = true
	close(k.cleared)
	return nil
}

// watch pushes the node whenever its status changed, and looks after the object
// in between. It fails when the controller, which takes what is pushed, has ended.
func (k *nodeKeeper) watch(ctx context.Context, ended <-chan struct{}) error {
	ticker := k.clock.NewTicker(k.cfg.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ended:
			return errors.New("the controller of the node has ended")
		case <-k.changed:
		case <-ticker.C():
			if !k.strayed(ctx) {
				continue
			}
		}
		k.mu.Lock()
		push := k.push
		k.mu.Unlock()
		if !pushed(push, k.object(), ended) {
			return errors.New("the controller of the node has ended")
		}
	}
}

// pushed hands the node to the controller. The library's function waits for room,
// for ever once nobody takes anything out.
func pushed(push func(*corev1.Node), n *corev1.Node, ended <-chan struct{}) bool {
	select {
	case <-ended:
		return false
	default:
		push(n)
		return true
	}
}

// strayed says that the Node object is gone, or that others changed whether it is
// ready. The library would notice after a status interval, which is too late: pods
// of a node that does not exist are deleted after 40 seconds.
func (k *nodeKeeper) strayed(ctx context.Context) bool {
	n, err := k.client.CoreV1().Nodes().Get(ctx, k.cfg.Name, metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return apierrors.IsNotFound(err)
	}
	want := k.object().Status.Conditions
	i, j := nodeConditionIndex(n.Status.Conditions, corev1.NodeReady), nodeConditionIndex(want, corev1.NodeReady)
	return i < 0 || n.Status.Conditions[i].Status != want[j].Status
}

// recreate makes the Node again when a status update finds it gone.
func (k *nodeKeeper) recreate(ctx context.Context, cause error) error {
	if !apierrors.IsNotFound(cause) {
		return cause
	}
	log.G(ctx).Warn("node object is gone, creating it again")
	_, err := k.client.CoreV1().Nodes().Create(ctx, k.object(), metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return errors.Join(fmt.Errorf("create node %s again: %w", k.cfg.Name, err), cause)
	}
	return nil
}
