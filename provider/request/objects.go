package request

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Objects are what a pod names, as the caller has read them. A nil or missing
// entry means that the object does not exist.
type Objects struct {
	// ConfigMaps and Secrets by name, all of the pod's namespace.
	ConfigMaps map[string]*corev1.ConfigMap
	Secrets    map[string]*corev1.Secret
	// PullSecrets log in to registries: those of the pod, then those of its
	// ServiceAccount. Those that do not exist are left out.
	PullSecrets []*corev1.Secret
	// Tokens of the pod's ServiceAccount, bound to the pod.
	Tokens map[TokenKey]string
	// Services of the pod's namespace, and the Service kubernetes of the
	// namespace default; others are passed over.
	Services []*corev1.Service
	// PersistentVolumeClaims by name, of the pod's namespace, and by name the
	// PersistentVolumes that their spec.volumeName names.
	PersistentVolumeClaims map[string]*corev1.PersistentVolumeClaim
	PersistentVolumes      map[string]*corev1.PersistentVolume
	// VolumeSecrets are those that VolumeSecret names for these volumes.
	VolumeSecrets map[types.NamespacedName]*corev1.Secret
}

// TokenKey says which token: its audience ("" is the API server's own) and its
// life in seconds.
type TokenKey struct {
	Audience          string
	ExpirationSeconds int64
}

// defaultTokenSeconds is the life of a token that the pod does not give one, as
// the API server defaults it.
const defaultTokenSeconds = 3600

// Ref is a place of the pod that names an object.
type Ref struct {
	Name string
	// Optional objects may be missing.
	Optional bool
	// Path is the field of the pod, for example spec.volumes[0].configMap.name.
	Path *field.Path
}

// TokenRef is a place of the pod that wants a token of its ServiceAccount.
type TokenRef struct {
	TokenKey
	Path *field.Path
}

// Refs is all that a pod names. One object may be named more than once.
type Refs struct {
	ConfigMaps []Ref
	Secrets    []Ref
	// PullSecrets are those in the pod; the kubelet works without the ones that
	// do not exist, so that all are optional.
	PullSecrets []Ref
	Tokens      []TokenRef
	// PersistentVolumeClaims are those that exist already and those that
	// Kubernetes makes for ephemeral volumes.
	PersistentVolumeClaims []Ref
	// ServiceAccountName is whose tokens and pull secrets to take.
	ServiceAccountName string
	// ServiceLinks asks for the Services of the pod's namespace; that of the
	// API server is needed always.
	ServiceLinks bool
}

// References says which objects the pod names, in the order of its fields.
func References(pod *corev1.Pod) Refs {
	refs := Refs{ServiceAccountName: pod.Spec.ServiceAccountName, ServiceLinks: wantsServiceLinks(pod)}
	if refs.ServiceAccountName == "" {
		refs.ServiceAccountName = "default"
	}
	spec := field.NewPath("spec")
	for i, c := range pod.Spec.InitContainers {
		refs.addEnv(c, spec.Child("initContainers").Index(i))
	}
	for i, c := range pod.Spec.Containers {
		refs.addEnv(c, spec.Child("containers").Index(i))
	}
	for i, v := range pod.Spec.Volumes {
		refs.addCloudVolume(pod, v, spec.Child("volumes").Index(i))
		refs.addVolume(v, spec.Child("volumes").Index(i))
	}
	for i, s := range pod.Spec.ImagePullSecrets {
		path := spec.Child("imagePullSecrets").Index(i).Child("name")
		refs.PullSecrets = append(refs.PullSecrets, Ref{Name: s.Name, Optional: true, Path: path})
	}
	return refs
}

// wantsServiceLinks is true when unset, as the API server defaults it.
func wantsServiceLinks(pod *corev1.Pod) bool {
	return pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks
}

