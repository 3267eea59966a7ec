package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/node"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Cloud is what the provider asks of ECI. eci/openapi's client is one. Every
// error is either an *eci.Error, a refusal by the cloud, or tells of an outcome
// that is not known.
type Cloud interface {
	CreateContainerGroup(context.Context, *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error)
	DeleteContainerGroup(context.Context, *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error)
	UpdateContainerGroup(context.Context, *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error)
	DescribeContainerGroups(context.Context, *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error)
	DescribeContainerGroupStatus(context.Context, *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error)
	DescribeContainerGroupEvents(context.Context, *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error)
	DescribeContainerLog(context.Context, *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error)
	ExecContainerCommand(context.Context, *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error)
	DescribeImageCaches(context.Context, *eci.DescribeImageCachesRequest) (*eci.DescribeImageCachesResponse, error)
	DescribeMultiContainerGroupMetric(context.Context, *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error)
}

// Pods tells which pods of this node the API server has; a pod informer does.
type Pods interface {
	// List returns the pods; they are shared and read only.
	List() []*corev1.Pod
}

// Deps is what a Provider works with; Cloud, Kube, Services and Pods are needed.
type Deps struct {
	Cloud Cloud
	// Kube reads ConfigMaps, Secrets, claims and their volumes, the labels of
	// namespaces, and single pods, makes ServiceAccount tokens, and deletes pods
	// whose group the cloud takes back.
	Kube kubernetes.Interface
	// EventsClient writes the events of the cloud; Kube when nil. Give it rates
	// of its own.
	EventsClient kubernetes.Interface
	Services     corelisters.ServiceLister
	Pods         Pods
	Events       record.EventRecorder
	Registry     prometheus.Registerer
	Clock        clock.WithTicker
	// NewQueue makes the queue of that name, QueueLaunches or QueueEndings; one of
	// client-go when nil.
	NewQueue func(name string) Queue
	// Streams opens the streams of commands; the zero Dialer when nil.
	Streams *execstream.Dialer
	// EIPs buys and binds Elastic IPs; without it only those that ECI itself
	// gives a group are served.
	EIPs eip.Cloud
	// Records reaches the PodEIP resources; without it no address outlives its
	// pod.
	Records dynamic.Interface
	// Networks reaches the PodNetworking resources of Terway, which a cluster need
	// not have; without it none is read.
	Networks dynamic.Interface
	// Dial connects with pods; net.Dialer's when nil. Its connections have
	// CloseWrite, as those of TCP do.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Provider is a virtual-kubelet provider over ECI. Make one with New, start its
// loops with Run; the methods are safe for concurrent use.
type Provider struct {
	cfg     Config
	deps    Deps
	store   *store
	cloud   *watchedCloud
	metrics *metrics
	usage   usageCache
	relay   *eventRelay
	// eips is nil without Deps.EIPs.
	eips *eip.Reconciler
	// profiles has the defaults of the cluster.
	profiles *profiles

	// eventsRead is when all events were last read, eventsNext which group is
	// the next on a large node. Only the sync loop has them.
	eventsRead time.Time
	eventsNext int

	// pages is how many pages of states the last read had, readTook how long it
	// took, changedAt when one showed a change. Only the sync loop has them.
	pages     int
	readTook  time.Duration
	changedAt time.Time

	// readers is how many pages of details are read at once.
	readers int

	// recoveredAt is when the recovery that succeeded began, strays are the groups
	// that it saw of pods that it was not told of; they are written before
	// store.recovered is closed and read only after.
	recoveredAt time.Time
	strays      map[types.UID][]*eci.ContainerGroup
	// sighted are the groups that tries to recover which failed have read, by id.
	sighted map[string]eci.ContainerGroup

	// refreshedTo is the pod that the refresh loop has looked at last.
	refreshedTo types.UID

	// wake asks the sync loop for a tick now, wakeFiles the refresh loop to look at
	// the pods that wait for their addresses; each holds one request.
	wake, wakeFiles chan struct{}

	mu     sync.Mutex
	notify func(*corev1.Pod)
	// telling is held from looking at a pod until the controller has heard of it;
	// the callback of NotifyPods must not wait for the provider.
	telling sync.Mutex

	framings framings
	routes   *routes

	logShares logShares

	// launches and endings are the work on single pods that nothing else waits for.
	launches, endings *podWork
	scarcity          scarcity
}

var (
	_ node.PodLifecycleHandler = (*Provider)(nil)
	_ node.PodNotifier         = (*Provider)(nil)
)

// New checks cfg and deps; it makes no call.
func New(cfg Config, deps Deps) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Cloud == nil || deps.Kube == nil || deps.Services == nil || deps.Pods == nil {
		return nil, errors.New("provider: Cloud, Kube, Services and Pods are needed")
	}
	if deps.Streams == nil {
		deps.Streams = &execstream.Dialer{}
	}
	if deps.Dial == nil {
		deps.Dial = (&net.Dialer{}).DialContext
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.NewQueue == nil {
		deps.NewQueue = func(name string) Queue { return newQueue(name, deps.Clock) }
	}
	if deps.Events == nil {
		deps.Events = &record.FakeRecorder{} // without a channel it drops events
	}
	if deps.EventsClient == nil {
		deps.EventsClient = deps.Kube
	}
	p := &Provider{
		cfg:   cfg,
		deps:  deps,
		store: newStore(),
		cloud: newWatchedCloud(deps.Cloud, deps.Clock),
		wake:  make(chan struct{}, 1),
		usage: usageCache{began: deps.Clock.Now()},

		readers: detailReaders,

		wakeFiles: make(chan struct{}, 1),
	}
	p.launches = &podWork{Queue: deps.NewQueue(QueueLaunches), name: QueueLaunches, do: p.launch}
	p.endings = &podWork{Queue: deps.NewQueue(QueueEndings), name: QueueEndings, do: p.finish}
	p.routes = newRoutes(deps.Clock)
	p.relay = newEventRelay(deps.EventsClient.CoreV1(), cfg.Request.NodeName, cfg.EventRate, deps.Clock)
	p.profiles = newProfiles(deps.Kube, deps.Networks, deps.Clock)
	p.metrics = newMetrics(deps.Registry, p.store)
	if deps.EIPs != nil {
		var err error
		if p.eips, err = newEIPs(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Run syncs and reaps until ctx ends. Call it once; Recover must have succeeded
// before, or every group is an orphan in its eyes (it waits for that).
func (p *Provider) Run(ctx context.Context) error {
	select {
	case <-p.store.recovered:
	case <-ctx.Done():
		return nil
	}
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){p.syncLoop, p.repairLoop, p.refreshLoop, p.relay.run, p.launches.run, p.endings.run} {
		loops.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			p.keepUp(ctx, loop)
		})
	}
	if p.eips != nil {
		loops.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			p.keepUp(ctx, p.eips.Run)
		})
	}
	loops.Wait()
	return nil
}

