package provider

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
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
	claim.UID = "uid-of-the-claim"
	w.mustAdd(claim)
	mustWait("MandatoryPersistentVolumeClaimNotBound")
	bound := claim.DeepCopy()
	bound.Spec.VolumeName, bound.Status.Phase = "pv-1", corev1.ClaimBound
	if err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), bound, "default"); err != nil {
		t.Fatal(err)
	}
	mustWait("MandatoryPersistentVolumeNotFound")
	pv := ossVolume()
	w.mustAdd(pv)
	if err := w.CreatePod(t.Context(), pod); err == nil || !strings.Contains(err.Error(), "is not bound to PersistentVolumeClaim") {
		t.Errorf("a volume is taken that names no claim: %v", err)
	}
	pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: claim.UID}
	if err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("persistentvolumes"), pv, ""); err != nil {
		t.Fatal(err)
	}
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

func TestCreate_TakesNoVolumeOfAnotherClaim(t *testing.T) {
	w := newWorld(t)
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-victim"}}
	pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "shop", Name: "data", UID: "uid-of-the-victims-claim"}
	pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: "diskplugin.csi.alibabacloud.com", VolumeHandle: "d-victim"}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: objectMeta("data")}
	claim.UID, claim.Spec.VolumeName, claim.Status.Phase = "uid-evil", "pv-victim", corev1.ClaimBound
	w.mustAdd(pv, claim)
	if err := w.CreatePod(t.Context(), w.mustAddPod("thief", withClaim)); err == nil {
		t.Errorf("made with %+v", w.emulator.Groups()[0].Request.Volumes)
	}
}

func TestCreate_BoundsTheBytesOfWhatAPodNames(t *testing.T) {
	for secrets, wanted := range map[int]bool{4: true, 5: false} {
		w := newWorld(t)
		pod := w.mustAddPod("web", func(p *corev1.Pod) {
			for i := range secrets {
				name := fmt.Sprintf("s-%d", i)
				w.mustAdd(&corev1.Secret{ObjectMeta: objectMeta(name), Data: map[string][]byte{"large": make([]byte, 1<<20-1), "k": []byte("v")}})
				p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: fmt.Sprintf("V%d", i), ValueFrom: &corev1.EnvVarSource{
					SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "k"}}})
			}
		})
		if err := w.CreatePod(t.Context(), pod); wanted != (err == nil) || err != nil && !errdefs.IsInvalidInput(err) {
			t.Errorf("%d Secrets of 1 MiB: %v", secrets, err)
		}
	}
}
