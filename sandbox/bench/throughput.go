package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// lap is one time that n pods were created and deleted.
type lap struct {
	n              int
	create, delete time.Duration
	cpu            time.Duration
	// made and unmade are the writes of creating and deleting, less the load's.
	made, unmade writes
}

func (l lap) createRate() float64 { return float64(l.n) / l.create.Seconds() }
func (l lap) deleteRate() float64 { return float64(l.n) / l.delete.Seconds() }
func (l lap) cpuPerPod() float64  { return l.cpu.Seconds() * 1000 / float64(l.n) }

// warmUp makes and deletes pods by the raw client, so that the API server's
// caches and lazily built tables are there for whoever comes first.
func (b *bench) warmUp(ctx context.Context) error {
	names := podNames("warm", 0, min(200, b.pods[0]))
	raw := rawClient{b.client(), 1, 1}
	if _, err := raw.create(ctx, "bench-warm", names); err != nil {
		return err
	}
	_, err := raw.delete(ctx, names)
	return err
}

func (b *bench) throughput(ctx context.Context) error {
	for i, n := range b.pods {
		ours, err := b.lapOfOurs(ctx, n)
		if err != nil {
			return err
		}
		raw, err := b.lapOfRaw(ctx, n, ours)
		if err != nil {
			return err
		}
		b.rowsAgainstRaw(ours, raw)
		if i > 0 {
			continue
		}
		best, err := b.lapOfLibrary(ctx, settingsBest, n)
		if err != nil {
			return err
		}
		stock, err := b.lapOfLibrary(ctx, settingsStock, b.stock)
		if err != nil {
			return err
		}
		b.rowsAgainstLibrary(ours, best, stock)
	}
	return nil
}

func (b *bench) rowsAgainstRaw(ours, raw lap) {
	n := ours.n
	b.add(against("pods created", n, ours.createRate(), "pods/s", rival{"raw client", raw.createRate()}, false, 0.8))
	b.add(against("pods deleted", n, ours.deleteRate(), "pods/s", rival{"raw client", raw.deleteRate()}, false, 0.8))
	each := float64(n)
	b.add(atMost("our writes per pod created", n, ours.made.all()/each, "writes",
		3, fmt.Sprintf("status %.2f, events %.2f", ours.made.status/each, ours.made.events/each)))
	b.add(atMost("our writes per pod deleted", n, ours.unmade.all()/each, "writes",
		3, fmt.Sprintf("status %.2f, events %.2f, pods %.2f", ours.unmade.status/each, ours.unmade.events/each, ours.unmade.pods/each)))
}

func (b *bench) rowsAgainstLibrary(ours, best, stock lap) {
	n := ours.n
	b.add(against("pods created", n, ours.createRate(), "pods/s", rival{"library, best", best.createRate()}, false, 0.9))
	b.add(against("pods created", n, ours.createRate(), "pods/s", rival{fmt.Sprintf("library, stock, n=%d", stock.n), stock.createRate()}, false, 20))
	b.add(against("pods deleted", n, ours.deleteRate(), "pods/s", rival{"library, best", best.deleteRate()}, false, 2))
	b.add(against("pods deleted", n, ours.deleteRate(), "pods/s", rival{fmt.Sprintf("library, stock, n=%d", stock.n), stock.deleteRate()}, false, 20))
	b.add(against("CPU per pod, create to gone", n, ours.cpuPerPod(), "ms", rival{"library, best", best.cpuPerPod()}, true, 0.6))
	b.add(shown("library, best: writes per pod created", n, best.made.all()/float64(n), "writes"))
	b.add(shown("library, best: writes per pod deleted", n, best.unmade.all()/float64(n), "writes"))
}

// lapOfOurs measures eci-vnode on a cloud of its own.
func (b *bench) lapOfOurs(ctx context.Context, n int) (lap, error) {
	c, err := newCloud(false)
	if err != nil {
		return lap{}, err
	}
	defer c.close()
	node, err := b.startNode(ctx, fmt.Sprint("bench-ours-", n), c)
	if err != nil {
		return lap{}, err
	}
	if b.profile {
		b.sampled = node
		defer func() { b.sampled = nil }()
	}
	l, err := b.lap(ctx, node.program, node.name, n, 0)
	return l, errors.Join(err, node.stop())
}

