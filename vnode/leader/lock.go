package leader

import (
	"context"
	"errors"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// errStillWorking keeps the lease from being given up too early.
var errStillWorking = errors.New("the work of this term has not come to its end")

// lock is the lease, which opens the fence with every renewal.
type lock struct {
	resourcelock.Interface
	cfg    Config
	deps   Deps
	term   *term
	logger log.Logger
}

func newLock(ctx context.Context, cfg Config, deps Deps, t *term) *lock {
	return &lock{
		Interface: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: cfg.Namespace, Name: cfg.Name},
			Client:    deps.Client.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: cfg.Identity},
		},
		cfg: cfg, deps: deps, term: t, logger: log.G(ctx).WithField("lease", cfg.Namespace+"/"+cfg.Name),
	}
}

// Get reads the record; one that does not exist yet is no trouble.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		l.logger.WithError(err).Warn("reading the lease of the leader failed; will try again")
	}
	return record, raw, err
}

// Create makes the record.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Create)
}

// Update renews the record, or gives it up.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Update)
}

// write counts from before the request: others count from when they see it.
func (l *lock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, send func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	ours := record.HolderIdentity == l.cfg.Identity
	if !ours && !l.term.idle() {
		return errStillWorking
	}
	sent := l.deps.Fence.time()
	if err := send(ctx, record); err != nil {
		// A conflict is how the others learn that one was faster.
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && ctx.Err() == nil {
			l.logger.WithError(err).Warn("writing the lease of the leader failed; will try again")
		}
		return err
	}
	if ours {
		l.deps.Fence.open(sent.Add(l.cfg.RenewDeadline))
	}
	return nil
}
