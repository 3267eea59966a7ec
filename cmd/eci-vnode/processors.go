package main

import (
	"context"
	"runtime"
	"time"
)

const (
	// fullShare is the share of its one processor that means that a second one would
	// help, and spareShare what one has room for.
	fullShare  = 0.8
	spareShare = 0.6
	// spareAfter is how many seconds in a row have to be spare.
	spareAfter = 30
)

// limitProcessors lets the program run on one processor as long as it fills less
// than that, until ctx ends. Pods are many short turns of work that take less than
// half of one processor in a burst: spread over several, a sixth of its time goes
// into waking them up. Streams of many bytes fill it, and get what Go would take by
// itself. Whoever sets GOMAXPROCS knows better.
func limitProcessors(ctx context.Context, env lookupEnv) {
	if _, set := env("GOMAXPROCS"); set {
		return
	}
	used, known := processorTime()
	if !known {
		return
	}
	runtime.GOMAXPROCS(1)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	need := need{used: used, at: time.Now()}
	for several := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		used, _ := processorTime()
		switch want := need.several(used, time.Now()); {
		case want == several:
			continue
		case want:
			runtime.SetDefaultGOMAXPROCS()
		default:
			runtime.GOMAXPROCS(1)
		}
		several = !several
	}
}

// need tells from the time that was used on processors whether one is enough.
type need struct {
	used  time.Duration
	at    time.Time
	full  bool // since a second that was
	spare int  // seconds in a row
}

// several takes what was used until now, about a second after the last time. It is
// true when more than one processor is needed.
func (n *need) several(used time.Duration, now time.Time) bool {
	share := float64(used-n.used) / float64(max(now.Sub(n.at), 1))
	n.used, n.at = used, now
	n.spare++
	if share >= spareShare {
		n.spare = 0
	}
	n.full = share >= fullShare || n.full && n.spare < spareAfter
	return n.full
}
