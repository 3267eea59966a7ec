package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

// caughtNow counts the panics that the running test expects; nil is none.
var caughtNow atomic.Pointer[atomic.Int32]

// TestMain has panics caught as in the program, from before the first goroutine
// until after the last, and fails for those that no test expects.
func TestMain(m *testing.M) {
	var unexpected atomic.Int32
	report := utilruntime.PanicHandlers
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = []func(context.Context, any){func(ctx context.Context, cause any) {
		if expected := caughtNow.Load(); expected != nil {
			expected.Add(1)
			return
		}
		unexpected.Add(1)
		for _, handle := range report {
			handle(ctx, cause)
		}
	}}
	code := m.Run()
	if code == 0 && unexpected.Load() > 0 {
		fmt.Fprintln(os.Stderr, "FAIL: goroutines panicked, see above")
		code = 1
	}
	os.Exit(code)
}

// catchCrashes returns how many panics were caught since.
func catchCrashes(t *testing.T) *atomic.Int32 {
	t.Helper()
	caught := &atomic.Int32{}
	caughtNow.Store(caught)
	t.Cleanup(func() { caughtNow.Store(nil) })
	return caught
}

// trap panics at the first call after it was set, and counts those that follow.
type trap struct {
	set   atomic.Bool
	after atomic.Int32
}

func (t *trap) step() {
	if t.set.Swap(false) {
		panic("injected")
	}
	t.after.Add(1)
}

// trappedCloud panics in one action.
type trappedCloud struct {
	Cloud
	traps map[string]*trap
}

func (c trappedCloud) step(action string) {
	if t := c.traps[action]; t != nil {
		t.step()
	}
}

func (c trappedCloud) CreateContainerGroup(ctx context.Context, r *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	c.step(eci.ActionCreateContainerGroup)
	return c.Cloud.CreateContainerGroup(ctx, r)
}

func (c trappedCloud) DescribeContainerGroups(ctx context.Context, r *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	c.step(eci.ActionDescribeContainerGroups)
	return c.Cloud.DescribeContainerGroups(ctx, r)
}

// full marks the states of a complete listing.
const full = " of all"

func (c trappedCloud) DescribeContainerGroupStatus(ctx context.Context, r *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error) {
	if r.SinceSecond == 0 {
		c.step(eci.ActionDescribeContainerGroupStatus + full)
	} else {
		c.step(eci.ActionDescribeContainerGroupStatus)
	}
	return c.Cloud.DescribeContainerGroupStatus(ctx, r)
}

func (c trappedCloud) DescribeContainerLog(ctx context.Context, r *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	c.step(eci.ActionDescribeContainerLog)
	return c.Cloud.DescribeContainerLog(ctx, r)
}

func (c trappedCloud) ExecContainerCommand(ctx context.Context, r *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	c.step(eci.ActionExecContainerCommand)
	return c.Cloud.ExecContainerCommand(ctx, r)
}

func (c trappedCloud) DescribeMultiContainerGroupMetric(ctx context.Context, r *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	c.step(eci.ActionDescribeMultiContainerGroupMetric)
	return c.Cloud.DescribeMultiContainerGroupMetric(ctx, r)
}

// setTrap has the provider panic at its next call of an action.
func (w *world) setTrap(action string) *trap {
	t := &trap{}
	t.set.Store(true)
	w.Provider.cloud = newWatchedCloud(trappedCloud{Cloud: w.Provider.cloud.cloud, traps: map[string]*trap{action: t}}, w.clock)
	return t
}

// trapKube has the provider panic at its next call of the API server.
func (w *world) trapKube(verb, resource string) *trap {
	t := &trap{}
	t.set.Store(true)
	w.kube.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		t.step()
		return false, nil, nil
	})
	return t
}

// runUntil runs the loops and moves the clocks until holds.
func (w *world) runUntil(what string, holds func() bool) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	var done sync.WaitGroup
	for _, work := range []*podWork{w.launches, w.endings} {
		work.Queue = newQueue(work.name, w.clock)
	}
	done.Go(func() { _ = w.Provider.Run(ctx) })
	w.eventually(what, func() bool {
		w.pass(time.Second)
		return holds()
	})
	cancel()
	done.Wait()
}

func TestLoops_GoOnAfterAPanic(t *testing.T) {
	for name, set := range map[string]func(*world) *trap{
		"sync, states":     func(w *world) *trap { return w.setTrap(eci.ActionDescribeContainerGroupStatus) },
		"repair, states":   func(w *world) *trap { return w.setTrap(eci.ActionDescribeContainerGroupStatus + full) },
		"relay, an event":  func(w *world) *trap { return w.trapKube("create", "events") },
		"details of a pod": func(w *world) *trap { return w.setTrap(eci.ActionDescribeContainerGroups) },
	} {
		t.Run(name, func(t *testing.T) {
			caught := catchCrashes(t)
			w := newWorld(t)
			w.mustCreatePod(w.mustAddPod("a"))
			trap := set(w)
			w.runUntil("the loop goes on and the pod runs", func() bool {
				w.telling.Lock()
				defer w.telling.Unlock()
				pod := w.told["uid-a"]
				return trap.after.Load() > 0 && pod != nil && pod.Status.Phase == corev1.PodRunning
			})
			if trap.set.Load() || caught.Load() != 1 {
				t.Errorf("%d panics were caught", caught.Load())
			}
		})
	}
}

