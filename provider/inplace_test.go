package provider

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
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
