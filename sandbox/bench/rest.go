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
	slowTick         = 10 * time.Second
	kilobyte         = 1000.0
	millisPerSecond  = 1000.0
	secondsPerMinute = 60.0
)

// atRest fills one node step by step and watches it rest at each.
func (b *bench) atRest(ctx context.Context) error {
	c, err := newCloud(false)
	if err != nil {
		return err
	}
	defer c.close()
	node, err := b.startNode(ctx, "bench-rest", c)
	if err != nil {
		return err
	}
	err = b.restAt(ctx, node)
	return errors.Join(err, node.stop())
}

func (b *bench) restAt(ctx context.Context, node *virtualNode) error {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	base, err := node.resident()
	if err != nil {
		return err
	}
	t, err := track(ctx, b.client(), node.name)
	if err != nil {
		return err
	}
	defer t.stop()
	have := 0
	for i, n := range b.idle {
		if err := b.fill(ctx, node, t, have, n); err != nil {
			return err
		}
		have = n
		if err := b.watchRest(ctx, node, n, base, i == len(b.idle)-1); err != nil {
			return err
		}
		if i == len(b.idle)-2 {
			if err := b.restart(ctx, node, n); err != nil {
				return err
			}
			// The new process has its own base; it was measured with no pods before.
		}
	}
	return b.changes(ctx, node, t)
}

// fill brings the node from have to want running pods.
func (b *bench) fill(ctx context.Context, node *virtualNode, t *tracker, have, want int) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
	b.sayf("  filling the node up to %d pods", want)
	if err := createPods(ctx, b.client(), node.name, podNames(node.name, have, want-have), nil); err != nil {
		return err
	}
	return t.awaitRunning(ctx, want)
}

// watchRest counts what a node at rest costs.
func (b *bench) watchRest(ctx context.Context, node *virtualNode, n int, base float64, full bool) error {
	b.sayf("  %d pods at rest for %s", n, b.config.rest)
	if err := pause(ctx, min(restCooling, b.config.rest)); err != nil {
		return err
	}
	before, _ := node.cloud.total()
	cpuBefore, err := node.cpu()
	if err != nil {
		return err
	}
	if err := pause(ctx, b.config.rest); err != nil {
		return err
	}
	after, _ := node.cloud.total()
	cpuAfter, err := node.cpu()
	if err != nil {
		return err
	}
	perMinute := float64(after-before) * secondsPerMinute / b.config.rest.Seconds()
	b.add(atMost("cloud calls per minute at rest", n, perMinute, "calls/min", callsPerMinute, ""))
	if !full {
		return nil
	}
	resident, err := node.resident()
	if err != nil {
		return err
	}
	b.add(atMost("memory per idle pod above the base", n, (resident-base)/float64(n)/kilobyte, "KB", kilobytesPerPod,
		fmt.Sprintf("base %.0f MB, now %.0f MB", base/1e6, resident/1e6)))
	b.add(atMost("CPU at rest", n, float64(cpuAfter-cpuBefore)/float64(b.config.rest)*100, "% of a core", percentOfCore, ""))
	if b.profile {
		return node.saveProfile(ctx, "heap?gc=1", fmt.Sprintf("heap-%d.pprof", n))
	}
	return nil
}

// restart kills the node and starts it again.
func (b *bench) restart(ctx context.Context, node *virtualNode, n int) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
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
	b.add(atMost("restart until everything is known", n, took.Seconds(), "s", restartSeconds, ""))
	b.add(atMost("cloud calls of a restart", n, float64(after-before), "calls", restartCalls, ""))
	return nil
}

// changes ends the containers of pods one after the other and measures when the
// API server shows it.
func (b *bench) changes(ctx context.Context, node *virtualNode, t *tracker) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
	names := podNames(node.name, 0, min(b.burst, b.idle[len(b.idle)-1]))
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
	if err := t.awaitEnded(ctx, len(names)); err != nil {
		return err
	}
	var delays []time.Duration
	for name, at := range changed {
		delays = append(delays, t.endedAt(name).Sub(at))
	}
	slices.Sort(delays)
	quantile := func(q float64) float64 { return delays[int(q*float64(len(delays)-1))].Seconds() * millisPerSecond }
	b.add(shown("change in the cloud to status, p50", len(names), quantile(0.5), "ms"))
	b.add(atMost("change in the cloud to status, p99", len(names), quantile(0.99), "ms",
		float64((slowTick + changeOverTick).Milliseconds()), fmt.Sprintf("tick %s + %s", slowTick, changeOverTick)))
	return nil
}
