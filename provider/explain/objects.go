package explain

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// standIn is the value of everything that only the cluster knows.
const standIn = "stand-in"

// objectsFor collects what the pod names out of the manifests. Tokens and the
// cluster's CA get stand-ins, for every cluster makes them.
func (m *Manifests) objectsFor(pod *corev1.Pod) request.Objects {
	refs := request.References(pod)
	objects := request.Objects{
		ConfigMaps: pick(m.configMaps, pod.Namespace, refs.ConfigMaps),
		Secrets:    pick(m.secrets, pod.Namespace, refs.Secrets),
		Tokens:     map[request.TokenKey]string{},
		Services:   m.servicesOf(pod.Namespace),
	}
	if objects.ConfigMaps[rootCA] == nil {
		objects.ConfigMaps[rootCA] = &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: rootCA, Namespace: pod.Namespace},
			Data:       map[string]string{"ca.crt": standIn},
		}
	}
	for _, ref := range refs.Tokens {
		objects.Tokens[ref.TokenKey] = standIn
	}
	for _, ref := range refs.PullSecrets {
		if secret := m.secrets[types.NamespacedName{Namespace: pod.Namespace, Name: ref.Name}]; secret != nil {
			objects.PullSecrets = append(objects.PullSecrets, secret)
		}
	}
	m.bindClaims(pod, refs, &objects)
	return objects
}

func pick[T any](from map[types.NamespacedName]*T, namespace string, refs []request.Ref) map[string]*T {
	found := map[string]*T{}
	for _, ref := range refs {
		if object := from[types.NamespacedName{Namespace: namespace, Name: ref.Name}]; object != nil {
			found[ref.Name] = object
		}
	}
	return found
}

// maxRounds is how often stand-ins are put: for objects first, then for their
// keys, which a translation asks for once the object is there.
const maxRounds = 3

// translate translates a pod. What is missing is reported, and its place taken
// by a stand-in, so that the size and the price are known all the same: the
// object may well be in the cluster.
func translate(pod *corev1.Pod, objects request.Objects, cfg request.Config) (*request.Translation, []request.Missing, error) {
	var missing []request.Missing
	for range maxRounds {
		translation, err := request.Translate(pod, objects, cfg)
		if !request.IsMissingObject(err) {
			return translation, missing, err
		}
		news, replaced := replace(objects, request.MissingObjects(err))
		missing = append(missing, news...)
		if !replaced {
			return nil, missing, err
		}
	}
	_, err := request.Translate(pod, objects, cfg)
	return nil, missing, err
}

// replace puts stand-ins where something is missing. News are those that are to
// be told: not the keys of an object that is a stand-in itself. It is false when
// there is nothing to be put.
func replace(objects request.Objects, missing []request.Missing) (news []request.Missing, replaced bool) {
	for _, object := range missing {
		told := false
		switch object.Kind {
		case request.KindConfigMap:
			replaced = true
			objects.ConfigMaps[object.Name], told = withConfigMapKey(objects.ConfigMaps[object.Name], object)
		case request.KindPersistentVolumeClaim:
			replaced = true
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: standInMeta(object)}
			claim.Spec.VolumeName, claim.Status.Phase = standIn+"-"+object.Name, corev1.ClaimBound
			objects.PersistentVolumeClaims[object.Name] = claim
			objects.PersistentVolumes[claim.Spec.VolumeName] = standInVolume(claim.Spec.VolumeName, &storagev1.StorageClass{Provisioner: diskDriver})
		case request.KindPersistentVolume:
			replaced = true
			objects.PersistentVolumes[object.Name] = standInVolume(object.Name, &storagev1.StorageClass{Provisioner: diskDriver})
		case request.KindSecret:
			replaced = true
			if namespace, name, ofVolume := strings.Cut(object.Name, "/"); ofVolume {
				objects.VolumeSecrets[types.NamespacedName{Namespace: namespace, Name: name}] = &corev1.Secret{ObjectMeta: standInMeta(object)}
				break
			}
			objects.Secrets[object.Name], told = withSecretKey(objects.Secrets[object.Name], object)
		}
		if !told {
			news = append(news, object)
		}
	}
	return news, replaced
}

// standInLabel marks an object that no file holds.
const standInLabel = "eci-vnode/stand-in"

func isStandIn(meta metav1.ObjectMeta) bool { return meta.Labels[standInLabel] != "" }

func standInMeta(m request.Missing) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Labels: map[string]string{standInLabel: "true"}}
}

// withConfigMapKey returns a copy that has the key; told says that the whole
// object is known to be missing.
func withConfigMapKey(object *corev1.ConfigMap, m request.Missing) (copied *corev1.ConfigMap, told bool) {
	if object == nil {
		return &corev1.ConfigMap{ObjectMeta: standInMeta(m)}, false
	}
	copied = object.DeepCopy()
	if copied.Data == nil {
		copied.Data = map[string]string{}
	}
	copied.Data[m.Key] = standIn
	return copied, isStandIn(object.ObjectMeta)
}

func withSecretKey(object *corev1.Secret, m request.Missing) (copied *corev1.Secret, told bool) {
	if object == nil {
		return &corev1.Secret{ObjectMeta: standInMeta(m)}, false
	}
	copied = object.DeepCopy()
	if copied.Data == nil {
		copied.Data = map[string][]byte{}
	}
	copied.Data[m.Key] = []byte(standIn)
	return copied, isStandIn(object.ObjectMeta)
}