func (r *Refs) addEnv(c corev1.Container, path *field.Path) {
	for i, from := range c.EnvFrom {
		at := path.Child("envFrom").Index(i)
		if s := from.ConfigMapRef; s != nil {
			r.configMap(s.Name, s.Optional, at.Child("configMapRef", "name"))
		}
		if s := from.SecretRef; s != nil {
			r.secret(s.Name, s.Optional, at.Child("secretRef", "name"))
		}
	}
	for i, env := range c.Env {
		at := path.Child("env").Index(i).Child("valueFrom")
		if env.ValueFrom == nil {
			continue
		}
		if s := env.ValueFrom.ConfigMapKeyRef; s != nil {
			r.configMap(s.Name, s.Optional, at.Child("configMapKeyRef", "name"))
		}
		if s := env.ValueFrom.SecretKeyRef; s != nil {
			r.secret(s.Name, s.Optional, at.Child("secretKeyRef", "name"))
		}
	}
}

func (r *Refs) addVolume(v corev1.Volume, path *field.Path) {
	if s := v.ConfigMap; s != nil {
		r.configMap(s.Name, s.Optional, path.Child("configMap", "name"))
	}
	if s := v.Secret; s != nil {
		r.secret(s.SecretName, s.Optional, path.Child("secret", "secretName"))
	}
	if v.Projected == nil {
		return
	}
	for i, source := range v.Projected.Sources {
		at := path.Child("projected", "sources").Index(i)
		if s := source.ConfigMap; s != nil {
			r.configMap(s.Name, s.Optional, at.Child("configMap", "name"))
		}
		if s := source.Secret; s != nil {
			r.secret(s.Name, s.Optional, at.Child("secret", "name"))
		}
		if s := source.ServiceAccountToken; s != nil {
			r.Tokens = append(r.Tokens, TokenRef{TokenKey: tokenKey(s), Path: at.Child("serviceAccountToken")})
		}
	}
}

// addCloudVolume adds the claim of a volume, or the Secret that opens it.
func (r *Refs) addCloudVolume(pod *corev1.Pod, v corev1.Volume, path *field.Path) {
	if s := v.PersistentVolumeClaim; s != nil {
		r.PersistentVolumeClaims = append(r.PersistentVolumeClaims, Ref{Name: s.ClaimName, Path: path.Child("persistentVolumeClaim", "claimName")})
	}
	if v.Ephemeral != nil {
		r.PersistentVolumeClaims = append(r.PersistentVolumeClaims, Ref{Name: ephemeralClaim(pod, v), Path: path.Child("ephemeral")})
	}
	if s := v.FlexVolume; s != nil && s.SecretRef != nil {
		r.secret(s.SecretRef.Name, nil, path.Child("flexVolume", "secretRef", "name"))
	}
	if s := v.CSI; s != nil && s.NodePublishSecretRef != nil {
		r.secret(s.NodePublishSecretRef.Name, nil, path.Child("csi", "nodePublishSecretRef", "name"))
	}
}

// ephemeralClaim is the name that Kubernetes gives the claim of an ephemeral
// volume.
func ephemeralClaim(pod *corev1.Pod, v corev1.Volume) string { return pod.Name + "-" + v.Name }

// VolumeSecret says which Secret opens a PersistentVolume; ok is false when none
// does.
func VolumeSecret(pv *corev1.PersistentVolume) (name types.NamespacedName, ok bool) {
	var ref *corev1.SecretReference
	switch {
	case pv.Spec.CSI != nil:
		ref = pv.Spec.CSI.NodePublishSecretRef
	case pv.Spec.FlexVolume != nil:
		ref = pv.Spec.FlexVolume.SecretRef
	}
	if ref == nil {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}, true
}

func (r *Refs) configMap(name string, optional *bool, path *field.Path) {
	r.ConfigMaps = append(r.ConfigMaps, Ref{Name: name, Optional: isTrue(optional), Path: path})
}

func (r *Refs) secret(name string, optional *bool, path *field.Path) {
	r.Secrets = append(r.Secrets, Ref{Name: name, Optional: isTrue(optional), Path: path})
}

func tokenKey(s *corev1.ServiceAccountTokenProjection) TokenKey {
	key := TokenKey{Audience: s.Audience, ExpirationSeconds: defaultTokenSeconds}
	if s.ExpirationSeconds != nil {
		key.ExpirationSeconds = *s.ExpirationSeconds
	}
	return key
}

func isTrue(b *bool) bool { return b != nil && *b }

// String names the token in messages, without the token.
func (k TokenKey) String() string {
	return fmt.Sprintf("token for audience %q living %d s", k.Audience, k.ExpirationSeconds)
}
