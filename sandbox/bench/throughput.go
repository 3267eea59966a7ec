package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

// lap is one time that n pods were created and deleted.
type lap struct {
	n              int
	create, delete half
	// comes and goes are the last status patches of a pod in each half.
	comes, goes []byte
}

func (l lap) createRate() float64 { return float64(l.n) / l.create.took.Seconds() }
func (l lap) deleteRate() float64 { return float64(l.n) / l.delete.took.Seconds() }

func (l lap) cpuPerPod() float64 {
	return (l.create.cpu + l.delete.cpu).Seconds() * 1000 / float64(l.n)
}

func (l lap) eventsPerPod() float64 {
	return (l.create.all.events + l.delete.all.events) / float64(l.n)
}

// takeOffLoad takes the writes of the load off: one for each pod in each half.
func (l *lap) takeOffLoad() {
	for _, h := range []*half{&l.create, &l.delete} {
		h.within.pods -= float64(l.n)
		h.all.pods -= float64(l.n)
	}
}

// warmUp makes and deletes pods by the raw client, so that the API server's
// caches and lazily built tables are there for whoever comes first.
func (b *bench) warmUp(ctx context.Context) error {
	names := podNames("warm", 0, min(200, b.pods[0]))
	running, ended := created(), created()
	running.Status = runningStatus(newPod("", ""))
	ended.Status.Phase = corev1.PodFailed
	comes, err := statusWrite(created(), running)
	if err != nil {
		return err
	}
	goes, err := statusWrite(running, ended)
	if err != nil {
		return err
	}
	raw := rawClient{client: b.client(), comes: comes, goes: goes, onCreate: 1, onDelete: 1}
	if _, err := raw.create(ctx, "bench-warm", names); err != nil {
		return err
	}
	_, err = raw.delete(ctx, names)
	return err
}

// throughput lets the rivals create and delete in turn. The first number of
// pods has several rounds, and its rows the medians.
func (b *bench) throughput(ctx context.Context) error {
	for i, n := range b.pods {
		rounds := 1
		if i == 0 {
			rounds = b.rounds
		}
		var ours, raw, best laps
		for round := 1; round <= rounds; round++ {
			l, err := b.lapOfOurs(ctx, n, round)
			if err != nil {
				return err
			}
			r, err := b.lapOfRaw(ctx, n, round, l)
			if err != nil {
				return err
			}
			ours, raw = append(ours, l), append(raw, r)
			if i > 0 {
				continue
			}
			if l, err = b.lapOfLibrary(ctx, settingsBest, n, round); err != nil {
				return err
			}
			best = append(best, l)
		}
		b.rowsAgainstRaw(n, ours, raw)
		if i > 0 {
			continue
		}
		stock, err := b.lapOfLibrary(ctx, settingsStock, b.stock, 1)
		if err != nil {
			return err
		}
		b.rowsAgainstLibrary(n, ours, best, stock)
	}
	return nil
}

// laps are those of one rival with the same number of pods.
type laps []lap

