package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Bounds of the rows about a node at rest.
const (
	callsPerMinute   = 60
	kilobytesPerPod  = 20
	percentOfCore    = 2
	restartSeconds   = 5
	restartCalls     = 60
	changeOverTick   = 500 * time.Millisecond
	afterRestart     = 10 * time.Second
	restCooling      = 15 * time.Second
	slowTick         = 3 * time.Second
	kilobyte         = 1000.0
	millisPerSecond  = 1000.0
	secondsPerMinute = 60.0
)

// resting is a node at rest with n pods.
type resting struct {
	*virtualNode
	n       int
	tracker *tracker
	base    float64 // resident set without pods, in bytes
	calls   int     // when the rest began
	cpu     time.Duration
}

// atRest fills a node of each size and watches all of them rest at the same time,
// each on a cloud of its own. Then the last but one is restarted, and the pods of
// the last change.
func (b *bench) atRest(ctx context.Context) (err error) {
	var nodes []*resting
	defer func() {
		for _, node := range nodes {
			node.tracker.stop()
			err = errors.Join(err, node.stop())
			node.cloud.close()
		}
	}()
	for _, n := range b.idle {
		node, err := b.startResting(ctx, n)
		if err != nil {
			return err
		}
		nodes = append(nodes, node)
	}
	if err := b.watchRest(ctx, nodes); err != nil {
		return err
	}
	largest := nodes[len(nodes)-1]
	if err := b.restart(ctx, nodes[max(0, len(nodes)-2)]); err != nil {
		return err
	}
	return b.changes(ctx, largest)
}

// startResting starts a node and fills it with n pods.
func (b *bench) startResting(ctx context.Context, n int) (*resting, error) {
	c, err := newCloud(false)
	if err != nil {
		return nil, err
	}
	node, err := b.startNode(ctx, fmt.Sprint("bench-rest-", n), c)
	if err != nil {
		c.close()
		return nil, err
	}
	r := &resting{virtualNode: node, n: n}
	if r.tracker, err = track(ctx, b.client(), node.name); err == nil {
		err = b.fill(ctx, r)
	}
	if err != nil {
		c.close()
		return nil, errors.Join(err, node.stop())
	}
	return r, nil
}

// fill makes the pods of a node.
func (b *bench) fill(ctx context.Context, r *resting) (err error) {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	if r.base, err = r.resident(); err != nil {
		return err
	}
	ctx, cancel := b.step(ctx)
	defer cancel()
	b.sayf("  filling a node with %d pods", r.n)
	if err := createPods(ctx, b.client(), r.name, podNames(r.name, 0, r.n), nil); err != nil {
		return err
	}
	return r.tracker.awaitRunning(ctx, r.n)
}

// watchRest counts what nodes at rest cost.
func (b *bench) watchRest(ctx context.Context, nodes []*resting) (err error) {
	before, err := readWrites(ctx, b.client())
	if err != nil {
		return err
	}
	b.sayf("  waiting until the events of the pods are written")
	if _, late, err := b.drain(ctx, before, b.config.rest > restCooling); err != nil {
		return err
	} else if err := pause(ctx, min(max(restCooling-late, 0), b.config.rest)); err != nil {
		return err
	}
	b.sayf("  %v pods at rest for %s", []int(b.idle), b.config.rest)
	for _, r := range nodes {
		r.calls, _ = r.cloud.total()
		if r.cpu, err = r.program.cpu(); err != nil {
			return err
		}
	}
	if err := pause(ctx, b.config.rest); err != nil {
		return err
	}
	for i, r := range nodes {
		if err := b.rowsOfRest(ctx, r, i == len(nodes)-1); err != nil {
			return err
		}
	}
	return nil
}

// rowsOfRest are those of a node that has rested; full has memory and CPU too.
func (b *bench) rowsOfRest(ctx context.Context, r *resting, full bool) error {
	calls, _ := r.cloud.total()
	perMinute := float64(calls-r.calls) * secondsPerMinute / b.config.rest.Seconds()
	b.add(atMost(rowCalls, r.n, perMinute, "calls/min", callsPerMinute, ""))
	if !full {
		return nil
	}
	cpu, err := r.program.cpu()
	if err != nil {
		return err
	}
	resident, err := r.resident()
	if err != nil {
		return err
	}
	b.add(atMost(rowMemory, r.n, (resident-r.base)/float64(r.n)/kilobyte, "KB", kilobytesPerPod,
		fmt.Sprintf("base %.0f MB, now %.0f MB", r.base/1e6, resident/1e6)))
	b.add(atMost(rowIdleCPU, r.n, float64(cpu-r.cpu)/float64(b.config.rest)*100, "% of a core", percentOfCore, ""))
	if b.profile {
		return r.saveProfile(ctx, "heap?gc=1", fmt.Sprintf("heap-%d.pprof", r.n))
	}
	return nil
}

// restart kills the node and starts it again.
func (b *bench) restart(ctx context.Context, node *resting) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
	b.sayf("  killing the node with %d pods and starting it again", node.n)
	created := node.cloud.of(eci.ActionCreateContainerGroup)
	if err := node.kill(); err != nil {
		return err
	}
	before, _ := node.cloud.total()
	begin := time.Now()
	if err := node.start(ctx); err != nil {
		return err
	}
	took := time.Since(begin)
	if err := pause(ctx, min(afterRestart, b.config.rest)); err != nil {
		return err
	}
	after, _ := node.cloud.total()
	if again := node.cloud.of(eci.ActionCreateContainerGroup) - created; again > 0 {
		return fmt.Errorf("%d creates after a restart: the pods were not known again", again)
	}
	b.add(atMost(rowRestart, node.n, took.Seconds(), "s", restartSeconds, ""))
	b.add(atMost(rowRestartCalls, node.n, float64(after-before), "calls", restartCalls, ""))
	return nil
}

// changes ends the containers of pods one after the other and measures when the
// API server shows it.
func (b *bench) changes(ctx context.Context, node *resting) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
	names := podNames(node.name, 0, min(b.burst, node.n))
	b.sayf("  %d containers end within %s", len(names), b.spread)
	changed := map[string]time.Time{}
	tick := time.NewTicker(b.spread / time.Duration(len(names)))
	defer tick.Stop()
	for _, name := range names {
		<-tick.C
		at, err := node.cloud.finish(request.GroupName(namespace, name))
		if err != nil {
			return err
		}
		changed[name] = at
	}
	if err := node.tracker.awaitEnded(ctx, len(names)); err != nil {
		return err
	}
	var delays []time.Duration
	for name, at := range changed {
		delays = append(delays, node.tracker.endedAt(name).Sub(at))
	}
	slices.Sort(delays)
	quantile := func(q float64) float64 { return delays[int(q*float64(len(delays)-1))].Seconds() * millisPerSecond }
	b.add(shown("change in the cloud to status, p50", len(names), quantile(0.5), "ms"))
	b.add(atMost(rowChange, len(names), quantile(0.99), "ms",
		float64((slowTick + changeOverTick).Milliseconds()), fmt.Sprintf("tick %s + %s", slowTick, changeOverTick)))
	return nil
}
