package explain

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Manifests are the objects of all files that were read.
type Manifests struct {
	// namespace is that of objects that name none.
	namespace string
	readers   map[metav1.TypeMeta]reader
	workloads []workload
	notes     []Note

	configMaps map[types.NamespacedName]*corev1.ConfigMap
	secrets    map[types.NamespacedName]*corev1.Secret
	accounts   map[types.NamespacedName]*corev1.ServiceAccount
	services   []*corev1.Service
	claims     map[types.NamespacedName]*corev1.PersistentVolumeClaim
	// These have no namespace.
	namespaces map[string]*corev1.Namespace
	volumes    map[string]*corev1.PersistentVolume
	classes    map[string]*storagev1.StorageClass
	networks   []request.PodNetworking
}

// Note is something that was read and led to no pod.
type Note struct {
	File string `json:"file"`
	// Object is the kind and the name, such as Ingress/web.
	Object string `json:"object"`
	Text   string `json:"text"`
}

// workload is what makes pods.
type workload struct {
	file, kind string
	// name is that of the object, not of its pods.
	namespace, name string
	// pods is how many there are at once.
	pods int64
	pod  *corev1.Pod
	// prefix leads from the object to its pod template, such as
	// spec.template. (with the dot).
	prefix string
	note   string
}

// NewManifests returns an empty set. Objects that name no namespace get the one
// that is given.
func NewManifests(namespace string) *Manifests {
	return &Manifests{
		namespace:  namespace,
		readers:    readers(),
		configMaps: map[types.NamespacedName]*corev1.ConfigMap{},
		secrets:    map[types.NamespacedName]*corev1.Secret{},
		accounts:   map[types.NamespacedName]*corev1.ServiceAccount{},
		claims:     map[types.NamespacedName]*corev1.PersistentVolumeClaim{},
		namespaces: map[string]*corev1.Namespace{},
		volumes:    map[string]*corev1.PersistentVolume{},
		classes:    map[string]*storagev1.StorageClass{},
	}
}

// key puts an object without a namespace into the one of the set.
func (m *Manifests) key(meta *metav1.ObjectMeta) types.NamespacedName {
	if meta.Namespace == "" {
		meta.Namespace = m.namespace
	}
	return types.NamespacedName{Namespace: meta.Namespace, Name: meta.Name}
}

func (m *Manifests) note(at source, object, format string, args ...any) {
	m.notes = append(m.notes, Note{File: at.file, Object: object, Text: fmt.Sprintf(format, args...)})
}

func (m *Manifests) addConfigMap(_ source, object *corev1.ConfigMap) {
	m.configMaps[m.key(&object.ObjectMeta)] = object
}

// addSecret merges stringData into data, as the API server does.
func (m *Manifests) addSecret(_ source, object *corev1.Secret) {
	for name, text := range object.StringData {
		if object.Data == nil {
			object.Data = map[string][]byte{}
		}
		object.Data[name] = []byte(text)
	}
	object.StringData = nil
	m.secrets[m.key(&object.ObjectMeta)] = object
}

func (m *Manifests) addAccount(_ source, object *corev1.ServiceAccount) {
	m.accounts[m.key(&object.ObjectMeta)] = object
}

func (m *Manifests) addService(_ source, object *corev1.Service) {
	m.key(&object.ObjectMeta)
	m.services = append(m.services, object)
}

// servicesOf are those that the variables of the pod may come from.
func (m *Manifests) servicesOf(namespace string) []*corev1.Service {
	return slices.DeleteFunc(slices.Clone(m.services), func(s *corev1.Service) bool {
		return s.Namespace != namespace && s.Namespace != metav1.NamespaceDefault
	})
}
