package emulator

import (
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Conditions of a group.
const (
	conditionCreated     = "ContainerInstanceCreated"
	conditionScheduled   = "PodScheduled"
	conditionInitialized = "Initialized"
	conditionContainers  = "ContainersReady"
	conditionReady       = "Ready"
)

const (
	isTrue  = "True"
	isFalse = "False"
)

// defaultMaxPending ends a group that never comes to run. Source: the
// annotation's document, 240 minutes.
const defaultMaxPending = 240 * time.Minute

// begin starts the life of a new group.
func (e *Emulator) begin(g *group, soldOut bool) {
	now := e.clock.Now()
	g.status = eci.StatusScheduling
	g.setCondition(now, conditionCreated, isFalse, "Creating", "The container group is being created.")
	e.touch(g)
	next := func() { e.placed(g) }
	if soldOut {
		next = func() { e.scheduleFailed(g) }
	}
	g.stopTimer = e.queue.after(e.cfg.Delays.Scheduling, next)
	limit := defaultMaxPending
	if g.request.MaxPendingMinute > 0 {
		limit = time.Duration(g.request.MaxPendingMinute) * time.Minute
	}
	g.pendingTimer = e.queue.after(limit, func() { e.pendingTooLong(g) })
}

// placed gives the group its machine and its address: it is billed from here.
func (e *Emulator) placed(g *group) {
	now := e.clock.Now()
	g.placed = now
	g.status = eci.StatusPending
	reason, message := "", ""
	if g.rounded {
		reason, message = "AutoInstanceTypeMatch", "The size was raised to the nearest one on sale: "+size{g.cpu, g.memory}.String()
	}
	g.setCondition(now, conditionCreated, isTrue, reason, message)
	g.setCondition(now, conditionScheduled, isTrue, "", "")
	g.setCondition(now, conditionInitialized, isFalse, "ContainersNotInitialized", "containers with incomplete status: "+names(g.inits))
	g.service(now, eventNormal, "SuccessfulScheduled", "Successfully scheduled container group %s to zone %s.", g.id, g.zone)
	e.updateReady(g)
	if seconds := g.request.ActiveDeadlineSeconds; seconds != nil {
		g.deadlineTimer = e.queue.after(time.Duration(*seconds)*time.Second, func() { e.deadlinePassed(g) })
	}
	e.advance(g)
}

func (e *Emulator) scheduleFailed(g *group) {
	now := e.clock.Now()
	message := "Create ECI failed because the specified instance is out of stock."
	g.setCondition(now, conditionCreated, isFalse, "ContainerGroup.NoStock", message)
	g.service(now, eventWarning, "ContainerGroup.NoStock", "%s", message)
	e.finish(g, eci.StatusScheduleFailed)
}

// pendingTooLong ends a group whose containers never all came to run.
func (e *Emulator) pendingTooLong(g *group) {
	switch g.status {
	case eci.StatusScheduling:
		e.finish(g, eci.StatusScheduleFailed)
	case eci.StatusPending:
		g.reason = "MaxPendingMinute"
		e.stopAll(g, goalFail, 0)
	}
}

// deadlinePassed ends a group by its ActiveDeadlineSeconds.
func (e *Emulator) deadlinePassed(g *group) {
	if g.isTerminal() || g.goal == goalDelete {
		return
	}
	g.reason = "DeadlineExceeded"
	g.agent(e.clock.Now(), eventNormal, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	e.stopAll(g, goalFail, g.grace())
}

// advance starts what can start: the next init container, or all others.
func (e *Emulator) advance(g *group) {
	if g.goal != goalNone || g.isTerminal() {
		return
	}
	for _, c := range g.inits {
		if c.succeeded() {
			continue
		}
		if !c.begun {
			e.prepare(g, c)
		}
		return
	}
	g.setCondition(e.clock.Now(), conditionInitialized, isTrue, "", "")
	for _, c := range g.apps {
		if !c.begun {
			e.prepare(g, c)
		}
	}
	e.recompute(g)
}

// recompute derives the group's status from its containers.
func (e *Emulator) recompute(g *group) {
	if g.goal != goalNone || g.isTerminal() || g.status == eci.StatusScheduling {
		return
	}
	created, over, failed := true, true, false
	for _, c := range g.apps {
		created = created && c.created
		over = over && c.isOver(g.request.RestartPolicy)
		failed = failed || c.state.exitCode != 0
	}
	switch {
	case over && failed:
		e.finish(g, eci.StatusFailed)
	case over:
		e.finish(g, eci.StatusSucceeded)
	case created:
		g.status = eci.StatusRunning
		e.queue.cancel(g.pendingTimer)
	}
	e.updateReady(g)
}

// updateReady sets the two conditions that follow from the containers.
func (e *Emulator) updateReady(g *group) {
	now := e.clock.Now()
	var unready []*container
	for _, c := range g.apps {
		if !c.ready {
			unready = append(unready, c)
		}
	}
	status, reason, message := isTrue, "", ""
	switch {
	case g.isTerminal():
		status, reason = isFalse, "PodCompleted"
		if g.status != eci.StatusSucceeded {
			reason = "PodFailed"
		}
	case len(unready) > 0:
		status, reason, message = isFalse, "ContainersNotReady", "containers with unready status: "+names(unready)
	}
	g.setCondition(now, conditionContainers, status, reason, message)
	g.setCondition(now, conditionReady, status, reason, message)
	e.touch(g)
}

// finish ends the group: it is a record from here.
func (e *Emulator) finish(g *group, status string) {
	g.status, g.goal = status, goalNone
	g.ended = e.clock.Now()
	e.cancelTimers(g)
	e.free(g)
	e.updateReady(g)
	e.keepRecord(g)
}

// touch marks a change that SinceSecond tells.
func (e *Emulator) touch(g *group) { g.changed = e.clock.Now() }

func (e *Emulator) cancelTimers(g *group) {
	e.queue.cancel(g.pendingTimer)
	e.queue.cancel(g.deadlineTimer)
	e.cancelSteps(g)
}

// cancelSteps takes back the next steps of the group and of its containers.
func (e *Emulator) cancelSteps(g *group) {
	e.queue.cancel(g.stopTimer)
	for c := range g.all() {
		e.queue.cancel(c.waiting)
		c.waiting = nil
		c.pull++
	}
}

// free returns the address and the quota, once, and lets the runtime forget the
// group.
func (e *Emulator) free(g *group) {
	if !g.holding {
		return
	}
	g.holding = false
	e.runtime.Forget(g.id)
	g.subnet.release(g.address)
	e.dropENI(g)
	e.usedCPU -= g.cpu
}

func names(list []*container) string {
	all := make([]string, len(list))
	for i, c := range list {
		all[i] = c.spec.Name
	}
	return "[" + strings.Join(all, " ") + "]"
}
