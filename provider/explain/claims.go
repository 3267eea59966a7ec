package explain

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

func (m *Manifests) addClaim(_ source, object *corev1.PersistentVolumeClaim) {
	m.claims[m.key(&object.ObjectMeta)] = object
}

func (m *Manifests) addVolume(_ source, object *corev1.PersistentVolume) {
	m.volumes[object.Name] = object
}

func (m *Manifests) addClass(_ source, object *storagev1.StorageClass) {
	m.classes[object.Name] = object
}

// bindClaims gives the pod the claims that it names, bound as the cluster would
// bind them: to a volume of the files, or to one that a driver would make, for
// which there is a stand-in.
func (m *Manifests) bindClaims(pod *corev1.Pod, refs request.Refs, objects *request.Objects) {
	objects.PersistentVolumeClaims = map[string]*corev1.PersistentVolumeClaim{}
	objects.PersistentVolumes = map[string]*corev1.PersistentVolume{}
	objects.VolumeSecrets = map[types.NamespacedName]*corev1.Secret{}
	claims := pick(m.claims, pod.Namespace, refs.PersistentVolumeClaims)
	for name, claim := range ephemeralClaims(pod) {
		claims[name] = cmp.Or(claims[name], claim)
	}
	for name, claim := range claims {
		bound := claim.DeepCopy()
		pv := m.volumeFor(bound)
		if pv == nil {
			// The claim names a volume that is in none of the files.
			bound.Status.Phase = corev1.ClaimBound
			objects.PersistentVolumeClaims[name] = bound
			continue
		}
		m.bind(name, bound, pv, objects)
	}
}

func (m *Manifests) bind(name string, claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, objects *request.Objects) {
	claim.Spec.VolumeName, claim.Status.Phase = pv.Name, corev1.ClaimBound
	objects.PersistentVolumeClaims[name], objects.PersistentVolumes[pv.Name] = claim, pv
	if key, ok := request.VolumeSecret(pv); ok && m.secrets[key] != nil {
		objects.VolumeSecrets[key] = m.secrets[key]
	}
}

// ephemeralClaims are those that Kubernetes makes for the pod alone.
func ephemeralClaims(pod *corev1.Pod) map[string]*corev1.PersistentVolumeClaim {
	claims := map[string]*corev1.PersistentVolumeClaim{}
	for _, v := range pod.Spec.Volumes {
		if v.Ephemeral == nil || v.Ephemeral.VolumeClaimTemplate == nil {
			continue
		}
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: v.Ephemeral.VolumeClaimTemplate.ObjectMeta, Spec: v.Ephemeral.VolumeClaimTemplate.Spec}
		claim.Name, claim.Namespace = pod.Name+"-"+v.Name, pod.Namespace
		claim.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true)}}
		claims[claim.Name] = claim
	}
	return claims
}

// volumeFor is the volume that the claim names, or that names the claim, or
// that fits, or that the driver of its class would make.
func (m *Manifests) volumeFor(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	if name := claim.Spec.VolumeName; name != "" {
		return m.volumes[name]
	}
	var fitting *corev1.PersistentVolume
	for _, pv := range m.volumes {
		if ref := pv.Spec.ClaimRef; ref != nil {
			if ref.Namespace == claim.Namespace && ref.Name == claim.Name {
				return pv
			}
			continue
		}
		if fits(pv, claim) && (fitting == nil || pv.Name < fitting.Name) {
			fitting = pv
		}
	}
	return cmp.Or(fitting, m.newVolume(claim))
}

// fits is the choice that Kubernetes has for a claim without a volume's name; of
// several it takes the smallest.
func fits(pv *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	selector, err := metav1.LabelSelectorAsSelector(claim.Spec.Selector)
	if claim.Spec.Selector == nil {
		selector = labels.Everything()
	}
	for _, mode := range claim.Spec.AccessModes {
		if !slices.Contains(pv.Spec.AccessModes, mode) {
			return false
		}
	}
	want, has := claim.Spec.Resources.Requests[corev1.ResourceStorage], pv.Spec.Capacity[corev1.ResourceStorage]
	return err == nil && selector.Matches(labels.Set(pv.Labels)) && has.Cmp(want) >= 0 &&
		pv.Spec.StorageClassName == ptr.Deref(claim.Spec.StorageClassName, "")
}

// newVolume stands in for what the driver of the claim's class would make. A
// class that is in none of the files is taken for one of disks.
func (m *Manifests) newVolume(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	class := m.classes[ptr.Deref(claim.Spec.StorageClassName, "")]
	if class == nil {
		class = &storagev1.StorageClass{Provisioner: diskDriver}
	}
	return standInVolume(standIn+"-"+claim.Name, class)
}

// diskDriver is the CSI driver of cloud disks, and the others of Alibaba Cloud
// end like it.
const diskDriver = "diskplugin.csi.alibabacloud.com"

// standInVolume has what ECI needs to know of a volume of each driver.
func standInVolume(name string, class *storagev1.StorageClass) *corev1.PersistentVolume {
	csi := &corev1.CSIPersistentVolumeSource{Driver: class.Provisioner, VolumeHandle: standIn}
	switch kind, _, _ := strings.Cut(class.Provisioner, "plugin."); kind {
	case "nas":
		csi.VolumeAttributes = map[string]string{"server": standIn, "path": "/"}
	case "oss":
		csi.VolumeAttributes = map[string]string{"bucket": standIn, "url": standIn}
	}
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}}
	pv.Spec.CSI, pv.Spec.MountOptions = csi, class.MountOptions
	return pv
}
