package eip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Cloud is what the reconciler asks of the VPC. eci/openapi's client is one.
type Cloud interface {
	AllocateEIPAddress(context.Context, *vpc.AllocateEIPAddressRequest) (*vpc.AllocateEIPAddressResponse, error)
	AssociateEIPAddress(context.Context, *vpc.AssociateEIPAddressRequest) (*vpc.Done, error)
	UnassociateEIPAddress(context.Context, *vpc.UnassociateEIPAddressRequest) (*vpc.Done, error)
	ReleaseEIPAddress(context.Context, *vpc.ReleaseEIPAddressRequest) (*vpc.Done, error)
	DescribeEIPAddresses(context.Context, *vpc.DescribeEIPAddressesRequest) (*vpc.DescribeEIPAddressesResponse, error)
	AddCommonBandwidthPackageIP(context.Context, *vpc.AddCommonBandwidthPackageIPRequest) (*vpc.Done, error)
	RemoveCommonBandwidthPackageIP(context.Context, *vpc.RemoveCommonBandwidthPackageIPRequest) (*vpc.Done, error)
	TagResources(context.Context, *vpc.TagResourcesRequest) (*vpc.Done, error)
}

// Pod is a pod of this node that has, or had, a container group.
type Pod struct {
	// Object is shared and read only.
	Object *corev1.Pod
	// Want is nil for a pod that asks for no EIP.
	Want *request.EIP
	// ENI is the network interface of the group, "" until it has one.
	ENI string
	// Ended says that the group runs no more, and never will again.
	Ended bool
}

func (p Pod) uid() types.UID { return p.Object.UID }

// Pods is the world of pods.
type Pods interface {
	// EIPPods lists the pods of this node, those without a wish too.
	EIPPods(ctx context.Context) []Pod
	// PodOver asks the API server itself whether the pod is gone or has ended for
	// good: for a uid that of this UID, without one every pod of the name. An
	// error is no answer.
	PodOver(ctx context.Context, namespace, name string, uid types.UID) (bool, error)
	// ReportEIP tells what became of the wish of a pod.
	ReportEIP(uid types.UID, state State)
}

// Deps is what a Reconciler works with; Cloud and Pods are needed.
type Deps struct {
	Cloud Cloud
	Pods  Pods
	// Records reaches the PodEIP resources; without it no address outlives its
	// pod.
	Records dynamic.Interface
	Events  record.EventRecorder
	Clock   clock.WithTicker
	// Registry takes the metrics.
	Registry prometheus.Registerer
}

// Config is how a Reconciler behaves.
type Config struct {
	// ClusterID and NodeName are in the tags of every EIP that it buys.
	ClusterID, NodeName string
	// Poll is the time between two turns while an EIP is on its way: the cloud
	// needs some seconds to bind one.
	Poll time.Duration
	// CollectionPeriod is the time between two turns while nothing moves, which
	// find surplus EIPs and addresses whose time is over.
	CollectionPeriod time.Duration
	// Workers is how many pods and EIPs are worked on at once.
	Workers int
}

// DefaultConfig has every setting but the identity.
func DefaultConfig() Config {
	return Config{Poll: 3 * time.Second, CollectionPeriod: time.Minute, Workers: 5}
}

// Validate returns every problem at once, each with its field's path.
func (c Config) Validate() error {
	var problems []error
	for _, d := range []struct {
		name string
		bad  bool
	}{
		{"clusterID", c.ClusterID == ""}, {"nodeName", c.NodeName == ""}, {"poll", c.Poll <= 0},
		{"collectionPeriod", c.CollectionPeriod <= 0}, {"workers", c.Workers < 1},
	} {
		if d.bad {
			problems = append(problems, errors.New("eip."+d.name+": must be set"))
		}
	}
	return errors.Join(problems...)
}