// NotifyPods registers who hears of changed statuses. The pods passed to cb are
// the provider's own copies with Status and written-back annotations set.
func (p *Provider) NotifyPods(_ context.Context, cb func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify = cb
}

// tell hands the latest state of a pod to the node's controller. One at a time:
// of two that overtake each other the older would be the last word, until
// something else changes.
func (p *Provider) tell(uid types.UID) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	notify := p.notify
	p.mu.Unlock()
	if pod := p.store.pod(uid); pod != nil && notify != nil {
		notify(pod)
	}
}

// poke asks the sync loop to look now instead of at its next tick.
func (p *Provider) poke() {
	select {
	case p.wake <- struct{}{}:
	default: // one is waiting already
	}
}

// Config is how a Provider behaves.
type Config struct {
	// Request holds the placement and identity of every group.
	Request request.Config
	// FastSync is the time between two reads while a pod is on its way up or
	// down, SlowSync while nothing moves.
	FastSync, SlowSync time.Duration
	// EventSync is the time between two readings of all events of the cloud.
	EventSync time.Duration
	// EventRate is how many events of the cloud are written to Kubernetes a second,
	// at most: they may come late, and an account that makes 20 pods a second has
	// about six events for each.
	EventRate int
	// Refresh is the time between two looks at what the files of running pods
	// come from.
	Refresh time.Duration
	// UpdateFiles sends changed files to running groups. The documents do not
	// say that this restarts no container, so that without it the user is told
	// by an event instead.
	UpdateFiles bool
	// Repair is the time between two complete listings.
	Repair time.Duration
	// Sightings is how many successful reads in a row must agree that a group is
	// gone, or has no pod, before anything is concluded from it: one alone may
	// be stale.
	Sightings int
	// OrphanGrace is how long a group without a pod is left alone, counted from
	// the first listing that showed it so.
	OrphanGrace time.Duration
	// MassOrphanGrace is how long a group without a pod is left alone while more than
	// half of several groups are without one: the view of the cluster is likelier to be
	// wrong than so many groups are to be orphans. It gives an operator time to look.
	MassOrphanGrace time.Duration
	// LostGrace is how long a group must be missing from complete listings
	// before its pod is declared lost.
	LostGrace time.Duration
	// ExecFraming is what the streams of commands speak. The cloud's is not
	// documented, so that by default the handshake tells.
	ExecFraming execstream.Framing
	// EIP is how Elastic IPs are looked after; its identity is that of Request.
	EIP eip.Config
}

// DefaultConfig has every setting but the placement.
func DefaultConfig() Config {
	return Config{
		Request:     request.DefaultConfig(),
		FastSync:    500 * time.Millisecond,
		SlowSync:    3 * time.Second,
		EventSync:   defaultEventSync,
		EventRate:   125,
		Refresh:     time.Minute,
		Repair:      2 * time.Minute,
		Sightings:   2,
		OrphanGrace: 3 * time.Minute,
		LostGrace:   3 * time.Minute,

		MassOrphanGrace: time.Hour,

		ExecFraming: execstream.Auto,
		EIP:         eip.DefaultConfig(),
	}
}

// Validate returns every problem at once, each with its field's path.
func (c Config) Validate() error {
	problems := []error{c.Request.Validate()}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"fastSync", c.FastSync}, {"slowSync", c.SlowSync}, {"eventSync", c.EventSync}, {"refresh", c.Refresh}, {"repair", c.Repair},
	} {
		if d.value <= 0 {
			problems = append(problems, errors.New(d.name+": must be more than 0"))
		}
	}
	if c.OrphanGrace < 0 {
		problems = append(problems, errors.New("orphanGrace: must not be negative"))
	}
	if c.MassOrphanGrace < 0 {
		problems = append(problems, errors.New("massOrphanGrace: must not be negative"))
	}
	if c.LostGrace < 0 {
		problems = append(problems, errors.New("lostGrace: must not be negative"))
	}
	if c.EventRate < 1 {
		problems = append(problems, errors.New("eventRate: must be at least 1"))
	}
	if c.Sightings < 1 {
		problems = append(problems, errors.New("sightings: must be at least 1"))
	}
	if err := c.ExecFraming.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("execFraming: %w", err))
	}
	return errors.Join(problems...)
}