// lapOfLibrary measures virtual-kubelet's PodController.
func (b *bench) lapOfLibrary(ctx context.Context, settings string, n int) (lap, error) {
	self, err := os.Executable()
	if err != nil {
		return lap{}, err
	}
	node := "bench-" + settings
	leave, err := keepNode(ctx, b.client(), node)
	if err != nil {
		return lap{}, err
	}
	defer leave()
	p, err := start(b.logs(), node, nil, self, libraryCommand,
		"-kubeconfig="+b.cluster.kubeconfig(), "-node="+node, "-settings="+settings)
	if err != nil {
		return lap{}, err
	}
	// It takes all of the grace period, which is counted out.
	l, err := b.lap(ctx, p, node, n, graceSeconds*time.Second)
	return l, errors.Join(err, p.stop())
}

// lap creates n pods on a node that p runs, and deletes them.
func (b *bench) lap(ctx context.Context, p *program, node string, n int, grace time.Duration) (lap, error) {
	ctx, cancel := b.step(ctx)
	defer cancel()
	t, err := track(ctx, b.client(), node)
	if err != nil {
		return lap{}, err
	}
	defer t.stop()
	names, l := podNames(node, 0, n), lap{n: n}
	load := writes{pods: float64(n)} // one write of the load for each pod, in each half
	l.create, l.made, err = b.half(ctx, p, &l.cpu, func() error {
		if err := createPods(ctx, b.client(), node, names, nil); err != nil {
			return err
		}
		return t.awaitRunning(ctx, n)
	})
	if err != nil {
		return l, err
	}
	b.sayf("  %s: %d pods running after %.2f s", node, n, l.create.Seconds())
	l.delete, l.unmade, err = b.half(ctx, p, &l.cpu, func() error {
		if err := deletePods(ctx, b.client(), names); err != nil {
			return err
		}
		return t.awaitGone(ctx, n)
	})
	l.delete -= grace
	l.made, l.unmade = l.made.minus(load), l.unmade.minus(load)
	b.sayf("  %s: %d pods gone after %.2f s, %.2f ms of CPU per pod", node, n, l.delete.Seconds(), l.cpuPerPod())
	return l, err
}

// settle is how long after the last pod writes and CPU time still belong to it.
const settle = 2 * time.Second

// half measures one half of a lap: its time, its writes, and the CPU of p.
func (b *bench) half(ctx context.Context, p *program, cpu *time.Duration, do func() error) (time.Duration, writes, error) {
	before, err := readWrites(ctx, b.client())
	if err != nil {
		return 0, writes{}, err
	}
	cpuBefore, err := p.cpu()
	if err != nil {
		return 0, writes{}, err
	}
	var profile errgroup.Group
	if node := b.sampled; node != nil {
		b.profiles++
		file := fmt.Sprintf("cpu-%d.pprof", b.profiles)
		profile.Go(func() error { return node.saveProfile(ctx, "profile?seconds=10", file) })
	}
	start := time.Now()
	if err := do(); err != nil {
		return 0, writes{}, err
	}
	took := time.Since(start)
	if err := profile.Wait(); err != nil {
		return 0, writes{}, err
	}
	if err := pause(ctx, settle); err != nil {
		return 0, writes{}, err
	}
	cpuAfter, err := p.cpu()
	if err != nil {
		return 0, writes{}, err
	}
	*cpu += cpuAfter - cpuBefore
	after, err := readWrites(ctx, b.client())
	return took, after.minus(before), err
}

// lapOfRaw makes the writes that were counted for ours.
func (b *bench) lapOfRaw(ctx context.Context, n int, ours lap) (lap, error) {
	ctx, cancel := b.step(ctx)
	defer cancel()
	node := fmt.Sprint("bench-raw-", n)
	leave, err := keepNode(ctx, b.client(), node)
	if err != nil {
		return lap{}, err
	}
	defer leave()
	t, err := track(ctx, b.client(), node)
	if err != nil {
		return lap{}, err
	}
	defer t.stop()
	raw := rawClient{
		client:   b.client(),
		onCreate: max(1, perPod(ours.made.all(), n)),
		onDelete: max(0, perPod(ours.unmade.all(), n)-1), // the last write of ours is the delete
	}
	names, l := podNames(node, 0, n), lap{n: n}
	if l.create, err = raw.create(ctx, node, names); err != nil {
		return l, err
	}
	b.sayf("  raw client: %d pods with %d patches after %.2f s", n, raw.onCreate, l.create.Seconds())
	if err := t.awaitRunning(ctx, n); err != nil {
		return l, err
	}
	if l.delete, err = raw.delete(ctx, names); err != nil {
		return l, err
	}
	b.sayf("  raw client: %d pods gone with %d patches after %.2f s", n, raw.onDelete, l.delete.Seconds())
	return l, t.awaitGone(ctx, n)
}

func perPod(all float64, n int) int { return int(math.Round(all / float64(n))) }

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
