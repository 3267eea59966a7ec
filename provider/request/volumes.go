package request

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxVolumes is the documented number of volumes of a group.
const maxVolumes = 20

// volumes fills the volumes, one function for each kind.
func (t *translator) volumes(path *field.Path) {
	for i, v := range t.pod.Spec.Volumes {
		at := path.Index(i)
		t.check(kindVolume, v, at)
		out := eci.Volume{Name: v.Name}
		switch {
		case t.isDisk(v):
			t.dynamicDisk(v, at, &out)
		case v.EmptyDir != nil:
			t.emptyDir(v.EmptyDir, at.Child("emptyDir"), &out)
		case v.ConfigMap != nil:
			t.configMapVolume(v.ConfigMap, at.Child("configMap"), &out)
		case v.Secret != nil:
			t.secretVolume(v.Secret, at.Child("secret"), &out)
		case v.DownwardAPI != nil:
			t.downwardVolume(v.DownwardAPI, at.Child("downwardAPI"), &out)
		case v.Projected != nil:
			t.projectedVolume(v.Projected, at.Child("projected"), &out)
		case v.NFS != nil:
			t.nfsVolume(v.NFS, at.Child("nfs"), &out)
		case v.FlexVolume != nil:
			t.flexVolumeSource(v, at.Child("flexVolume"), &out)
		case v.CSI != nil:
			t.csiVolume(v, at.Child("csi"), &out)
		case v.PersistentVolumeClaim != nil:
			t.check(kindClaimVolume, v.PersistentVolumeClaim, at.Child("persistentVolumeClaim"))
			t.readOnly[v.Name] = v.PersistentVolumeClaim.ReadOnly
			t.claim(v, v.PersistentVolumeClaim.ClaimName, at.Child("persistentVolumeClaim", "claimName"), &out)
		case v.Ephemeral != nil:
			t.claim(v, ephemeralClaim(t.pod, v), at.Child("ephemeral"), &out)
		case v.HostPath != nil:
			t.check(kindHostPathVolume, v.HostPath, at.Child("hostPath"))
			t.hostPath(v.HostPath, at.Child("hostPath"), &out)
		case v.VolumeSource == corev1.VolumeSource{}:
			// A volume without a source is an empty directory.
			t.emptyDir(&corev1.EmptyDirVolumeSource{}, at, &out)
		}
		t.req.Volumes = append(t.req.Volumes, out)
	}
}

// Media of an emptyDir; LocalRaid0 is the local disk of some ECS types.
const (
	mediumMemory     = "Memory"
	mediumLocalRaid0 = "LocalRaid0"
)

func (t *translator) emptyDir(s *corev1.EmptyDirVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindEmptyDir, s, path)
	out.Type = eci.VolumeEmptyDir
	out.EmptyDirVolume = &eci.EmptyDirVolume{Medium: string(s.Medium)}
	switch s.Medium {
	case "", mediumMemory, mediumLocalRaid0:
	default:
		t.refusals = append(t.refusals, field.NotSupported(path.Child("medium"), string(s.Medium), []string{"", mediumMemory, mediumLocalRaid0}))
	}
	if s.SizeLimit != nil && !s.SizeLimit.IsZero() {
		if s.SizeLimit.Sign() < 0 {
			t.invalid(path.Child("sizeLimit"), s.SizeLimit.String(), "must not be negative")
		}
		out.EmptyDirVolume.SizeLimit = s.SizeLimit.String()
	}
}

func (t *translator) nfsVolume(s *corev1.NFSVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindNFSVolume, s, path)
	t.permit(FileSystems, path.Child("server"), s.Server)
	out.Type = eci.VolumeNFS
	out.NFSVolume = &eci.NFSVolume{Server: s.Server, Path: s.Path}
	if s.ReadOnly {
		out.NFSVolume.ReadOnly = ptr.To(true)
	}
	if s.Server == "" || s.Path == "" {
		t.refusals = append(t.refusals, field.Required(path, "server and path"))
	}
}

func (t *translator) configMapVolume(s *corev1.ConfigMapVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindConfigMapVolume, s, path)
	f := t.newFiles(path, s.DefaultMode)
	f.addConfigMap(s.Name, s.Items, s.Optional, path.Child("name"), path.Child("items"))
	f.finish(out)
}

func (t *translator) secretVolume(s *corev1.SecretVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindSecretVolume, s, path)
	f := t.newFiles(path, s.DefaultMode)
	f.addSecret(s.SecretName, s.Items, s.Optional, path.Child("secretName"), path.Child("items"))
	f.finish(out)
}

func (t *translator) downwardVolume(s *corev1.DownwardAPIVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindDownwardVolume, s, path)
	f := t.newFiles(path, s.DefaultMode)
	f.addDownward(s.Items, path)
	f.finish(out)
}

// projectedVolume lays the sources over each other: of two files at one path the
// later counts, as with the kubelet.
func (t *translator) projectedVolume(s *corev1.ProjectedVolumeSource, path *field.Path, out *eci.Volume) {
	t.check(kindProjectedVolume, s, path)
	f := t.newFiles(path, s.DefaultMode)
	for i, source := range s.Sources {
		at := path.Child("sources").Index(i)
		t.check(kindProjection, source, at)
		if p := source.ConfigMap; p != nil {
			f.addConfigMap(p.Name, p.Items, p.Optional, at.Child("configMap", "name"), at.Child("configMap", "items"))
		}
		if p := source.Secret; p != nil {
			f.addSecret(p.Name, p.Items, p.Optional, at.Child("secret", "name"), at.Child("secret", "items"))
		}
		if p := source.DownwardAPI; p != nil {
			f.addDownward(p.Items, at.Child("downwardAPI"))
		}
		if p := source.ServiceAccountToken; p != nil {
			t.check(kindServiceAccountTok, p, at.Child("serviceAccountToken"))
			f.addToken(p, at.Child("serviceAccountToken"))
		}
	}
	f.finish(out)
}
