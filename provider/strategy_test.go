package provider

import (
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// annotated gives a pod annotations of k8s.aliyun.com, key and value in turn.
func annotated(pairs ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		if p.Annotations == nil {
			p.Annotations = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			p.Annotations["k8s.aliyun.com/"+pairs[i]] = pairs[i+1]
		}
	}
}

// lacking makes creates fail for want of stock: at once, or after they were
// accepted.
func (w *world) lacking(late bool, change ...func(*emulator.Fault)) *emulator.Injected {
	fault := emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: late}}
	for _, c := range change {
		c(&fault)
	}
	return w.emulator.Faults().Inject(fault)
}

func onlySpot(f *emulator.Fault) {
	f.When = func(_ string, params map[string]string) bool { return params["SpotStrategy"] != "" }
}

// expectCreated checks the condition ContainerInstanceCreated.
func (w *world) expectCreated(pod *corev1.Pod, want corev1.ConditionStatus, reason string) {
	w.Helper()
	for _, c := range w.told[pod.UID].Status.Conditions {
		if c.Type == status.ConditionInstanceCreated {
			if c.Status != want || c.Reason != reason {
				w.Errorf("ContainerInstanceCreated is %s, %q (%s)", c.Status, c.Reason, c.Message)
			}
			return
		}
	}
	w.Error("no condition ContainerInstanceCreated")
}

// turns lets d go by in steps of a second, with a tick at each.
func (w *world) turns(d time.Duration) {
	for range int(d / time.Second) {
		w.pass(time.Second)
		w.tick()
	}
}

func TestAPodThatWaitsForStockSaysSo(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.lacking(false)
	if err := w.CreatePod(t.Context(), pod); err == nil || errdefs.IsInvalidInput(err) {
		t.Fatalf("stock may come back, got %v", err)
	}
	w.expectPhase(pod, corev1.PodPending)
	w.expectCreated(pod, corev1.ConditionFalse, "NoStock")
	w.emulator.Faults().Clear()
	w.pass(firstShortage)
	w.mustCreatePod(pod)
	w.turns(2 * time.Second)
	w.expectPhase(pod, corev1.PodRunning)
	w.expectCreated(pod, corev1.ConditionTrue, "")
}

func TestAPodThatWantsToFailFastIsToldAtOnceAndNeverTriedAgain(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newWorld(t)
		pod := w.mustAddPod("web", annotated("eci-fail-strategy", "fail-fast"))
		w.lacking(late, func(f *emulator.Fault) { f.Times = 1 })
		w.mustCreatePod(pod)
		w.turns(2 * time.Second)
		check := func() {
			w.expectPhase(pod, corev1.PodPending)
			w.expectCreated(pod, corev1.ConditionFalse, "NoStock")
			if s := w.told[pod.UID].Status; s.Reason != status.ReasonScheduleFailed || s.Message == "" {
				t.Errorf("late=%t: reason %q, message %q", late, s.Reason, s.Message)
			}
		}
		check()
		*pod = *w.told[pod.UID] // as the API server has it after our write
		creates := w.calls(eci.ActionCreateContainerGroup)
		w.turns(2 * firstRetry)
		w.mustCreatePod(pod)
		check()
		w.start()
		w.mustCreatePod(pod)
		w.turns(2 * firstRetry)
		if n := w.calls(eci.ActionCreateContainerGroup) - creates; n != 0 {
			t.Errorf("late=%t: tried %d times again", late, n)
		}
		if got, err := w.GetPod(t.Context(), pod.Namespace, pod.Name); err != nil || got.Status.Reason != status.ReasonScheduleFailed {
			t.Errorf("late=%t: after a restart %v, %v", late, got, err)
		}
		if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); !errdefs.IsNotFound(err) {
			t.Errorf("late=%t: deleting it: %v", late, err)
		}
	}
}

func TestAPodThatIsToFailWhenItCannotBeMadeFailsAfterItsTries(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newWorld(t)
		pod := w.mustAddPod("web", annotated("pod-fail-on-create-err", "true"))
		w.lacking(late)
		for range createTries {
			if w.told[pod.UID] != nil {
				w.expectPhase(pod, corev1.PodPending)
			}
			if err := w.CreatePod(t.Context(), pod); err != nil && (late || errdefs.IsInvalidInput(err)) {
				t.Fatal(err)
			}
			if !late {
				w.pass(4 * firstShortage)
			}
		}
		if late {
			w.turns(6 * firstRetry)
		}
		w.expectPhase(pod, corev1.PodFailed)
		if n := w.calls(eci.ActionCreateContainerGroup); n != createTries {
			t.Errorf("late=%t: %d creates", late, n)
		}
		if got := w.told[pod.UID].Status.Reason; got != status.ReasonScheduleFailed {
			t.Errorf("late=%t: reason %q", late, got)
		}
		w.mustCreatePod(pod)
		w.emulator.Faults().Clear()
		w.turns(2 * firstRetry)
		w.expectPhase(pod, corev1.PodFailed)
		w.expectLive(0)
	}
}

