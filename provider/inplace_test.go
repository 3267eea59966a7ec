package provider

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestAChangeThatECICannotMakeInPlaceIsToldByName(t *testing.T) {
	for reason, change := range map[string]func(*corev1.Pod){
		"ImageChangeRefused": func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2" },
		"ResizeRefused": func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}
		},
		"DeadlineChangeRefused": func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(60)) },
		"EphemeralContainerRefused": func(p *corev1.Pod) {
			p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
		},
		"": func(p *corev1.Pod) {
			p.Labels, p.Annotations = map[string]string{"a": "b"}, map[string]string{"c": "d"}
			p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		},
	} {
		w := newWorld(t)
		pod := w.mustRun("web")
		w.recorded("") // what its creation told
		changed := pod.DeepCopy()
		change(changed)
		for range 2 { // the second call brings nothing new
			if err := w.UpdatePod(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
		}
		switch n := len(w.events.Events); {
		case reason == "" && n != 0, reason != "" && (n != 1 || w.recorded(reason) != 1):
			t.Errorf("%s: %d events", reason, n)
		}
	}
}

func TestAPodWithoutAGroupGetsOneAsItIsNow(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.lacking(true, func(f *emulator.Fault) { f.Times = 1 })
	w.mustCreatePod(pod)
	w.turns(2 * time.Second)
	w.expectPhase(pod, corev1.PodPending)
	w.recorded("")
	changed := pod.DeepCopy()
	changed.Spec.Containers[0].Image = "nginx:2"
	changed.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}}}
	if err := w.UpdatePod(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if n := len(w.events.Events); n != 1 || w.recorded("EphemeralContainerRefused") != 1 {
		t.Errorf("%d events", n)
	}
	w.turns(firstRetry + 2*time.Second)
	w.expectPhase(pod, corev1.PodRunning)
	if got := w.requestOf(pod).Containers[0].Image; got != "nginx:2" {
		t.Errorf("image %s", got)
	}
}

func TestWhatAGroupCannotBeGivenIsInTheStatusUntilThePodNoLongerAsks(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	mustUpdate := func(change func(*corev1.Pod)) *corev1.PodStatus {
		t.Helper()
		changed := w.told[pod.UID].DeepCopy()
		change(changed)
		if err := w.UpdatePod(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		return &w.told[pod.UID].Status
	}
	resize := func(cpu string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = nil
			if cpu != "" {
				p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
			}
		}
	}
	waits := func() bool { return hasCondition(w.told[pod.UID], corev1.PodResizePending) }
	if s := mustUpdate(resize("4")); !waits() || s.ContainerStatuses[0].AllocatedResources.Cpu().Sign() != 0 {
		t.Errorf("after the resize: %+v", s)
	}
	w.turns(2 * time.Second)
	if !waits() {
		t.Error("the refusal did not last")
	}
	if mustUpdate(resize("")); waits() {
		t.Error("the refusal outlived the wish")
	}
	s := mustUpdate(func(p *corev1.Pod) {
		p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}}}
	})
	if len(s.EphemeralContainerStatuses) != 1 || s.EphemeralContainerStatuses[0].State.Terminated == nil {
		t.Errorf("kubectl debug would wait: %+v", s.EphemeralContainerStatuses)
	}
}