// median of a figure; of an even number of laps the higher of the two.
func (l laps) median(of func(lap) float64) float64 {
	var all []float64
	for _, one := range l {
		all = append(all, of(one))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (b *bench) rowsAgainstRaw(n int, ours, raw laps) {
	each := func(h func(lap) half) float64 {
		return ours.median(func(l lap) float64 { return h(l).all.ofPods() / float64(n) })
	}
	b.add(against(rowCreated, n, ours.median(lap.createRate), "pods/s", rival{"raw client", raw.median(lap.createRate)}, false, 0.8))
	b.add(against(rowDeleted, n, ours.median(lap.deleteRate), "pods/s", rival{"raw client", raw.median(lap.deleteRate)}, false, 0.8))
	b.add(atMost(rowCreateWrites, n, each(func(l lap) half { return l.create }), "writes", 3, ""))
	b.add(atMost(rowDeleteWrites, n, each(func(l lap) half { return l.delete }), "writes", 3, ""))
}

func (b *bench) rowsAgainstLibrary(n int, ours, best laps, stock lap) {
	stockName, bestName := fmt.Sprintf("library, stock, n=%d", stock.n), "library, best"
	created, deleted := ours.median(lap.createRate), ours.median(lap.deleteRate)
	b.add(against(rowCreated, n, created, "pods/s", rival{bestName, best.median(lap.createRate)}, false, 0.9))
	b.add(against(rowCreated, n, created, "pods/s", rival{stockName, stock.createRate()}, false, 20))
	b.add(against(rowDeleted, n, deleted, "pods/s", rival{bestName, best.median(lap.deleteRate)}, false, 2))
	b.add(against(rowDeleted, n, deleted, "pods/s", rival{stockName, stock.deleteRate()}, false, 20))
	b.add(against(rowCPU, n, ours.median(lap.cpuPerPod), "ms", rival{bestName, best.median(lap.cpuPerPod)}, true, 0.6))
	b.add(beside("events written per pod", n, ours.median(lap.eventsPerPod), "events", bestName, best.median(lap.eventsPerPod)))
	late := func(l lap) float64 { return l.create.late.Seconds() }
	b.add(beside("last event of the pods created, after the last pod", n, ours.median(late), "s", bestName, best.median(late)))
}

// lapOfOurs measures eci-vnode on a cloud of its own.
func (b *bench) lapOfOurs(ctx context.Context, n, round int) (lap, error) {
	c, err := newCloud(false)
	if err != nil {
		return lap{}, err
	}
	defer c.close()
	node, err := b.startNode(ctx, fmt.Sprintf("bench-ours-%d-%d", n, round), c)
	if err != nil {
		return lap{}, err
	}
	if b.profile {
		b.sampled = node
		defer func() { b.sampled = nil }()
	}
	l, err := b.lap(ctx, node.program, node.name, n, 0)
	b.sayf("  %s: cloud calls %s", node.name, c.summary())
	return l, errors.Join(err, node.stop())
}

// nodeOfLibrary is the name of its node.
func nodeOfLibrary(settings string, round int) string {
	return fmt.Sprintf("bench-%s-%d", settings, round)
}

// lapOfLibrary measures virtual-kubelet's PodController.
func (b *bench) lapOfLibrary(ctx context.Context, settings string, n, round int) (lap, error) {
	self, err := os.Executable()
	if err != nil {
		return lap{}, err
	}
	node := nodeOfLibrary(settings, round)
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
	drain := n == b.pods[0] // the CPU time of the others is not shown
	l.create, err = b.measure(ctx, p, drain, func() error {
		if err := createPods(ctx, b.client(), node, names, nil); err != nil {
			return err
		}
		return t.awaitRunning(ctx, n)
	})
	if err != nil {
		return l, err
	}
	b.sayf("  %s: %d pods running after %.2f s, the last write %.0f s later, %.2f ms of CPU per pod",
		node, n, l.create.took.Seconds(), l.create.late.Seconds(), l.create.cpu.Seconds()*1000/float64(n))
	l.delete, err = b.measure(ctx, p, drain, func() error {
		if err := deletePods(ctx, b.client(), names); err != nil {
			return err
		}
		return t.awaitGone(ctx, n)
	})
	if err != nil {
		return l, err
	}
	l.delete.took -= grace
	l.takeOffLoad()
	l.comes, l.goes, err = t.writes()
	b.sayf("  %s: %d pods gone after %.2f s, the last write %.0f s later, %.2f ms of CPU per pod",
		node, n, l.delete.took.Seconds(), l.delete.late.Seconds(), l.cpuPerPod())
	return l, err
}

const (
	// settle is how long a node gets to come to rest after the last pod.
	settle = 2 * time.Second
	// drained is how long no write means that nothing more comes, and drainWait
	// how long that is waited for.
	drained   = 3 * time.Second
	drainWait = 3 * time.Minute
)

// half is one half of a lap.
type half struct {
	took time.Duration
	// within are the writes until the last pod was seen, all those until nothing
	// more came, and late is how long that took.
	within, all writes
	late        time.Duration
	cpu         time.Duration
}

// measure does one half of a lap and measures it, with the CPU time of p. With
// drain it waits until p has written everything, events included, so that all of
// its writes and of its CPU time are counted.
func (b *bench) measure(ctx context.Context, p *program, drain bool, do func() error) (h half, err error) {
	before, err := readWrites(ctx, b.client())
	if err != nil {
		return h, err
	}
	cpuBefore, err := p.cpu()
	if err != nil {
		return h, err
	}
	profiled := b.profileHalf(ctx)
	start := time.Now()
	if err := do(); err != nil {
		return h, err
	}
	h.took = time.Since(start)
	after, err := readWrites(ctx, b.client())
	if err != nil {
		return h, err
	}
	h.within = after.minus(before)
	if after, h.late, err = b.drain(ctx, after, drain); err != nil {
		return h, err
	}
	h.all = after.minus(before)
	cpuAfter, err := p.cpu()
	h.cpu = cpuAfter - cpuBefore
	return h, errors.Join(err, profiled())
}

// drain waits until no more writes come, and returns how long the last one took.
func (b *bench) drain(ctx context.Context, last writes, long bool) (writes, time.Duration, error) {
	start, changed := time.Now(), time.Now()
	for {
		if err := pause(ctx, settle/2); err != nil {
			return last, 0, err
		}
		now, err := readWrites(ctx, b.client())
		if err != nil {
			return last, 0, err
		}
		if now != last {
			last, changed = now, time.Now()
		}
		wait := settle
		if long {
			wait = drainWait
		}
		if time.Since(changed) >= drained || time.Since(start) >= wait {
			return last, changed.Sub(start), nil
		}
	}
}

// profileHalf samples the CPU of the node that is to be sampled, if any. The
// returned function waits for the profile to be saved.
func (b *bench) profileHalf(ctx context.Context) (saved func() error) {
	node := b.sampled
	if node == nil {
		return func() error { return nil }
	}
	b.profiles++
	var profile errgroup.Group
	file := fmt.Sprintf("cpu-%d.pprof", b.profiles)
	profile.Go(func() error { return node.saveProfile(ctx, "profile?seconds=20", file) })
	return profile.Wait
}

// lapOfRaw makes the writes that were counted for ours.
func (b *bench) lapOfRaw(ctx context.Context, n, round int, ours lap) (lap, error) {
	ctx, cancel := b.step(ctx)
	defer cancel()
	node := fmt.Sprintf("bench-raw-%d-%d", n, round)
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
		client: b.client(), comes: ours.comes, goes: ours.goes,
		onCreate:     max(1, perPod(ours.create.all.ofPods(), n)),
		onDelete:     max(0, perPod(ours.delete.all.ofPods(), n)-1), // the last write of ours is the delete
		createEvents: ours.create.within.events / float64(n),
		deleteEvents: ours.delete.within.events / float64(n),
	}
	names, l := podNames(node, 0, n), lap{n: n}
	if l.create.took, err = raw.create(ctx, node, names); err != nil {
		return l, err
	}
	b.sayf("  raw client: %d pods with %d patches and %.2f events after %.2f s", n, raw.onCreate, raw.createEvents, l.create.took.Seconds())
	if err := t.awaitRunning(ctx, n); err != nil {
		return l, err
	}
	if l.delete.took, err = raw.delete(ctx, names); err != nil {
		return l, err
	}
	b.sayf("  raw client: %d pods gone with %d patches and %.2f events after %.2f s", n, raw.onDelete, raw.deleteEvents, l.delete.took.Seconds())
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
