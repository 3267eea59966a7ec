package emulator

import (
	"context"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Reasons of container states: the kubelet's own.
const (
	reasonInitializing = "PodInitializing"
	reasonCreating     = "ContainerCreating"
	reasonErrImagePull = "ErrImagePull"
	reasonImageBackOff = "ImagePullBackOff"
	reasonCrashLoop    = "CrashLoopBackOff"
	reasonCompleted    = "Completed"
	reasonError        = "Error"
)

// waiting is the state of a container before its turn, with the reason that the
// kubelet gives for it.
func (g *group) waiting() containerState {
	reason := reasonCreating
	if len(g.request.InitContainers) > 0 {
		reason = reasonInitializing
	}
	return containerState{state: eci.ContainerWaiting, reason: reason}
}

// backOffReset is how long a container has to run for its back-off to start
// anew: the kubelet's 10 minutes.
const backOffReset = 10 * time.Minute

// shownErrImagePull is how long ErrImagePull is seen before ImagePullBackOff.
const shownErrImagePull = time.Second

func (c *container) succeeded() bool {
	return c.state.state == eci.ContainerTerminated && c.state.exitCode == 0 && c.created
}

// runsAgain says whether an ended container runs again under a policy. An init
// container that succeeded never does.
func (c *container) runsAgain(policy string) bool {
	switch policy {
	case "Never":
		return false
	case "OnFailure":
		return c.state.exitCode != 0
	}
	return !c.init || c.state.exitCode != 0
}

// isOver says that the container has ended for good.
func (c *container) isOver(policy string) bool {
	return c.state.state == eci.ContainerTerminated && !c.runsAgain(policy)
}

// prepare pulls the image of a container, for its first run.
func (e *Emulator) prepare(g *group, c *container) {
	c.begun = true
	c.state = containerState{state: eci.ContainerWaiting, reason: reasonCreating}
	e.pull(g, c)
}

// pull waits for the image, unless the group has it.
func (e *Emulator) pull(g *group, c *container) {
	now := e.clock.Now()
	image := c.spec.Image
	if g.pulled[image] && !alwaysPulls(&c.spec) {
		g.agent(now, eventNormal, "Pulled", "Container image %q already present on machine", image)
		c.waiting = e.queue.after(e.cfg.Delays.Start, func() { e.start(g, c) })
		return
	}
	g.agent(now, eventNormal, "Pulling", "Pulling image %q", image)
	c.waiting = e.queue.after(e.cfg.Delays.ImagePull, func() { e.runtime.Pull(e.pullOf(g, c, now)) })
	e.touch(g)
}

// pullOf binds the answers of a pull to its number: those of one that the group
// no longer waits for are dropped.
func (e *Emulator) pullOf(g *group, c *container, began time.Time) Pull {
	c.pull++
	number := c.pull
	later := func(fn func()) {
		e.queue.after(0, func() {
			if c.pull == number && e.remains(g) && g.goal == goalNone && !g.isTerminal() {
				fn()
			}
		})
	}
	return Pull{
		GroupID: g.id, Group: &g.request, Image: c.spec.Image,
		Done: func(err error) { later(func() { e.pulled(g, c, began, err) }) },
		Event: func(kind, reason, message string) {
			later(func() { g.agent(e.clock.Now(), kind, reason, "%s", message) })
		},
	}
}

func alwaysPulls(spec *eci.Container) bool {
	if spec.ImagePullPolicy != "" {
		return spec.ImagePullPolicy == "Always"
	}
	name := spec.Image[strings.LastIndex(spec.Image, "/")+1:]
	return strings.HasSuffix(name, ":latest") || !strings.ContainsAny(name, ":@")
}

func (e *Emulator) pulled(g *group, c *container, began time.Time, err error) {
	now := e.clock.Now()
	image := c.spec.Image
	if err != nil {
		e.pullFailed(g, c, err)
		return
	}
	g.pulled[image] = true
	c.backOff = 0
	g.agent(now, eventNormal, "Pulled", "Successfully pulled image %q in %s", image, now.Sub(began).Round(time.Millisecond))
	c.waiting = e.queue.after(e.cfg.Delays.Start, func() { e.start(g, c) })
}

// pullFailed shows ErrImagePull, then ImagePullBackOff until the next try.
func (e *Emulator) pullFailed(g *group, c *container, cause error) {
	now := e.clock.Now()
	image := c.spec.Image
	c.state = containerState{state: eci.ContainerWaiting, reason: reasonErrImagePull, message: cause.Error()}
	g.agent(now, eventWarning, "Failed", "Failed to pull image %q: %v", image, cause)
	g.agent(now, eventWarning, "Failed", "Error: %s", reasonErrImagePull)
	e.touch(g)
	pause := e.nextBackOff(c)
	shown := min(shownErrImagePull, pause/2)
	c.waiting = e.queue.after(shown, func() {
		c.state.reason, c.state.message = reasonImageBackOff, "Back-off pulling image \""+image+"\""
		g.agent(e.clock.Now(), eventNormal, "BackOff", "Back-off pulling image %q", image)
		e.touch(g)
		c.waiting = e.queue.after(pause-shown, func() { e.pull(g, c) })
	})
}

// nextBackOff doubles the pause, from RestartBackOff up to RestartBackOffMax.
func (e *Emulator) nextBackOff(c *container) time.Duration {
	c.backOff = min(max(2*c.backOff, e.cfg.Delays.RestartBackOff), e.cfg.Delays.RestartBackOffMax)
	return c.backOff
}

// start begins a run.
func (e *Emulator) start(g *group, c *container) {
	now := e.clock.Now()
	c.waiting = nil
	c.keepPast()
	if c.created {
		c.restarts++
	}
	c.created = true
	c.run++
	c.log = newRunLog(e.clock)
	c.state = containerState{state: eci.ContainerRunning, start: now, containerID: "containerd://" + e.ids.hex()}
	c.ready = !c.init && c.spec.ReadinessProbe == nil
	g.agent(now, eventNormal, "Created", "Created container %s", c.spec.Name)
	process, err := e.runtime.Start(e.runOf(g, c))
	if err != nil {
		g.agent(now, eventWarning, "Failed", "Error: %v", err)
		e.exited(g, c, Exit{Code: 128, Reason: "StartError", Message: err.Error()})
		return
	}
	c.process = process
	c.alive, c.bury = context.WithCancel(e.open)
	g.agent(now, eventNormal, "Started", "Started container %s", c.spec.Name)
	e.recompute(g)
	e.touch(g)
}

// keepPast moves a run that has ended to LastState and the previous log.
func (c *container) keepPast() {
	if c.state.state == eci.ContainerTerminated {
		c.last = c.state
	}
	if c.log != nil {
		c.lastLog = c.log
	}
}

// runOf binds the reports of a run to its number: those of an earlier run are
// dropped.
func (e *Emulator) runOf(g *group, c *container) Run {
	number := c.run
	later := func(d time.Duration, fn func()) func() {
		ev := e.queue.after(d, func() {
			if c.run == number {
				fn()
			}
		})
		return func() { e.queue.cancel(ev) }
	}
	return Run{
		GroupID: g.id, PodIP: g.address.String(), Group: &g.request, Container: c.spec, Init: c.init,
		After: later, Now: e.clock.Now, Log: c.log.append,
		Report: Reports{
			Exited: func(exit Exit) { later(0, func() { e.exited(g, c, exit) }) },
			Ready:  func(ready bool) { later(0, func() { e.setReady(g, c, ready) }) },
			Event: func(kind, reason, message string) {
				later(0, func() { g.agent(e.clock.Now(), kind, reason, "%s", message) })
			},
		},
	}
}

func (e *Emulator) setReady(g *group, c *container, ready bool) {
	if c.state.state == eci.ContainerRunning {
		c.ready = ready
		e.updateReady(g)
	}
}

// exited ends a run and decides what comes next.
func (e *Emulator) exited(g *group, c *container, exit Exit) {
	if c.bury != nil {
		c.bury()
	}
	if c.state.state != eci.ContainerRunning || !e.remains(g) {
		return
	}
	c.process = nil
	c.ready = false
	c.log.flush()
	c.terminate(e.clock.Now(), exit)
	e.touch(g)
	switch {
	case g.goal != goalNone:
		e.stopped(g)
	case c.runsAgain(g.request.RestartPolicy):
		e.restartLater(g, c)
		e.recompute(g)
	case c.init && exit.Code != 0:
		e.finish(g, eci.StatusFailed)
	default:
		e.advance(g)
		e.recompute(g)
	}
}

func (c *container) terminate(now time.Time, exit Exit) {
	reason := exit.Reason
	if reason == "" {
		reason = reasonCompleted
		if exit.Code != 0 {
			reason = reasonError
		}
	}
	if exit.Message == "" && exit.Code != 0 && c.spec.TerminationMessagePolicy == "FallbackToLogsOnError" {
		exit.Message = c.log.end()
	}
	c.state.state, c.state.reason, c.state.message = eci.ContainerTerminated, reason, exit.Message
	c.state.exitCode, c.state.signal, c.state.finish = exit.Code, exit.Signal, now
}

// restartLater runs a container again: at once the first time, then after the
// back-off.
func (e *Emulator) restartLater(g *group, c *container) {
	if c.state.finish.Sub(c.state.start) >= backOffReset {
		c.backOff = 0
	}
	if c.backOff == 0 {
		c.backOff = e.cfg.Delays.RestartBackOff / 2
		c.waiting = e.queue.after(e.cfg.Delays.Start, func() { e.start(g, c) })
		return
	}
	pause := e.nextBackOff(c)
	c.last = c.state
	c.state = containerState{
		state: eci.ContainerWaiting, reason: reasonCrashLoop,
		message: "back-off " + pause.String() + " restarting failed container=" + c.spec.Name + " pod=" + g.request.ContainerGroupName,
	}
	g.agent(e.clock.Now(), eventWarning, "BackOff", "Back-off restarting failed container %s", c.spec.Name)
	c.waiting = e.queue.after(pause, func() { e.start(g, c) })
}