func TestAShortageOfSpotFallsBackWhereThePodAllowsIt(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newWorld(t)
		pod := w.mustAddPod("web", onSpot, annotated("eci-spot-fallback", "true"))
		w.lacking(late, onlySpot)
		w.mustCreatePod(pod)
		w.turns(firstRetry + 5*time.Second)
		check := func() {
			w.expectPhase(pod, corev1.PodRunning)
			w.expectCreated(pod, corev1.ConditionTrue, "SpotDegraded")
			w.expectLive(1)
		}
		check()
		w.start()
		w.tick()
		check()
	}
}

func TestAShortageOfSpotIsWaitedForWhereThePodDoesNotAllowTheFallback(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", onSpot)
	w.lacking(false, onlySpot)
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Error("created without spot")
	}
	w.expectLive(0)
}

func TestALostAnswerToAFallbackMakesOneGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", onSpot, annotated("eci-spot-fallback", "true"))
	shortage := w.lacking(false, onlySpot)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1,
		When: func(_ string, params map[string]string) bool { return params["SpotStrategy"] == "" }})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	shortage.Remove()
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true}) // and after a crash the list lags
	w.start()
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Error("spot is back and its group was made beside the other")
	}
	w.emulator.Faults().Clear()
	w.mustCreatePod(pod)
	w.expectLive(1)
}

func TestEveryPlaceThatTheUserGaveIsTriedBeforeWaiting(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", annotated("eci-vswitch", "vsw-emulator-h,vsw-emulator-i"))
	w.emulator.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{Late: true, ZoneID: "cn-hangzhou-h"}})
	w.mustCreatePod(pod)
	w.turns(5 * time.Second) // less than the first wait
	w.expectPhase(pod, corev1.PodRunning)
	if got := w.told[pod.UID].Annotations["k8s.aliyun.com/eci-vswitch"]; got != "vsw-emulator-i" {
		t.Errorf("it runs in %s", got)
	}
}

func TestEverySizeThatTheUserGaveIsTriedBeforeWaiting(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", annotated("eci-use-specs", "2-4Gi,4-8Gi"))
	w.emulator.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{Late: true, CPU: 2}})
	w.mustCreatePod(pod)
	w.turns(5 * time.Second)
	w.expectPhase(pod, corev1.PodRunning)
	if got := w.told[pod.UID].Annotations["k8s.aliyun.com/eci-instance-cpu"]; got != "4.0" {
		t.Errorf("it has %s vCPU", got)
	}
}

func TestThePlaceOfAGroupThatCouldNotBeMadeIsNotAskedForAgain(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Scheduling = 3 * time.Second })
	w.cfg.Request.VSwitchIDs = []string{"vsw-emulator-h", "vsw-emulator-i"}
	pod := w.mustAddPod("web")
	w.lacking(true, func(f *emulator.Fault) { f.Times = 1 })
	w.mustCreatePod(pod)
	for range firstRetry / time.Second {
		w.turns(time.Second)
		written := *w.told[pod.UID] // as the API server has it after our write
		if err := w.UpdatePod(t.Context(), &written); err != nil {
			t.Fatal(err)
		}
	}
	w.expectPhase(pod, corev1.PodRunning)
	if got := w.requestOf(pod).VSwitchID; got != "vsw-emulator-i" {
		t.Errorf("vSwitches %s", got)
	}
	if w.told[pod.UID].Annotations["k8s.aliyun.com/eci-vswitch"] == "" {
		t.Error("the pod does not show where it runs")
	}
}

func TestARoundedSizeIsInTheConditionAlsoAfterARestart(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("700m"), corev1.ResourceMemory: resource.MustParse("1Gi")}
	})
	w.expectCreated(pod, corev1.ConditionTrue, "AutoInstanceTypeMatch")
	if got := w.told[pod.UID].Annotations["k8s.aliyun.com/eci-instance-spec"]; got != "1.0-2.0Gi" {
		t.Errorf("billed as %s", got)
	}
	*pod = *w.told[pod.UID]
	w.start()
	w.turns(2 * time.Second)
	got, err := w.GetPod(t.Context(), pod.Namespace, pod.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.told[pod.UID] = got // a pod that has not changed is told of to nobody
	w.expectCreated(pod, corev1.ConditionTrue, "AutoInstanceTypeMatch")
}
