package process

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// Runtime runs groups as processes of this machine. New makes it, Close ends
// all that it started.
type Runtime struct {
	cfg     Config
	lock    *os.File
	spawner *spawner
	bridges []*bridge
	cgroups *cgroups
	images  *imageStore
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu     sync.Mutex
	groups map[string]*group
	// leaving has the end of the last group of an address, for the next one.
	leaving map[netip.Addr]chan struct{}
}

var _ emulator.Runtime = (*Runtime)(nil)

// New takes the directory, removes what a killed runtime left, makes the
// bridges, and proves that containers can run here. The error says what is
// missing.
func New(cfg Config) (_ *Runtime, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lock, err := takeDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runtime{
		cfg: cfg, lock: lock, spawner: newSpawner(), ctx: ctx, cancel: cancel,
		groups: map[string]*group{}, leaving: map[netip.Addr]chan struct{}{},
	}
	defer func() {
		if err != nil {
			_ = r.Close() // the first error tells more
		}
	}()
	if err := r.removeLeftovers(); err != nil {
		return nil, err
	}
	if err := r.tryContainer(); err != nil {
		return nil, fmt.Errorf("containers cannot run here (root, or a user namespace with its rights, is needed): %w", err)
	}
	for _, subnet := range cfg.Subnets {
		made, err := makeBridge(subnet, cfg.Dir)
		if err != nil {
			return nil, fmt.Errorf("make a bridge for %s: %w", subnet, err)
		}
		r.bridges = append(r.bridges, made)
	}
	if r.cgroups, err = newCgroups(cfg.Dir); err != nil {
		cfg.Logf("containers run without limits of CPU and memory: %v", err)
	}
	r.images, err = newImageStore(cfg, r.spawner)
	return r, err
}

// takeDir holds the directory for this process. The kernel releases the lock
// when the process ends, however it ends.
func takeDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(lockPath(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s is in use by another runtime: %w", dir, err)
	}
	return lock, nil
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

func (r *Runtime) groupsDir() string { return groupsDir(r.cfg.Dir) }

func groupsDir(dir string) string { return filepath.Join(dir, "groups") }

// removeLeftovers removes the groups' directories. Nothing is mounted there:
// all mounts were in namespaces that have ended.
func (r *Runtime) removeLeftovers() error {
	if err := os.RemoveAll(r.groupsDir()); err != nil {
		return fmt.Errorf("remove what a killed runtime left: %w", err)
	}
	return os.MkdirAll(r.groupsDir(), 0o711)
}

// Close kills all containers, and returns when nothing of them is left but the
// unpacked images.
func (r *Runtime) Close() error {
	r.cancel()
	r.mu.Lock()
	for id := range r.groups {
		r.forgetLocked(id)
	}
	r.mu.Unlock()
	r.work.Wait()
	r.spawner.close()
	var errs []error
	for _, b := range r.bridges {
		errs = append(errs, b.remove())
	}
	errs = append(errs, r.cgroups.remove(), os.RemoveAll(r.groupsDir()))
	if r.images != nil {
		errs = append(errs, r.images.removeStandIn())
	}
	return errors.Join(append(errs, r.lock.Close())...)
}

// Pull gets an image in the background.
func (r *Runtime) Pull(pull emulator.Pull) {
	r.work.Go(func() { pull.Done(r.images.pull(r.ctx, pull)) })
}

// Start begins a run in the background: whatever goes wrong is its exit.
func (r *Runtime) Start(run emulator.Run) (emulator.Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, errors.New("the runtime is closed")
	}
	g := r.groups[run.GroupID]
	if g == nil {
		address, err := netip.ParseAddr(run.PodIP)
		if err != nil {
			return nil, err
		}
		g = r.newGroup(run, address)
		r.groups[run.GroupID] = g
	}
	return g.start(run), nil
}

// Forget ends what is left of a group, in the background.
func (r *Runtime) Forget(groupID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetLocked(groupID)
}

func (r *Runtime) forgetLocked(groupID string) {
	g := r.groups[groupID]
	if g == nil {
		return // none of its containers ever started
	}
	delete(r.groups, groupID)
	g.cancel()
	r.work.Go(g.tearDown)
}

// bridgeOf finds the network of an address.
func (r *Runtime) bridgeOf(address netip.Addr) (*bridge, error) {
	for _, b := range r.bridges {
		if b.subnet.Contains(address) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no subnet of the runtime has the address %s", address)
}
