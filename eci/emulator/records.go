package emulator

import (
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
)

// keepRecord remembers an ended group for as long as the cloud does.
func (e *Emulator) keepRecord(g *group) {
	if g.status == eci.StatusScheduleFailed {
		e.queue.after(e.cfg.Retention.ScheduleFailed, func() { e.forget(g) })
		return
	}
	e.records = append(e.records, g)
	e.pruneRecords()
	e.queue.after(e.cfg.Retention.Records, e.pruneRecords)
}

// pruneRecords forgets records that are old and not among the newest. They are
// in the order of their end.
func (e *Emulator) pruneRecords() {
	now := e.clock.Now()
	for len(e.records) > e.cfg.Retention.Newest && now.Sub(e.records[0].ended) >= e.cfg.Retention.Records {
		e.forget(e.records[0])
		e.records = e.records[1:]
	}
}

func (e *Emulator) forget(g *group) {
	if e.remains(g) {
		e.remove(g)
	}
}

// dropRecord takes a group out of the records before its time.
func (e *Emulator) dropRecord(g *group) {
	e.records = slices.DeleteFunc(e.records, func(other *group) bool { return other == g })
}
