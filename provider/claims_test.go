package provider

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/eci-vnode/eci-vnode/eci"
)

func withClaim(p *corev1.Pod) {
	p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
}

// mustAdd puts objects into the API server.
func (w *world) mustAdd(objects ...runtime.Object) {
	w.Helper()
	for _, object := range objects {
		if err := w.kube.Tracker().Add(object); err != nil {
			w.Fatal(err)
		}
	}
}

func ossVolume() *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-1"}}
	pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: "ossplugin.csi.alibabacloud.com", VolumeHandle: "pv-1",
		VolumeAttributes:     map[string]string{"bucket": "b", "url": "oss.example"},
		NodePublishSecretRef: &corev1.SecretReference{Namespace: "storage", Name: "oss"}}
	return pv
}

func TestAPodWaitsForItsClaimAndThenMountsWhatItIsBoundTo(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", withClaim)
	mustWait := func(reason string) {
		t.Helper()
		w.recorded("")
		if err := w.CreatePod(t.Context(), pod); err == nil || w.recorded(reason) != 1 {
			t.Errorf("no %s: %v", reason, err)
		}
	}
	mustWait("MandatoryPersistentVolumeClaimNotFound")
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: objectMeta("data")}
	w.mustAdd(claim)
	mustWait("MandatoryPersistentVolumeClaimNotBound")
	bound := claim.DeepCopy()
	bound.Spec.VolumeName, bound.Status.Phase = "pv-1", corev1.ClaimBound
	if err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), bound, "default"); err != nil {
		t.Fatal(err)
	}
	mustWait("MandatoryPersistentVolumeNotFound")
	w.mustAdd(ossVolume())
	mustWait("MandatorySecretNotFound")
	w.mustAdd(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "oss"}, Data: map[string][]byte{"akId": []byte("key-id"), "akSecret": []byte("key-secret")}})
	w.mustCreatePod(pod)
	volumes := w.emulator.Groups()[0].Request.Volumes
	if len(volumes) != 1 || volumes[0].Type != eci.VolumeFlex || !strings.Contains(volumes[0].FlexVolume.Options.Reveal(), "key-secret") {
		t.Errorf("volumes %+v", volumes)
	}
	w.pass(time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
}