func TestRefreshLoop_GoesOnAfterAPanic(t *testing.T) {
	caught := catchCrashes(t)
	w := newWorld(t)
	config := &corev1.ConfigMap{Data: map[string]string{"key": "value"}}
	config.Namespace, config.Name = "default", "c"
	if err := w.kube.Tracker().Add(config); err != nil {
		t.Fatal(err)
	}
	w.mustRun("a", func(pod *corev1.Pod) {
		source := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: source}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
	})
	trap := w.trapKube("get", "configmaps")
	w.runUntil("the loop reads again", func() bool { return trap.after.Load() > 0 })
	if trap.set.Load() || caught.Load() != 1 {
		t.Errorf("%d panics were caught", caught.Load())
	}
}

func TestLoops_ReadOtherPodsAfterAPanicInOne(t *testing.T) {
	caught := catchCrashes(t)
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.mustCreatePod(w.mustAddPod(name))
	}
	w.NotifyPods(t.Context(), func(pod *corev1.Pod) {
		if pod.Name == "b" {
			panic("injected")
		}
		w.telling.Lock()
		defer w.telling.Unlock()
		w.told[pod.UID] = pod
	})
	w.pass(time.Second)
	w.tick()
	for _, uid := range []types.UID{"uid-a", "uid-c"} {
		if pod := w.told[uid]; pod == nil || pod.Status.Phase != corev1.PodRunning {
			t.Errorf("%s is not told to run", uid)
		}
	}
	if caught.Load() == 0 {
		t.Error("nothing panicked")
	}
}

func TestKeepUp_BeginsALoopAnewAfterAPanic(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	var rounds atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.keepUp(t.Context(), func(context.Context) {
			if rounds.Add(1) < 5 {
				panic("injected")
			}
		})
	}()
	w.eventually("the loop has returned by itself", func() bool {
		w.clock.Step(lastRestart)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	if rounds.Load() != 5 {
		t.Errorf("%d rounds", rounds.Load())
	}
}

func TestRetry_WaitsAfterAPanicAndGivesTheClaimBack(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	pod := w.mustAddPod("a")
	w.store.remember(pod)
	w.store.update(pod.UID, func(e *entry) { e.retryAt = w.clock.Now() })
	w.launches.Add(pod.UID)
	trap := w.setTrap(eci.ActionCreateContainerGroup)
	w.tick()
	if e, _ := w.store.get(pod.UID); e.busy || trap.set.Load() || len(w.launches.Queue.(*stepQueue).due) != 1 {
		t.Fatalf("busy %v, waiting %v", e.busy, w.launches.Queue.(*stepQueue).due)
	}
	w.pass(time.Second)
	w.tick()
	w.expectLive(1)
}

func TestUsage_IsKnownOfOthersAfterAPanic(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	w.mustRun("a")
	trap := w.setTrap(eci.ActionDescribeMultiContainerGroupMetric)
	if _, err := w.readMetrics(t.Context(), []string{"eci-1"}); err == nil || !strings.Contains(err.Error(), "injected") {
		t.Errorf("got %v", err)
	}
	if _, err := w.GetStatsSummary(t.Context()); err != nil || trap.after.Load() == 0 {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFollower_TellsItsReaderOfAPanic(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	w.mustRun("a", func(pod *corev1.Pod) { pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo up; sleep 1000"} })
	log, err := w.GetContainerLogs(t.Context(), "default", "a", "app", api.ContainerLogOpts{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	w.setTrap(eci.ActionDescribeContainerLog)
	ended := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(log)
		ended <- err
	}()
	w.eventually("the reader is told", func() bool {
		w.clock.Step(followEvery)
		select {
		case err := <-ended:
			if !errors.Is(err, errFollowerBroken) {
				t.Errorf("got %v", err)
			}
			return true
		default:
			return false
		}
	})
	if err := log.Close(); err != nil || len(w.logShares.logs) != 0 {
		t.Errorf("%v, %d logs are kept that nobody follows", err, len(w.logShares.logs))
	}
}

func TestFraming_IsLearnedAfterAPanic(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	w.mustRun("a")
	w.setTrap(eci.ActionExecContainerCommand)
	if _, err := w.mustExec("", "true"); !errors.Is(err, errLearningBroken) {
		t.Errorf("got %v", err)
	}
	if _, err := w.mustExec("", "true"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// panickyReader panics when it is read.
type panickyReader struct{}

func (panickyReader) Read([]byte) (int, error) { panic("injected") }

func TestExec_EndsWithAPanicOfItsStdin(t *testing.T) {
	caught := catchCrashes(t)
	w := newWorld(t)
	w.mustRun("a")
	if _, err := w.mustExec("", "true"); err != nil {
		t.Fatal(err)
	}
	c := &client{in: panickyReader{}}
	if err := w.RunInContainer(t.Context(), "default", "a", "", []string{"sh", "-c", "cat >/dev/null; sleep 1000"}, c); err == nil || caught.Load() != 1 {
		t.Errorf("%v, %d panics were caught", err, caught.Load())
	}
}

func TestSplice_EndsWithAPanicOfItsClient(t *testing.T) {
	caught := catchCrashes(t)
	near, far := net.Pipe()
	defer far.Close()
	err := splice(t.Context(), halves{near}, readWriter{panickyReader{}, &buffer{}})
	if caught.Load() != 1 {
		t.Errorf("%v, %d panics were caught", err, caught.Load())
	}
}

// halves can be closed by halves, as far as anyone asks.
type halves struct{ net.Conn }

func (halves) CloseWrite() error { return nil }
