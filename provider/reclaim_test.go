package provider

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// notice is the time from the cloud's announcement to the end.
const notice = 3 * time.Minute

func onSpot(p *corev1.Pod) {
	p.Annotations = map[string]string{"k8s.aliyun.com/eci-spot-strategy": "SpotAsPriceGo"}
}

// mustAnnounce has the cloud announce that it takes the group of pod back.
func (w *world) mustAnnounce(pod *corev1.Pod) {
	w.Helper()
	e, _ := w.store.get(pod.UID)
	if !w.emulator.ReclaimGroup(e.groupID, notice) {
		w.Fatal("the group does not run")
	}
}

// evictions lists the deletes of pods that were sent to the API server.
func (w *world) evictions() []k8stesting.DeleteActionImpl {
	var deletes []k8stesting.DeleteActionImpl
	for _, action := range w.kube.Actions() {
		if d, ok := action.(k8stesting.DeleteActionImpl); ok && d.GetResource().Resource == "pods" {
			deletes = append(deletes, d)
		}
	}
	return deletes
}

func (w *world) expectDisrupted(pod *corev1.Pod) {
	w.Helper()
	if !hasCondition(w.told[pod.UID], corev1.DisruptionTarget) {
		w.Errorf("conditions %+v", w.told[pod.UID].Status.Conditions)
	}
}

// recorded counts the events of our own with this reason, and takes all.
func (w *world) recorded(reason string) int {
	n := 0
	for {
		select {
		case event := <-w.events.Events:
			if strings.Contains(event, " "+reason+" ") {
				n++
			}
		default:
			return n
		}
	}
}

func TestASpotPodIsEvictedBeforeTheCloudTakesItsGroup(t *testing.T) {
	w := newWorld(t)
	pod, other := w.mustRun("web", onSpot), w.mustRun("other")
	w.mustAnnounce(pod)
	w.pass(time.Second)
	w.tick()
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	w.expectDisrupted(pod)
	if n := w.recorded("Evicted"); n != 1 {
		t.Errorf("%d events", n)
	}
	deletes := w.evictions()
	if len(deletes) != 1 || deletes[0].Name != pod.Name {
		t.Fatalf("deletes %+v", deletes)
	}
	options := deletes[0].DeleteOptions
	if options.GracePeriodSeconds != nil || options.Preconditions == nil || *options.Preconditions.UID != pod.UID {
		t.Errorf("the delete has options %+v", options)
	}
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err != nil {
		t.Fatal(err)
	}
	w.pass(40 * time.Second)
	w.tick()
	w.tick()
	w.expectLive(1)
	w.expectDisrupted(pod) // also in the last status
	if hasCondition(w.told[other.UID], corev1.DisruptionTarget) {
		t.Error("another pod is disrupted")
	}
}

func TestANoticeThatOnlyTheEventsTellIsHeeded(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", onSpot)
	w.mustAnnounce(pod)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroupStatus, EmptyList: true})
	w.pass(w.cfg.EventSync)
	w.tick()
	w.expectDisrupted(pod)
}

func TestAnEvictionThatFailsIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", onSpot)
	down := true
	w.kube.PrependReactor("delete", "pods", func(k8stesting.Action) (bool, runtime.Object, error) {
		return down, nil, errors.New("the API server is down")
	})
	w.mustAnnounce(pod)
	w.tick()
	w.tick()
	down = false
	sent := len(w.evictions())
	w.pass(time.Second)
	w.tick()
	if got := len(w.evictions()); got != sent+1 {
		t.Errorf("%d deletes, %d before", got, sent)
	}
	w.tick()
	if got := len(w.evictions()); got != sent+1 {
		t.Error("asked again after success")
	}
}

func TestARestartFinishesAnEvictionAndTellsOfItNoSecondTime(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", onSpot)
	w.kube.PrependReactor("delete", "pods", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("we die here")
	})
	w.mustAnnounce(pod)
	w.tick()
	*pod = *w.told[pod.UID] // as the API server has it after our write
	sent := len(w.evictions())
	w.start()
	w.drain(w.endings)
	if got := len(w.evictions()); got != sent+1 {
		t.Errorf("%d deletes after the restart, %d before", got, sent)
	}
	if n := w.recorded("Evicted"); n != 0 {
		t.Errorf("told again %d times", n)
	}
}

func TestAGroupTakenWithoutNoticeFailsItsPodAsDisrupted(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", onSpot)
	e, _ := w.store.get(pod.UID)
	w.emulator.ExpireGroup(e.groupID)
	w.tick()
	w.expectPhase(pod, corev1.PodFailed)
	w.expectDisrupted(pod)
	if got := w.told[pod.UID].Status.Reason; got != status.ReasonExpired {
		t.Errorf("reason %q", got)
	}
	if n := len(w.evictions()); n != 0 {
		t.Errorf("an ended pod was deleted %d times: its controller decides", n)
	}
}
