package campaign

import (
	"time"

	"github.com/eci-vnode/eci-vnode/provider"
)

// loop is something that a process does again and again, one turn at a time.
type loop struct {
	running bool
	next    time.Time
	turn    func() (pause time.Duration)
	// task is the turn under way, waited the time that it has waited for the budget.
	task   *task
	waited time.Duration
}

func (l *loop) run(i *instance) {
	l.running, l.task, l.waited = true, i.w.task, 0
	pause := l.turn()
	l.running, l.next = false, i.w.clock.Now().Add(pause)
}

// loops are those that run now, as VirtualNode.Run and Provider.Run have them.
func (i *instance) loops() []*loop {
	if !i.recovered {
		return []*loop{&i.recovery}
	}
	return []*loop{&i.sync, &i.repair, &i.refresh}
}

// setLoops makes the loops of a process that starts.
func (i *instance) setLoops() {
	settings := provider.DefaultConfig()
	i.recovery.turn = func() time.Duration {
		i.recovered = i.pods.Recover(i.ctx) == nil
		return 5 * time.Second
	}
	i.sync.turn = func() time.Duration { i.cloud.Sync(i.ctx); return i.cloud.Pace() }
	i.repair.turn = func() time.Duration { i.cloud.Repair(i.ctx); return repairEvery }
	i.refresh.turn = func() time.Duration { i.cloud.Refresh(i.ctx); return settings.Refresh }
}
