package emulator

import (
	"context"
	"iter"
	"net/netip"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// group is one container group; the emulator's lock guards it.
type group struct {
	id      string
	uuid    string
	eni     string
	number  uint64
	request eci.CreateContainerGroupRequest
	tags    map[string]string

	zone          string
	subnet        *subnet
	securityGroup string
	address       netip.Addr
	// holding says that the group still has its address and its quota.
	holding      bool
	cpu, memory  float64
	instanceType string
	rounded      bool

	status string
	// goal is what the stopping of all containers leads to; goalNone while
	// they are to run.
	goal        goal
	created     time.Time
	placed      time.Time
	ended       time.Time
	changed     time.Time
	conditions  []condition
	events      []groupEvent
	eventCount  int
	inits, apps []*container
	pulled      map[string]bool
	reason      string
	// timers end a group that waits or runs for too long.
	pendingTimer, deadlineTimer *event
	stopTimer                   *event
}

// goal is why the containers of a group are being stopped.
type goal int

const (
	goalNone goal = iota
	goalDelete
	goalRestart
	goalUpdate
	goalFail
	goalExpire
)

// container is one container of a group, with the run it is in.
type container struct {
	spec eci.Container
	init bool

	state, last containerState
	ready       bool
	restarts    int32
	// begun: its image is being pulled or was; created: it has run.
	begun, created bool
	// run counts the runs, so that a late report of an old one is dropped.
	run int
	// pull counts the pulls likewise.
	pull    int
	process Process
	// alive is done when the run has ended; bury ends it.
	alive   context.Context
	bury    context.CancelFunc
	backOff time.Duration
	waiting *event
	log     *runLog
	lastLog *runLog
}

// containerState is what a container does; the zero State never was.
type containerState struct {
	state       string
	reason      string
	message     string
	exitCode    int32
	signal      int32
	start       time.Time
	finish      time.Time
	containerID string
}

type condition struct {
	kind, status    string
	reason, message string
	since           time.Time
}

// all yields init containers first, in order.
func (g *group) all() iter.Seq[*container] {
	return func(yield func(*container) bool) {
		for _, list := range [][]*container{g.inits, g.apps} {
			for _, c := range list {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// clone copies what the describe calls show.
func (g *group) clone() *group {
	copied := *g
	copied.conditions = append([]condition(nil), g.conditions...)
	copied.events = append([]groupEvent(nil), g.events...)
	copied.inits, copied.apps = cloneContainers(g.inits), cloneContainers(g.apps)
	return &copied
}

func cloneContainers(list []*container) []*container {
	copied := make([]*container, len(list))
	for i, c := range list {
		one := *c
		one.process, one.waiting = nil, nil
		copied[i] = &one
	}
	return copied
}

// setCondition records a condition; its time moves only with its status.
func (g *group) setCondition(now time.Time, kind, status, reason, message string) {
	for i := range g.conditions {
		c := &g.conditions[i]
		if c.kind != kind {
			continue
		}
		if c.status != status {
			c.since = now
		}
		c.status, c.reason, c.message = status, reason, message
		return
	}
	g.conditions = append(g.conditions, condition{kind, status, reason, message, now})
}

func (g *group) isTerminal() bool { return eci.IsTerminal(g.status) }

// wireTime is a time as the wire has it: RFC 3339 in UTC, whole seconds; zero
// is empty.
func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
