package emulator

import (
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// defaultGrace is that of Kubernetes (inferred for ECI).
const defaultGrace = 30 * time.Second

func (g *group) grace() time.Duration {
	if seconds := g.request.TerminationGracePeriodSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return defaultGrace
}

// stopAll asks every container to end; stopped goes on when all have. A new
// goal takes the place of the old one.
func (e *Emulator) stopAll(g *group, why goal, grace time.Duration) {
	g.goal = why
	e.cancelSteps(g)
	e.touch(g)
	now := e.clock.Now()
	for c := range g.all() {
		if c.process != nil {
			g.agent(now, eventNormal, "Killing", "Stopping container %s", c.spec.Name)
			c.process.Stop(grace)
		}
	}
	e.stopped(g)
}

// stopped does what the containers were stopped for, when none runs any more.
func (e *Emulator) stopped(g *group) {
	if !g.isIdle() {
		return
	}
	switch g.goal {
	case goalDelete:
		e.queue.cancel(g.stopTimer)
		g.stopTimer = e.queue.after(e.cfg.Delays.Terminate, func() { e.remove(g) })
	case goalUpdate:
		g.buildContainers()
		e.startAnew(g)
	case goalRestart:
		e.startAnew(g)
	case goalFail:
		e.finish(g, eci.StatusFailed)
	case goalExpire:
		e.finish(g, eci.StatusExpired)
	}
}

// isIdle says that no container runs.
func (g *group) isIdle() bool {
	for c := range g.all() {
		if c.process != nil {
			return false
		}
	}
	return true
}

// startAnew runs all containers of a stopped group again, init ones included.
func (e *Emulator) startAnew(g *group) {
	g.goal = goalNone
	for c := range g.all() {
		c.keepPast()
		c.state = g.waiting()
		if c.created {
			c.restarts++
		}
		c.begun, c.created, c.backOff = false, false, 0
	}
	e.updateReady(g)
	e.advance(g)
}

// remove forgets a group: the calls do not know it any more.
func (e *Emulator) remove(g *group) {
	e.cancelTimers(g)
	e.free(g)
	e.groups.remove(g)
}

// remains says whether the group is still known.
func (e *Emulator) remains(g *group) bool { return e.groups.byID[g.id] == g }
