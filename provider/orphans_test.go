package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mustOrphans looks at the node of the world from outside. between runs while
// it waits for the grace to pass.
func (w *world) mustOrphans(between func()) *Orphans {
	w.Helper()
	orphans, err := NewOrphans(OrphansConfig{ClusterID: "cluster-1", NodeName: "virtual-kubelet", Grace: time.Hour},
		OrphansDeps{Cloud: w.cloud, Kube: w.kube, Clock: immediately{w.clock}, Waiting: func(int, time.Duration) { between() }})
	if err != nil {
		w.Fatal(err)
	}
	return orphans
}

// immediately is a clock whose timers have fired already.
type immediately struct{ clock.Clock }

func (c immediately) NewTimer(time.Duration) clock.Timer {
	return clock.RealClock{}.NewTimer(0)
}

func (w *world) mustFind(o *Orphans) OrphansFound {
	w.Helper()
	found, err := o.Find(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return found
}

func TestOrphansAreThoseOfThisNodeWithoutAPodInTwoListings(t *testing.T) {
	w := newWorld(t)
	w.mustRun("web")
	job := w.mustAddPod("job", func(p *corev1.Pod) {
		p.Spec.Containers[0].Command, p.Spec.RestartPolicy = []string{"true"}, corev1.RestartPolicyNever
	})
	w.mustCreatePod(job)
	w.pass(2 * time.Second)
	w.mustRemovePod(job) // its group has ended, and costs nothing
	w.mustMakeGroup(ourTags("uid-other", "another-node"))
	w.mustMakeGroup(request.Identity{ClusterID: "cluster-2", NodeName: "virtual-kubelet", Namespace: "default", PodName: "gone", UID: "uid-2"}.Tags())
	w.mustMakeGroup(nil)
	orphan := w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	late := ""
	found := w.mustFind(w.mustOrphans(func() { late = w.mustMakeGroup(ourTags("uid-late", "virtual-kubelet")) }))
	if len(found.Orphans) != 1 || found.Orphans[0].ContainerGroupID != orphan || found.Groups != 3 {
		t.Errorf("found %+v, want %s and not %s", found, orphan, late)
	}
}

func TestAGroupWhoseNameHasANewPodIsAnOrphan(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-before", "virtual-kubelet"))
	w.mustAddPod("gone") // the name of the pod in the tags
	if found := w.mustFind(w.mustOrphans(func() {})); len(found.Orphans) != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestNothingIsAnOrphanWhenAListingFails(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"the first of the cloud": func(w *world) {
			w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, Error: emulator.Throttled()})
		},
		"the second of the cloud": func(w *world) {
			w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, Skip: 1, Error: emulator.Unavailable()})
		},
		"the pods": func(w *world) { w.failPods("list") },
		"one pod":  func(w *world) { w.failPods("get") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
			spoil(w)
			if found, err := w.mustOrphans(func() {}).Find(t.Context()); err == nil {
				t.Errorf("found %+v and no error", found)
			}
		})
	}
}

// failPods makes one verb on pods fail.
func (w *world) failPods(verb string) {
	w.kube.PrependReactor(verb, "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("the API server does not answer")
	})
}

func TestAnOrphanWhosePodIsThereAfterAllIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	orphans := w.mustOrphans(func() {})
	orphan := w.mustFind(orphans).Orphans[0]
	pod := w.mustAddPod("gone", func(p *corev1.Pod) { p.UID = "uid-gone" })
	if deleted, err := orphans.Delete(t.Context(), orphan); deleted || err != nil {
		t.Errorf("deleted %t, %v", deleted, err)
	}
	w.expectLive(1)
	w.mustRemovePod(pod)
	if deleted, err := orphans.Delete(t.Context(), orphan); !deleted || err != nil {
		t.Errorf("deleted %t, %v", deleted, err)
	}
	w.pass(time.Second)
	w.expectLive(0)
}

func TestLookingForOrphansEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	ctx, cancel := context.WithCancel(t.Context())
	orphans := w.mustOrphans(cancel)
	orphans.deps.Clock = w.clock // which stands still
	if _, err := orphans.Find(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutAClusterOrANodeThereIsNoLookingForOrphans(t *testing.T) {
	for _, cfg := range []OrphansConfig{{ClusterID: "c"}, {NodeName: "n"}} {
		if _, err := NewOrphans(cfg, OrphansDeps{}); err == nil || !strings.Contains(err.Error(), "every group") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestTheReaperTellsOfWhatItDid(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	r := newReaper(w.Provider)
	w.mustRepair(r)
	if got := testutil.ToFloat64(w.metrics.suspects); got != 1 {
		t.Errorf("%v suspects, want 1", got)
	}
	w.pass(w.cfg.OrphanGrace)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDeleteContainerGroup, Error: emulator.Refusal(403, eci.CodeNoPermission), Times: 1})
	w.mustRepair(r)
	w.expectEvent("Warning OrphanNotDeleted")
	if got := testutil.ToFloat64(w.metrics.reapFailures); got != 1 {
		t.Errorf("%v failures, want 1", got)
	}
	w.mustRepair(r)
	w.expectEvent("Normal OrphanDeleted")
	if got := testutil.ToFloat64(w.metrics.reaped); got != 1 {
		t.Errorf("%v deleted, want 1", got)
	}
	w.pass(time.Second)
	w.expectLive(0)
}

// expectEvent wants the next event to begin so.
func (w *world) expectEvent(prefix string) {
	w.Helper()
	select {
	case event := <-w.events.Events:
		if !strings.HasPrefix(event, prefix) || !strings.Contains(event, "default/gone") {
			w.Errorf("event %q, want %q and the pod", event, prefix)
		}
	default:
		w.Errorf("no event %q", prefix)
	}
}

// longName is a pod name that a tag holds only the beginning of.
var longName = strings.Repeat("a-very-long-name-", 12) + "0"

func longNamed(pod *corev1.Pod) { pod.Name, pod.UID = longName, "uid-of-a-long-name" }

func TestOrphans_APodIsFoundByItsUIDWhateverTheLengthOfItsName(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun(longName, longNamed)
	if found := w.mustFind(w.mustOrphans(func() {})); len(found.Orphans) != 0 || found.Groups != 1 {
		t.Errorf("found %+v", found)
	}
	who := Orphan{ContainerGroupID: w.groups()[0].ContainerGroupID, Namespace: "default", PodName: longName[:128], PodUID: pod.UID}
	if deleted, err := w.mustOrphans(func() {}).Delete(t.Context(), who); deleted || err != nil {
		t.Errorf("deleted %t, %v", deleted, err)
	}
	*w.pods.pods = nil // the informer lags, or has forgotten the pod
	r := newReaper(w.Provider)
	for range 4 {
		w.mustRepair(r)
		w.pass(w.cfg.MassOrphanGrace)
	}
	w.expectLive(1)
}

func TestOrphans_AGroupOfALongNamedPodIsDeletedOnceThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.mustRemovePod(w.mustRun(longName, longNamed))
	if found := w.mustFind(w.mustOrphans(func() {})); len(found.Orphans) != 1 {
		t.Errorf("found %+v", found)
	}
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(w.cfg.OrphanGrace)
	w.mustRepair(r)
	w.pass(time.Second)
	w.expectLive(0)
}

func TestReaper_DeletesNothingForLongWhenMostGroupsAreOrphans(t *testing.T) {
	for name, test := range map[string]struct{ orphans, pods int }{
		"every group":    {3, 0},
		"more than half": {3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for i := range test.pods {
				w.mustRun(fmt.Sprintf("web-%d", i))
			}
			for i := range test.orphans {
				w.mustMakeGroup(ourTags(types.UID(fmt.Sprintf("uid-gone-%d", i)), "virtual-kubelet"))
			}
			r := newReaper(w.Provider)
			w.mustRepair(r)
			for range 5 {
				w.pass(w.cfg.OrphanGrace)
				w.mustRepair(r)
			}
			w.expectLive(test.orphans + test.pods)
			if c := conditionOf(w.Provider.cloud, ConditionOrphansHeld); c.Status != corev1.ConditionTrue || !strings.Contains(c.Message, "sync.massOrphanGrace") {
				t.Errorf("the node tells %+v", c)
			}
			if n := w.recorded(reasonOrphansHeld); n != 1 {
				t.Errorf("told by %d events, want one", n)
			}
			if got := testutil.ToFloat64(w.metrics.orphansHeld); got != float64(test.orphans) {
				t.Errorf("%v held", got)
			}
			w.pass(w.cfg.MassOrphanGrace - 5*w.cfg.OrphanGrace)
			w.mustRepair(r)
			w.pass(time.Second)
			w.expectLive(test.pods)
			w.mustRepair(r)
			if w.hasCondition(ConditionOrphansHeld) {
				t.Error("the condition stays when they are gone")
			}
		})
	}
}

