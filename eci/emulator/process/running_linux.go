package process

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// running is one run of one container.
type running struct {
	group *group
	run   emulator.Run
	// ctx ends when the run is to be killed or has ended.
	ctx    context.Context
	cancel context.CancelFunc
	image  *image
	task   task
	dir    string
	probes sync.WaitGroup

	mu       sync.Mutex
	process  *os.Process // nil before the start and after the end
	cgroup   *cgroup
	stopping bool
	killer   *time.Timer
}

func newRunning(g *group, run emulator.Run) *running {
	p := &running{group: g, run: run}
	p.ctx, p.cancel = context.WithCancel(g.ctx)
	return p
}

// exitStart is the code of containers that could not be started, as container
// runtimes give it.
const exitStart = 128

// live is the whole life of the run.
func (p *running) live() {
	defer p.cancel()
	<-p.group.ready
	exit, err := p.liveOnce()
	if err != nil {
		exit = emulator.Exit{Code: exitStart, Reason: "StartError", Message: err.Error()}
		p.run.Report.Event(eventWarning, "Failed", "Error: "+err.Error())
	}
	p.cancel()
	p.probes.Wait()
	p.run.Report.Exited(exit)
}

func (p *running) liveOnce() (emulator.Exit, error) {
	if p.group.err != nil {
		return emulator.Exit{}, p.group.err
	}
	if p.ctx.Err() != nil {
		return killed(), nil
	}
	var err error
	if p.image, err = p.group.runtime.images.find(p.run.Group, p.run.Container.Image); err != nil {
		return emulator.Exit{}, err
	}
	if p.dir, err = os.MkdirTemp(p.group.dir, "run-"); err != nil {
		return emulator.Exit{}, err
	}
	defer os.RemoveAll(p.dir)
	if err := os.Chmod(p.dir, 0o711); err != nil {
		return emulator.Exit{}, err
	}
	return p.launch()
}

func killed() emulator.Exit {
	return emulator.Exit{Code: 128 + int32(syscall.SIGKILL), Signal: int32(syscall.SIGKILL)}
}

// launch starts the process and returns how it ended.
func (p *running) launch() (emulator.Exit, error) {
	orders, err := p.orders()
	if err != nil {
		return emulator.Exit{}, err
	}
	cmd := roleCommand(nameInit, unix.CLONE_NEWPID)
	stdio, err := p.openStdio(cmd)
	if err != nil {
		return emulator.Exit{}, err
	}
	defer stdio.close()
	starting, err := p.group.runtime.spawner.startRole(cmd)
	stdio.started()
	if err != nil {
		return emulator.Exit{}, err
	}
	if p.cgroup, err = p.group.runtime.cgroups.add(p.limits(), cmd.Process.Pid); err != nil {
		starting.kill()
		return emulator.Exit{}, err
	}
	defer p.cgroup.remove()
	err = starting.order(orders)
	err = errors.Join(starting.refusal(), err)
	if err != nil {
		_ = cmd.Wait() // it has said why
		return emulator.Exit{}, err
	}
	return p.watch(cmd, stdio), nil
}

// watch goes with a started process to its end.
func (p *running) watch(cmd *exec.Cmd, stdio *stdio) emulator.Exit {
	p.mu.Lock()
	p.process = cmd.Process
	p.mu.Unlock()
	stopKilling := context.AfterFunc(p.ctx, func() { _ = cmd.Process.Kill() })
	p.startProbes()
	_ = cmd.Wait() // its state says it
	stopKilling()
	p.mu.Lock()
	p.process = nil
	if p.killer != nil {
		p.killer.Stop()
	}
	p.mu.Unlock()
	stdio.drained()
	return p.exitOf(cmd.ProcessState)
}

// exitOf tells the end as container runtimes do.
func (p *running) exitOf(state *os.ProcessState) emulator.Exit {
	exit := emulator.Exit{Code: int32(state.ExitCode()), Message: p.terminationMessage()}
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		exit.Code, exit.Signal = 128+int32(status.Signal()), int32(status.Signal())
	}
	if exit.Signal == int32(syscall.SIGKILL) && p.cgroup.ranOutOfMemory() {
		exit.Reason = "OOMKilled"
	}
	return exit
}

// maxTerminationMessage is the kubelet's, in bytes.
const maxTerminationMessage = 4096

func (p *running) terminationMessage() string {
	file, err := os.Open(p.messageFile())
	if err != nil {
		return ""
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, maxTerminationMessage))
	return strings.TrimRight(string(text), "\x00")
}

// Stop runs the preStop hook, then sends the image's stop signal, and kills
// after grace.
func (p *running) Stop(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if grace <= 0 {
		p.cancel()
		return
	}
	if p.killer != nil {
		p.killer.Stop()
	}
	p.killer = time.AfterFunc(grace, p.cancel)
	if p.stopping || p.ctx.Err() != nil {
		return
	}
	p.stopping = true
	p.group.runs.Go(func() { p.stopGently(grace) })
}

func (p *running) stopGently(grace time.Duration) {
	select {
	case <-p.group.ready:
	case <-p.ctx.Done():
		return
	}
	p.preStop(grace)
	p.signal(p.stopSignal())
}

func (p *running) stopSignal() syscall.Signal {
	if p.image != nil {
		if number := unix.SignalNum(p.image.config.StopSignal); number != 0 {
			return number
		}
	}
	return syscall.SIGTERM
}

// signal kills what has not started yet.
func (p *running) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		p.cancel()
		return
	}
	_ = p.process.Signal(sig) // it may have ended
}

// Usage reads what the container used; without cgroups it is that of the first
// process.
func (p *running) Usage() emulator.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return emulator.Usage{}
	}
	return p.cgroup.usage(p.process.Pid, time.Now())
}

func (p *running) limits() limits {
	spec, group := &p.run.Container, p.run.Group
	l := limits{cpu: spec.CPU, memory: int64(spec.Memory * (1 << 30))}
	if l.cpu <= 0 {
		l.cpu = group.CPU
	}
	if l.memory <= 0 {
		l.memory = int64(group.Memory * (1 << 30))
	}
	return l
}
