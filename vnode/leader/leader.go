package leader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
)

// ErrLost says that the lease was lost while the work went on. Nothing that the
// work knew can be trusted any more: end the process.
var ErrLost = errors.New("the lease of the leader is lost")

// Config is an election.
type Config struct {
	// Namespace and Name are those of the Lease.
	Namespace, Name string
	// Identity tells the replicas apart. Two processes must never share one at
	// the same time.
	Identity string
	// LeaseDuration is how long others wait after the last renewal that they
	// saw, whole seconds. RenewDeadline is how long after its last renewal the
	// leader works on, RetryPeriod the time between two attempts.
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
}

// DefaultConfig has all but the names. A standby looks every 1 to 2.2
// RetryPeriods, so that it holds the lease at most LeaseDuration and 4.4
// RetryPeriods after the leader's last renewal: 12.4 seconds.
func DefaultConfig() Config {
	return Config{LeaseDuration: 8 * time.Second, RenewDeadline: 5 * time.Second, RetryPeriod: time.Second}
}

// Validate returns every problem at once, each with its field's path.
func (c Config) Validate() error {
	var errs []error
	for _, problem := range validation.IsDNS1123Subdomain(c.Name) {
		errs = append(errs, fmt.Errorf("name: %q: %s", c.Name, problem))
	}
	for _, problem := range validation.IsDNS1123Label(c.Namespace) {
		errs = append(errs, fmt.Errorf("namespace: %q: %s", c.Namespace, problem))
	}
	if c.Identity == "" {
		errs = append(errs, errors.New("identity: required"))
	}
	if c.LeaseDuration < time.Second || c.LeaseDuration%time.Second != 0 {
		errs = append(errs, fmt.Errorf("leaseDuration: %s is not a number of whole seconds", c.LeaseDuration))
	}
	if c.RenewDeadline >= c.LeaseDuration {
		errs = append(errs, fmt.Errorf("renewDeadline: %s is not below the leaseDuration of %s", c.RenewDeadline, c.LeaseDuration))
	}
	if c.RetryPeriod <= 0 || float64(c.RenewDeadline) <= leaderelection.JitterFactor*float64(c.RetryPeriod) {
		errs = append(errs, fmt.Errorf("retryPeriod: %s is not above 0 and well below the renewDeadline of %s", c.RetryPeriod, c.RenewDeadline))
	}
	return errors.Join(errs...)
}

// Deps is what an election works with.
type Deps struct {
	// Client reads and writes the lease; its writes must not be fenced.
	Client kubernetes.Interface
	// Fence is opened and closed; nil is nobody's.
	Fence *Fence
}

// Lead waits for the lease and then works, once. When ctx ends it waits for the
// work to end, gives the lease up, and returns what work returned; nil if the
// work never began. ErrLost means that the lease was lost.
func Lead(ctx context.Context, cfg Config, deps Deps, work func(context.Context) error) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	if deps.Fence == nil {
		deps.Fence = &Fence{}
	}
	electing, resign := context.WithCancel(context.WithoutCancel(ctx))
	defer resign()
	t := &term{resign: resign, ended: make(chan struct{})}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: newLock(ctx, cfg, deps, t), Name: cfg.Name, ReleaseOnCancel: true,
		LeaseDuration: cfg.LeaseDuration, RenewDeadline: cfg.RenewDeadline, RetryPeriod: cfg.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) { t.work(ctx, leading, work) },
			OnStoppedLeading: func() {},
			OnNewLeader: func(identity string) {
				log.G(ctx).WithFields(log.Fields{"leader": identity, "self": identity == cfg.Identity}).Info("there is a new leader")
			},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	log.G(ctx).WithFields(log.Fields{"lease": cfg.Namespace + "/" + cfg.Name, "identity": cfg.Identity}).Info("standing by for the lease of the leader")
	stop := context.AfterFunc(ctx, func() {
		defer utilruntime.HandleCrashWithContext(ctx)
		t.stopWaiting()
	})
	defer stop()
	elector.Run(klog.NewContext(electing, logr.Discard())) // our lock logs what goes wrong
	deps.Fence.close()
	return t.close()
}

// term is the one time that this process may lead.
type term struct {
	resign context.CancelFunc
	ended  chan struct{} // closed when the work has ended

	mu             sync.Mutex
	working, over  bool
	began, settled bool
	err            error
}

// stopWaiting resigns, unless there is work, which then ends by itself.
func (t *term) stopWaiting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.working {
		t.over = true
		t.resign()
	}
}

// work runs the work until ctx, the life of the process, or leading, the time
// that the lease is held, ends. The library calls it where nothing recovers: a panic
// is what the work failed with, so that the lease is given up.
func (t *term) work(ctx, leading context.Context, work func(context.Context) error) {
	t.mu.Lock()
	begin := !t.over
	t.working, t.began = begin, begin
	t.mu.Unlock()
	if !begin {
		return
	}
	working, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(leading, func() {
		defer utilruntime.HandleCrashWithContext(leading)
		cancel()
	})
	err := catchPanic(working, work)
	stop()
	cancel()
	t.mu.Lock()
	t.working, t.over, t.err = false, true, err
	t.settled = leading.Err() == nil
	t.mu.Unlock()
	close(t.ended)
	t.resign()
}

// catchPanic works and turns a panic into an error.
func catchPanic(ctx context.Context, work func(context.Context) error) (err error) {
	defer utilruntime.HandleCrashWithContext(ctx, func(_ context.Context, cause any) { err = fmt.Errorf("panic: %v", cause) })
	return work(ctx)
}

// idle says that nothing is being worked on.
func (t *term) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.working
}

// close waits for the work, and says how the term ended.
func (t *term) close() error {
	t.mu.Lock()
	t.over = true
	began := t.began
	t.mu.Unlock()
	if !began {
		return nil
	}
	<-t.ended
	if !t.settled {
		return ErrLost
	}
	return t.err
}
