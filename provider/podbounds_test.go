package provider

import (
	"strconv"
	"testing"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
)

func TestCreatePod_ReadsNothingForAPodOverABound(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("hostile", func(p *corev1.Pod) {
		var all []corev1.VolumeProjection
		for i := range 2000 {
			ref := corev1.LocalObjectReference{Name: "secret-" + strconv.Itoa(i)}
			all = append(all, corev1.VolumeProjection{Secret: &corev1.SecretProjection{LocalObjectReference: ref}})
		}
		p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: all}}}}
	})
	w.kube.ClearActions()
	if err := w.CreatePod(t.Context(), pod); !errdefs.IsInvalidInput(err) {
		t.Errorf("got %v, want a refusal", err)
	}
	for _, action := range w.kube.Actions() {
		if action.GetVerb() == "get" && action.GetResource().Resource == "secrets" {
			t.Fatalf("a Secret was read for the pod: %v", action)
		}
	}
}
