package campaign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/status"
	"github.com/eci-vnode/eci-vnode/vnode"
)

var errDead = errors.New("this process is dead")

// instance is one process of eci-vnode: the real provider, the real pod
// controller and the real client, with a memory of their own.
type instance struct {
	w    *world
	name string
	ctx  context.Context
	kill context.CancelFunc
	dead bool
	// crashIn counts the calls, before and after each, until the process dies;
	// 0 is never.
	crashIn int
	// paused processes get no turn: SIGSTOP, or a machine that swaps.
	paused time.Time
	// cut processes do not reach the API server until then.
	cut time.Time
	// skew is how much its clock is ahead.
	skew time.Duration

	cache   cache.Indexer
	cursor  int // the next line of the API server's log
	stalled time.Time

	provider *provider.Provider
	cloud    *provider.Stepper
	pods     *vnode.Stepper
	tasks    []*task
	// recovered lets the workers and the loops begin, as in VirtualNode.Run.
	recovered bool
	recovery  loop
	sync      loop
	repair    loop
	refresh   loop
	budget    budget
	throttled time.Time // when the cloud last said so
	sight     sight
}

// podCache is the informer's cache as the provider sees it.
type podCache struct{ cache.Indexer }

func (c podCache) List() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, obj := range c.Indexer.List() {
		pods = append(pods, obj.(*corev1.Pod))
	}
	return pods
}

func (w *world) newInstance() (*instance, error) {
	w.births++
	i := &instance{w: w, name: fmt.Sprintf("node%d", w.births), skew: w.skew, sight: newSight()}
	i.ctx, i.kill = context.WithCancel(log.WithLogger(context.Background(), logger{i: i}))
	client := openapi.DefaultConfig(region)
	client.Endpoint, client.MaxAttempts = "http://127.0.0.1:1", 2
	for _, action := range writes {
		client.Rates[action] = openapi.Rate{PerSecond: 1, Burst: 4} // few, so that it matters
	}
	client.Rates[eci.ActionDescribeContainerLog] = openapi.Rate{PerSecond: 8, Burst: 32}
	cloud, err := openapi.New(client, openapi.Deps{
		Credentials: openapi.StaticCredentials(accessKeyID, accessKeySecret, securityToken),
		HTTPClient:  &http.Client{Transport: wire{i}}, Clock: clientClock{i}, Observe: i.checkWait,
	})
	if err != nil {
		return nil, err
	}
	informer := vnode.NewPodInformer(kube{i: i}, nodeName)
	i.cache = informer.GetIndexer()
	deps := provider.Deps{
		Cloud: cloud, Kube: kube{i: i}, Pods: podCache{i.cache}, Events: recorder{i}, Clock: nodeClock{i: i},
		NewQueue: func(string) provider.Queue { return newQueue(w) },
		Services: corelisters.NewServiceLister(cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})),
	}
	cfg := provider.DefaultConfig()
	cfg.Request.RegionID, cfg.Request.VSwitchIDs, cfg.Request.SecurityGroupID = region, []string{"vsw-emulator-h"}, "sg-emulator"
	cfg.Request.ClusterID, cfg.Request.NodeName = clusterID, nodeName
	cfg.Repair, cfg.MassOrphanGrace = repairEvery, massOrphanGrace
	cfg.UpdateFiles = w.births%2 == 0 // by turns: both ways are to be seen
	w.off.weaken(&cfg, &deps)
	if i.provider, err = provider.New(cfg, deps); err != nil {
		return nil, err
	}
	i.cloud = provider.NewStepper(i.provider)
	node := vnode.DefaultConfig()
	node.Node.Name = nodeName
	i.pods, err = vnode.NewStepper(node, vnode.Deps{
		Client: w.off.kube(kube{i: i}), Provider: w.off.provider(i.provider), Pods: informer, OwnsAnnotation: status.OwnsAnnotation,
		Recorder: recorder{i}, Clock: nodeClock{i: i},
	}, func(string) vnode.Queue { return newQueue(w) })
	if err != nil {
		return nil, err
	}
	i.setLoops()
	i.budget = newBudget(client.Rates)
	i.relist(w.lag())
	return i, nil
}

// stop is where a call leaves the process, or comes back: another task may go
// on here, and the process may die. An error means that it is dead.
func (i *instance) stop() error {
	if i.dead {
		return errDead
	}
	if i.crashIn > 0 {
		if i.crashIn--; i.crashIn == 0 {
			i.die("kill -9")
			return errDead
		}
	}
	i.w.task.suspend()
	if i.dead {
		return errDead
	}
	return nil
}

// timeout is how long the client waits for an answer of the cloud.
const timeout = 15 * time.Second

