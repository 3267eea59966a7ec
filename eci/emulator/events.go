package emulator

import (
	"fmt"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxEvents is how many events of a group are kept. Source: the describe
// calls' documents.
const maxEvents = 50

const (
	eventNormal  = "Normal"
	eventWarning = "Warning"
)

type groupEvent struct {
	name, source, kind, reason, message string
	count                               int32
	first, last                         time.Time
}

// record adds an event, or counts it up when it is the newest one again.
func (g *group) record(now time.Time, source, kind, reason, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	for i := len(g.events) - 1; i >= 0; i-- {
		ev := &g.events[i]
		if ev.source == source && ev.reason == reason && ev.message == message {
			ev.count++
			ev.last = now
			return
		}
	}
	g.eventCount++
	g.events = append(g.events, groupEvent{
		name:   fmt.Sprintf("%s.%x%04x", g.request.ContainerGroupName, now.UnixNano()>>16, g.eventCount),
		source: source, kind: kind, reason: reason, message: message, count: 1, first: now, last: now,
	})
	if len(g.events) > maxEvents {
		g.events = append([]groupEvent(nil), g.events[len(g.events)-maxEvents:]...)
	}
}

func (g *group) service(now time.Time, kind, reason, format string, args ...any) {
	g.record(now, eci.EventSourceService, kind, reason, format, args...)
}

func (g *group) agent(now time.Time, kind, reason, format string, args ...any) {
	g.record(now, eci.EventSourceAgent, kind, reason, format, args...)
}
