package explain

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

const (
	// tokenVolume begins the name of the volume; the API server adds letters.
	tokenVolume = "kube-api-access"
	tokenMount  = "/var/run/secrets/kubernetes.io/serviceaccount"
	// tokenSeconds is the life of the token of that volume. Source:
	// WarnOnlyBoundTokenExpirationSeconds of Kubernetes.
	tokenSeconds = 3607
	// rootCA is the ConfigMap that every namespace has.
	rootCA = "kube-root-ca.crt"
)

// setAccount gives a pod what the ServiceAccount admission of the API server
// gives it: the account's name and pull secrets, and a volume with a token,
// unless pod or account decline it.
func (m *Manifests) setAccount(pod *corev1.Pod) {
	spec := &pod.Spec
	spec.ServiceAccountName = cmp.Or(spec.ServiceAccountName, "default")
	account := m.accounts[types.NamespacedName{Namespace: pod.Namespace, Name: spec.ServiceAccountName}]
	automount := spec.AutomountServiceAccountToken
	if account != nil {
		if len(spec.ImagePullSecrets) == 0 {
			spec.ImagePullSecrets = append(spec.ImagePullSecrets, account.ImagePullSecrets...)
		}
		automount = cmp.Or(automount, account.AutomountServiceAccountToken)
	}
	if ptr.Deref(automount, true) {
		mountToken(spec)
	}
}

// mountToken mounts the token into every container that has nothing there. A
// pod that was read from a cluster has it already.
func mountToken(spec *corev1.PodSpec) {
	name, known := tokenVolume, false
	for _, v := range spec.Volumes {
		if strings.HasPrefix(v.Name, tokenVolume+"-") {
			name, known = v.Name, true
		}
	}
	needed := false
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if !hasMount(c, tokenMount) {
				c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenMount})
				needed = true
			}
		}
	}
	if needed && !known {
		spec.Volumes = append(spec.Volumes, tokenSources(name))
	}
}

func hasMount(c *corev1.Container, path string) bool {
	for _, mount := range c.VolumeMounts {
		if mount.MountPath == path {
			return true
		}
	}
	return false
}

func tokenSources(name string) corev1.Volume {
	sources := []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](tokenSeconds)}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: rootCA},
			Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}},
		}}},
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o644), Sources: sources},
	}}
}