func TestReaper_ReleasesTheBrakeWhenThePodsAreBack(t *testing.T) {
	w := newWorld(t)
	first, second := w.mustRun("web-1"), w.mustRun("web-2")
	for _, pod := range []*corev1.Pod{first, second} {
		w.mustRemovePod(pod) // the API server was restored from a backup
	}
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(w.cfg.OrphanGrace)
	w.mustRepair(r)
	if !w.hasCondition(ConditionOrphansHeld) {
		t.Fatal("nothing is held")
	}
	for _, pod := range []*corev1.Pod{first, second} { // and from a newer one
		w.mustAddPod(pod.Name, func(p *corev1.Pod) { *p = *pod })
	}
	w.pass(2 * w.cfg.MassOrphanGrace)
	for range 3 {
		w.mustRepair(r)
		w.pass(w.cfg.MassOrphanGrace)
	}
	w.expectLive(2)
	if w.hasCondition(ConditionOrphansHeld) {
		t.Error("the condition stays")
	}
}

func TestReaper_DeletesFewOrphansAfterTheirGraceAlone(t *testing.T) {
	w := newWorld(t)
	w.mustRunMany(3)
	w.mustMakeGroup(ourTags("uid-gone-1", "virtual-kubelet"))
	w.mustMakeGroup(ourTags("uid-gone-2", "virtual-kubelet"))
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(w.cfg.OrphanGrace)
	w.mustRepair(r)
	w.pass(time.Second)
	w.expectLive(3)
}

func TestReaper_ConcludesNothingFromAListOfPodsThatFails(t *testing.T) {
	w := newWorld(t)
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	w.failPods("list")
	r := newReaper(w.Provider)
	w.mustRepair(r)
	w.pass(w.cfg.MassOrphanGrace)
	if err := w.repair(t.Context(), r); err == nil {
		t.Error("no error")
	}
	w.expectLive(1)
}

// TestPodsOfNode_ReadsEveryPage has the API server answer with one pod a page.
func TestPodsOfNode_ReadsEveryPage(t *testing.T) {
	w := newWorld(t)
	w.kube.PrependReactor("list", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		options := action.(clienttesting.ListActionImpl).ListOptions
		if options.FieldSelector != "spec.nodeName=virtual-kubelet" || options.ResourceVersion != "" || options.Limit == 0 {
			t.Errorf("listed by %+v", options)
		}
		page := 0
		fmt.Sscan(options.Continue, &page)
		list := &corev1.PodList{Items: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{UID: types.UID(fmt.Sprintf("uid-%d", page))}}}}
		if page < 2 {
			list.Continue = fmt.Sprint(page + 1)
		}
		return true, list, nil
	})
	uids, err := podsOfNode(t.Context(), w.kube, "virtual-kubelet")
	if err != nil || len(uids) != 3 {
		t.Errorf("%v, %v", uids, err)
	}
}

// recordedDeletes records which deletes were sent with Force.
type recordedDeletes struct {
	Cloud
	forced []bool
}

func (c *recordedDeletes) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	c.forced = append(c.forced, req.Force != nil && *req.Force)
	return c.Cloud.DeleteContainerGroup(ctx, req)
}

func TestReaper_OrphanThatDoesNotEndIsForcedAndToldOnce(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 24 * time.Hour })
	w.mustMakeGroup(ourTags("uid-gone", "virtual-kubelet"))
	deletes := &recordedDeletes{Cloud: w.Provider.cloud.cloud}
	w.Provider.cloud.cloud = deletes
	r := newReaper(w.Provider)
	for passed := time.Duration(0); passed < w.cfg.OrphanGrace+orphanForce+10*time.Minute; passed += 2 * time.Minute {
		w.mustRepair(r)
		w.pass(2 * time.Minute)
	}
	if n := len(w.events.Events); n != 1 {
		t.Errorf("told %d times that it was deleted", n)
	}
	if want := []bool{false, true}; !slices.Equal(deletes.forced, want) {
		t.Errorf("deleted with Force = %v, want %v", deletes.forced, want)
	}
}

func TestReaper_GroupOfAPodThatIsRefusedAfterARestartIsDeleted(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	w.pass(10 * time.Second)
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
	w.start()
	w.emulator.Faults().Clear()
	pod.Spec.HostNetwork = true // in the place of settings that refuse it now
	if err := w.CreatePod(t.Context(), pod); !errdefs.IsInvalidInput(err) {
		t.Fatalf("the pod is not refused: %v", err)
	}
	pod.Status.Phase = corev1.PodFailed // as the node's controller writes it then
	r := newReaper(w.Provider)
	for range 4 {
		w.mustRepair(r)
		w.pass(w.cfg.OrphanGrace)
	}
	w.expectLive(0)
}
