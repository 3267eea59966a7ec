package process

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// group is what the containers of a group share.
type group struct {
	runtime *Runtime
	id      string
	address netip.Addr
	request *eci.CreateContainerGroupRequest
	dir     string
	ctx     context.Context
	cancel  context.CancelFunc
	runs    sync.WaitGroup

	// ready is closed when the fields below it are set.
	ready  chan struct{}
	err    error
	pause  *role
	unplug func()
	// notices are told by the first container that runs.
	notices []notice
	gone    chan struct{}
}

// notice is an event of the group.
type notice struct{ kind, reason, message string }

const (
	eventNormal  = "Normal"
	eventWarning = "Warning"
)

// newGroup begins to set a group up. The caller holds the lock.
func (r *Runtime) newGroup(run emulator.Run, address netip.Addr) *group {
	request := *run.Group // an update of the group changes the original
	g := &group{
		runtime: r, id: run.GroupID, address: address, request: &request,
		dir: filepath.Join(r.groupsDir(), run.GroupID), ready: make(chan struct{}), gone: make(chan struct{}),
	}
	g.ctx, g.cancel = context.WithCancel(r.ctx)
	before := r.leaving[address]
	r.leaving[address] = g.gone
	report := run.Report.Event
	g.runs.Go(func() {
		defer close(g.ready)
		if before != nil {
			<-before
		}
		if g.err = g.setUp(); g.err != nil {
			g.err = fmt.Errorf("set up the container group: %w", g.err)
		}
		for _, n := range g.notices {
			report(n.kind, n.reason, n.message)
		}
	})
	return g
}

func (g *group) start(run emulator.Run) *running {
	p := newRunning(g, run)
	g.runs.Go(p.live)
	return p
}

// setUp makes directories, namespaces and the network.
func (g *group) setUp() error {
	bridge, err := g.runtime.bridgeOf(g.address)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(g.path("shm"), 0o711); err != nil {
		return err
	}
	if err := errors.Join(g.writeEtc(), g.makeVolumes()); err != nil {
		return err
	}
	pause, err := g.runtime.spawner.startRole(roleCommand(namePause, pauseFlags))
	if err != nil {
		return err
	}
	g.pause = pause
	if g.unplug, err = bridge.plug(g.id, g.address, pause.cmd.Process.Pid); err != nil {
		return err
	}
	orders := g.pauseOrders()
	orders.Address, orders.Gateway = netip.PrefixFrom(g.address, bridge.subnet.Bits()), bridge.gateway
	if err := pause.order(orders); err != nil {
		return err
	}
	return pause.refusal()
}

func (g *group) pauseOrders() pauseOrders {
	orders := pauseOrders{
		Hostname: g.hostname(), Tmpfs: append(g.memoryVolumes(), tmpfs{Path: g.path("shm"), Size: 64 << 20}), Sysctls: map[string]string{},
	}
	for _, list := range [][]eci.NameValue{g.request.SecurityContext.Sysctls, g.request.HostSecurityContext.Sysctls} {
		for _, sysctl := range list {
			orders.Sysctls[sysctl.Name] = sysctl.Value
		}
	}
	return orders
}

// tearDown waits for the containers, which are being killed, and removes all.
func (g *group) tearDown() {
	g.runs.Wait()
	if g.unplug != nil {
		g.unplug()
	}
	if g.pause != nil {
		g.pause.kill()
	}
	if err := os.RemoveAll(g.dir); err != nil {
		g.runtime.cfg.Logf("remove the files of %s: %v", g.id, err)
	}
	close(g.gone)
	g.runtime.mu.Lock()
	defer g.runtime.mu.Unlock()
	if g.runtime.leaving[g.address] == g.gone {
		delete(g.runtime.leaving, g.address)
	}
}

func (g *group) path(name ...string) string {
	return filepath.Join(append([]string{g.dir}, name...)...)
}

func (g *group) hostname() string {
	if g.request.HostName != "" {
		return g.request.HostName
	}
	return g.request.ContainerGroupName
}