// answerSlowly is where an answer of the cloud comes back, if the client still
// waits for it by then.
func (i *instance) answerSlowly(slow time.Duration) error {
	if i.dead {
		return errDead
	}
	i.w.task.wakeAt = i.w.clock.Now().Add(min(slow, timeout))
	if err := i.stop(); err != nil {
		return err
	}
	if slow > timeout {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// die ends the process: nothing that it does from here leaves it. Its tasks are
// unwound by the scheduler.
func (i *instance) die(why string) {
	i.w.say("%s  %s", i.name, why)
	i.dead, i.w.diedAt = true, i.w.clock.Now()
	i.kill()
}

// unwind lets what is left of a dead process come to its end.
func (i *instance) unwind() {
	for _, t := range i.tasks {
		for i.w.task = t; !t.over; {
			t.resume()
		}
	}
	i.tasks = nil
}

// turns lists what could happen next in the process.
func (i *instance) turns() []func() {
	now := i.w.clock.Now()
	if i.dead || now.Before(i.paused) {
		return nil
	}
	var turns []func()
	for _, t := range i.tasks {
		if !t.wakeAt.After(now) {
			turns = append(turns, func() { i.resume(t) })
		}
	}
	if i.cursor < len(i.w.api.log) && !now.Before(i.stalled) {
		turns = append(turns, i.deliver)
	}
	for _, l := range i.loops() {
		if !l.running && !now.Before(l.next) {
			turns = append(turns, func() { i.start(func() { l.run(i) }) })
		}
	}
	if !i.recovered {
		return turns
	}
	for _, q := range i.queues() {
		if q.settle(); q.isDue() {
			turns = append(turns, func() { i.start(func() { i.work(q) }) })
		}
	}
	return turns
}

func (i *instance) queues() []*queue {
	return []*queue{i.pods.Creates.(*queue), i.pods.Deletes.(*queue), i.pods.Updates.(*queue),
		i.cloud.Launches.(*queue), i.cloud.Endings.(*queue)}
}

func (i *instance) work(q *queue) {
	if q == i.cloud.Launches || q == i.cloud.Endings {
		i.cloud.Work(i.ctx, q)
		return
	}
	i.pods.Work(i.ctx, q)
}

func (i *instance) start(run func()) {
	t := newTask(run)
	i.tasks = append(i.tasks, t)
	i.resume(t)
}

func (i *instance) resume(t *task) {
	i.w.task = t
	t.resume()
	if t.over {
		i.tasks = slices.DeleteFunc(i.tasks, func(other *task) bool { return other == t })
	}
}

// deliver takes one line of the watch.
func (i *instance) deliver() {
	event := i.w.api.log[i.cursor]
	i.cursor++
	i.notePod(event.pod)
	pod := i.heard(event.pod)
	old, known, _ := i.cache.Get(pod)
	switch {
	case event.deleted && known:
		i.drop(old, pod)
	case event.deleted:
	case known:
		i.take(i.cache.Update(pod))
		i.pods.Handler().OnUpdate(old, pod)
	default:
		i.take(i.cache.Add(pod))
		i.pods.Handler().OnAdd(pod, false)
	}
}

// heard is a pod as it goes into the cache.
func (i *instance) heard(pod *corev1.Pod) *corev1.Pod {
	pod, err := i.pods.Transform(pod.DeepCopy())
	i.take(err)
	return pod
}

// relist is the start of a watch, or its new start after a gap: what happened
// between is seen as a difference only, and deletions as tombstones. The list
// may come from a server that is lag events behind, but never goes back.
func (i *instance) relist(lag int) {
	i.cursor = max(i.cursor, i.w.api.behind(lag))
	listed := map[string]bool{}
	for _, pod := range i.w.api.listAt(i.cursor) {
		listed[pod.Name] = true
		i.notePod(pod)
		pod = i.heard(pod)
		if old, known, _ := i.cache.Get(pod); known {
			i.take(i.cache.Update(pod))
			i.pods.Handler().OnUpdate(old, pod)
			continue
		}
		i.take(i.cache.Add(pod))
		i.pods.Handler().OnAdd(pod, true)
	}
	for _, obj := range i.cache.List() {
		if pod := obj.(*corev1.Pod); !listed[pod.Name] {
			i.drop(obj, cache.DeletedFinalStateUnknown{Key: pod.Namespace + "/" + pod.Name, Obj: obj})
		}
	}
}

func (i *instance) drop(old, last any) {
	i.take(i.cache.Delete(old))
	i.pods.Handler().OnDelete(last)
}

// take panics on what an indexer and a transform of pods never answer.
func (i *instance) take(err error) {
	if err != nil {
		panic(err)
	}
}

// nextDue is the earliest time at which the process wants a turn, if any.
func (i *instance) nextDue() (time.Time, bool) {
	if i.dead {
		return time.Time{}, false
	}
	var due []time.Time
	for _, t := range i.tasks {
		due = append(due, t.wakeAt)
	}
	if i.cursor < len(i.w.api.log) {
		due = append(due, i.stalled)
	}
	for _, l := range i.loops() {
		if !l.running {
			due = append(due, l.next)
		}
	}
	if i.recovered {
		for _, q := range i.queues() {
			for _, at := range q.later {
				due = append(due, at)
			}
		}
	}
	if len(due) == 0 {
		return time.Time{}, false
	}
	first := slices.MinFunc(due, time.Time.Compare)
	if first.Before(i.paused) {
		first = i.paused
	}
	return first, true
}
