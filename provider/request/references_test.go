package request

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// pathsByText compares the paths of fields by what they print.
var pathsByText = cmp.Transformer("text", (*field.Path).String)

func TestReferencesNameClaimsAndTheSecretsOfVolumes(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"}}},
		{Name: "cache", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
		{Name: "flex", VolumeSource: corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{SecretRef: &corev1.LocalObjectReference{Name: "s1"}}}},
		{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{NodePublishSecretRef: &corev1.LocalObjectReference{Name: "s2"}}}},
	}}}
	refs := References(pod)
	wantClaims := []Ref{
		{Name: "claim", Path: field.NewPath("spec.volumes[0].persistentVolumeClaim.claimName")},
		{Name: "db-cache", Path: field.NewPath("spec.volumes[1].ephemeral")},
	}
	if diff := cmp.Diff(wantClaims, refs.PersistentVolumeClaims, pathsByText); diff != "" {
		t.Error(diff)
	}
	wantSecrets := []Ref{
		{Name: "s1", Path: field.NewPath("spec.volumes[2].flexVolume.secretRef.name")},
		{Name: "s2", Path: field.NewPath("spec.volumes[3].csi.nodePublishSecretRef.name")},
	}
	if diff := cmp.Diff(wantSecrets, refs.Secrets, pathsByText); diff != "" {
		t.Error(diff)
	}
}

func TestVolumeSecretIsThatOfTheSource(t *testing.T) {
	ref := &corev1.SecretReference{Namespace: "n", Name: "s"}
	for name, c := range map[string]struct {
		source corev1.PersistentVolumeSource
		want   bool
	}{
		"csi":                  {corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{NodePublishSecretRef: ref}}, true},
		"flex":                 {corev1.PersistentVolumeSource{FlexVolume: &corev1.FlexPersistentVolumeSource{SecretRef: ref}}, true},
		"csi without a secret": {corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{}}, false},
		"nfs":                  {corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{}}, false},
	} {
		got, ok := VolumeSecret(&corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: c.source}})
		if ok != c.want || ok && got != (types.NamespacedName{Namespace: "n", Name: "s"}) {
			t.Errorf("%s: %v %v", name, got, ok)
		}
	}
}
