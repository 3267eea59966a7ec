package request

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// claim mounts the PersistentVolume that a claim is bound to. A claim that is
// not there, or not bound, is a missing object: Kubernetes may still make it. One
// whose StorageClass waits for the first consumer is bound after the scheduler
// has chosen this node, so that the pod comes here before its volume.
func (t *translator) claim(v corev1.Volume, name string, path *field.Path, out *eci.Volume) {
	claim := t.objects.PersistentVolumeClaims[name]
	missing := Missing{Kind: KindPersistentVolumeClaim, Name: name, Path: path.String()}
	switch {
	case claim == nil:
		t.absent(missing, false, path)
		return
	case v.Ephemeral != nil && !ownedBy(claim, t.pod):
		t.refuse(path, "claim "+name+" was not made for this pod: delete or rename one of the two")
		return
	case claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock:
		t.refuse(path, noBlockDevices)
		return
	case claim.Spec.VolumeName == "" || claim.Status.Phase != corev1.ClaimBound:
		missing.NotBound = true
		t.absent(missing, false, path)
		return
	}
	pv := t.objects.PersistentVolumes[claim.Spec.VolumeName]
	if pv == nil {
		t.absent(Missing{Kind: KindPersistentVolume, Name: claim.Spec.VolumeName, Path: path.String()}, false, path)
		return
	}
	t.checkZone(pv, path)
	t.persistentVolume(v.Name, pv, path, out)
}

func ownedBy(claim *corev1.PersistentVolumeClaim, pod *corev1.Pod) bool {
	return metav1.IsControlledBy(claim, pod)
}

// zoneLabels are the keys by which a volume says where it is.
func zoneLabels() []string {
	return []string{corev1.LabelTopologyZone, "topology.diskplugin.csi.alibabacloud.com/zone"}
}

// checkZone sends a group without a vSwitch of its own to the zone of its disk,
// and refuses one that the settings of the node put elsewhere.
func (t *translator) checkZone(pv *corev1.PersistentVolume, path *field.Path) {
	zones := zonesOf(pv)
	switch {
	case len(zones) == 0 || slices.Contains(zones, t.req.ZoneID):
	case t.req.ZoneID != "":
		t.refuse(path, "PersistentVolume "+pv.Name+" is in zone "+zones[0]+", and this node in "+t.req.ZoneID+": schedule the pod to a node of that zone")
	case t.req.VSwitchID == "":
		t.req.ZoneID = zones[0]
	}
}

func zonesOf(pv *corev1.PersistentVolume) []string {
	if pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return nil
	}
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Operator == corev1.NodeSelectorOpIn && slices.Contains(zoneLabels(), e.Key) {
				return e.Values
			}
		}
	}
	return nil
}

// persistentVolume makes the volume that a PersistentVolume describes.
func (t *translator) persistentVolume(name string, pv *corev1.PersistentVolume, path *field.Path, out *eci.Volume) {
	source := pv.Spec.PersistentVolumeSource
	secret := t.volumeSecret(pv, path)
	switch {
	case source.CSI != nil:
		t.readOnly[name] = t.readOnly[name] || source.CSI.ReadOnly
		t.putCSI(csiSource{driver: source.CSI.Driver, handle: source.CSI.VolumeHandle, fsType: source.CSI.FSType,
			attributes: source.CSI.VolumeAttributes, mountOptions: pv.Spec.MountOptions, secret: secret, trusted: true}, path, out)
	case source.FlexVolume != nil:
		t.readOnly[name] = t.readOnly[name] || source.FlexVolume.ReadOnly
		options := copyMap(source.FlexVolume.Options)
		if secret != nil {
			addSecret(options, secret)
		}
		t.putFlex(flex{driver: source.FlexVolume.Driver, fsType: source.FlexVolume.FSType, options: options, trusted: true}, path, out)
	case source.NFS != nil && len(pv.Spec.MountOptions) > 0:
		// NFSVolume has no options; the NAS driver mounts any NFS server.
		t.readOnly[name] = t.readOnly[name] || source.NFS.ReadOnly
		options := map[string]string{"server": source.NFS.Server, "path": source.NFS.Path}
		addMountOptions(options, pv.Spec.MountOptions)
		t.putFlex(flex{driver: flexNAS, options: options, trusted: true}, path, out)
	case source.NFS != nil:
		out.Type = eci.VolumeNFS
		out.NFSVolume = &eci.NFSVolume{Server: source.NFS.Server, Path: source.NFS.Path}
		if source.NFS.ReadOnly {
			out.NFSVolume.ReadOnly = ptr.To(true)
		}
		if source.NFS.Server == "" || source.NFS.Path == "" {
			t.refuse(path, "PersistentVolume "+pv.Name+" names no server or no path")
		}
	case source.HostPath != nil:
		t.hostPath(source.HostPath, path, out)
	default:
		t.refuse(path, "PersistentVolume "+pv.Name+" is of a kind that ECI does not mount: use a volume of "+csiDisk+", "+csiNAS+" or "+csiOSS+", or NFS")
	}
}

func (t *translator) volumeSecret(pv *corev1.PersistentVolume, path *field.Path) *corev1.Secret {
	name, ok := VolumeSecret(pv)
	if !ok {
		return nil
	}
	secret := t.objects.VolumeSecrets[name]
	if secret == nil {
		t.absent(Missing{Kind: KindSecret, Name: name.String(), Path: path.String()}, false, path)
	}
	return secret
}

// hostPath mounts a path of the machine of the group, where that is allowed. ECI
// makes nothing there, and tells directories from files.
func (t *translator) hostPath(s *corev1.HostPathVolumeSource, path *field.Path, out *eci.Volume) {
	if !t.cfg.HostPathAllowed {
		t.refuse(path, "a group does not run on a machine of yours: use emptyDir, nfs or a config volume; or, where the account is allowed to, let the operator set pods.hostPathAllowed")
		return
	}
	kind := corev1.HostPathDirectory
	if s.Type != nil && *s.Type != corev1.HostPathUnset {
		kind = *s.Type
	}
	if s.Path == "" {
		t.refuse(path, "it names no path")
	}
	out.Type, out.HostPathVolume = eci.VolumeHostPath, &eci.HostPathVolume{Path: s.Path, Type: string(kind)}
	switch kind {
	case corev1.HostPathDirectory, corev1.HostPathFile:
	default:
		t.refuse(path, "ECI mounts a Directory or a File that exists, not "+string(kind))
	}
}