// Reconciler works on the EIPs of one node. Make one with New and start it with
// Run.
type Reconciler struct {
	cfg  Config
	deps surroundings
	// cloud reads and buys; guard makes the calls that change what is there.
	cloud   reader
	guard   *guard
	records *records
	metrics *metrics
	wake    chan struct{}

	mu       sync.Mutex
	memories map[types.UID]*memory
	// listed is the time of the last turn that read the cloud, and moving says
	// whether something was on its way then.
	listed time.Time
	moving bool
	// collection is what the last look at the records has found.
	collection collection
}

// reader has the calls that change no EIP which is there.
type reader interface {
	Lister
	AllocateEIPAddress(context.Context, *vpc.AllocateEIPAddressRequest) (*vpc.AllocateEIPAddressResponse, error)
}

// surroundings are the Deps but for the cloud.
type surroundings struct {
	Pods   Pods
	Events record.EventRecorder
	Clock  clock.WithTicker
}

// New checks cfg and deps; it makes no call.
func New(cfg Config, deps Deps) (*Reconciler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Cloud == nil || deps.Pods == nil {
		return nil, errors.New("eip: Cloud and Pods are needed")
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Events == nil {
		deps.Events = &record.FakeRecorder{} // without a channel it drops events
	}
	return &Reconciler{
		cfg: cfg, deps: surroundings{Pods: deps.Pods, Events: deps.Events, Clock: deps.Clock},
		cloud: deps.Cloud, guard: newGuard(deps.Cloud, cfg.ClusterID),
		records: newRecords(deps.Records, cfg.NodeName), wake: make(chan struct{}, 1),
		metrics: newMetrics(deps.Registry), memories: map[types.UID]*memory{}, collection: collection{mayHave: true},
	}, nil
}

// Poke asks for a turn now: a pod has come, moved or gone.
func (r *Reconciler) Poke() {
	select {
	case r.wake <- struct{}{}:
	default: // one is waiting already
	}
}

// Run takes turns until ctx ends. The pods must be known before: a pod that is
// not listed is asked for at the API server, which costs a call.
func (r *Reconciler) Run(ctx context.Context) {
	for {
		if err := r.Turn(ctx); err != nil && ctx.Err() == nil {
			log.G(ctx).WithError(err).Warn("reading the EIPs of this node failed; nothing is concluded from it")
		}
		timer := r.deps.Clock.NewTimer(r.Pace())
		select {
		case <-timer.C():
		case <-r.wake:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Pace is the time to the next turn: soon while something moves, and when the next pod is
// to be tried again, at the latest for the next collection.
func (r *Reconciler) Pace() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moving {
		return r.cfg.Poll
	}
	pace, now := r.cfg.CollectionPeriod, r.deps.Clock.Now()
	for _, m := range r.memories {
		if !m.retryAt.IsZero() {
			pace = min(pace, max(m.retryAt.Sub(now), r.cfg.Poll))
		}
	}
	return pace
}

// Turn reads the EIPs of this node and takes one step for each pod and each EIP
// that needs one. An error means that it could not read; what goes wrong with
// one pod is told on that pod.
func (r *Reconciler) Turn(ctx context.Context) error {
	pods := r.deps.Pods.EIPPods(ctx)
	r.forget(pods)
	now := r.deps.Clock.Now()
	collect := r.listed.IsZero() || now.Sub(r.listed) >= r.cfg.CollectionPeriod
	if !collect && !slices.ContainsFunc(pods, r.unsettled) && !r.isMoving() {
		return nil
	}
	owned, err := r.listOwned(ctx)
	if err != nil {
		r.setMoving(true)
		return err
	}
	r.listed = now
	view := r.records.ofTurn()
	moving := r.work(ctx, r.assign(view, pods, owned, collect))
	if r.collects(collect, pods, owned) {
		if err := r.collectRecords(ctx, view, pods, owned); err != nil {
			log.G(ctx).WithError(err).Warn("reading the PodEIP records failed; nothing is concluded from it")
		}
	}
	r.setMoving(moving || r.collection.ending)
	return nil
}

// task is one step; it says whether another is to follow soon.
type task func(context.Context) (moving bool)

// work runs tasks, as many at once as there are workers, in their order.
func (r *Reconciler) work(ctx context.Context, tasks []task) bool {
	if r.cfg.Workers == 1 { // the calls of a simulation come in one order
		moving := false
		for _, t := range tasks {
			moving = attempt(ctx, t) || moving
		}
		return moving
	}
	var running sync.WaitGroup
	results := make([]bool, len(tasks))
	slots := make(chan struct{}, r.cfg.Workers)
	for i, t := range tasks {
		slots <- struct{}{}
		running.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			defer func() { <-slots }()
			results[i] = attempt(ctx, t)
		})
	}
	running.Wait()
	return slices.Contains(results, true)
}

// attempt takes one step. After a panic the next one waits for the next turn.
func attempt(ctx context.Context, t task) (moving bool) {
	defer utilruntime.HandleCrashWithContext(ctx)
	return t(ctx)
}

// assign makes the tasks of a turn: pods with the EIP that is theirs, then the
// EIPs that are nobody's.
func (r *Reconciler) assign(view *view, pods []Pod, owned []vpc.EIPAddress, collect bool) []task {
	pods = slices.Clone(pods)
	slices.SortFunc(pods, func(a, b Pod) int { return cmp.Compare(a.uid(), b.uid()) })
	taken := map[string]bool{}
	var tasks []task
	for _, pod := range pods {
		if pod.Want == nil || pod.Ended {
			r.dismiss(pod)
			continue
		}
		mine := r.chooseOwn(pod, owned)
		if mine != nil {
			taken[mine.AllocationID] = true
		}
		if r.isSettled(pod, mine, collect) {
			continue
		}
		tasks = append(tasks, func(ctx context.Context) bool { return r.reconcilePod(ctx, view, pod, mine) })
	}
	for _, a := range owned {
		if !taken[a.AllocationID] {
			tasks = append(tasks, func(ctx context.Context) bool { return r.reconcileSurplus(ctx, view, a, pods) })
		}
	}
	return tasks
}

// chooseOwn returns the EIP that was bought for the pod: of several, which only
// lost answers can make, the one that is bound to it, or the oldest.
func (r *Reconciler) chooseOwn(pod Pod, owned []vpc.EIPAddress) *vpc.EIPAddress {
	var best *vpc.EIPAddress
	for i := range owned {
		a := &owned[i]
		if !r.belongsTo(*a, pod) {
			continue
		}
		bound := pod.ENI != "" && a.InstanceID == pod.ENI
		if best == nil || bound || best.InstanceID != pod.ENI && older(a, best) {
			best = a
		}
	}
	return best
}

func older(a, b *vpc.EIPAddress) bool {
	return cmp.Or(cmp.Compare(a.AllocationTime, b.AllocationTime), cmp.Compare(a.AllocationID, b.AllocationID)) < 0
}

func (r *Reconciler) isMoving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.moving
}

func (r *Reconciler) setMoving(moving bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moving = moving
}

// listOwned lists every EIP of this node.
func (r *Reconciler) listOwned(ctx context.Context) ([]vpc.EIPAddress, error) {
	owned, err := r.list(ctx, r.nodeTags())
	if err != nil {
		return nil, fmt.Errorf("listing the EIPs of this node: %w", err)
	}
	// The filter is the cloud's; what follows from the list must not depend on it.
	owned = slices.DeleteFunc(owned, func(a vpc.EIPAddress) bool { return !hasTags(a, r.nodeTags()) || a.Tag(TagStrategy) == "" })
	r.metrics.show(owned, r.deps.Clock.Now())
	return owned, nil
}

// list returns every EIP that carries the tags, complete or with an error.
func (r *Reconciler) list(ctx context.Context, tags []eci.Tag) ([]vpc.EIPAddress, error) {
	return list(ctx, r.cloud, tags)
}
