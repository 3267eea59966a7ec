package explain

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

func (m *Manifests) addNamespace(_ source, object *corev1.Namespace) {
	m.namespaces[object.Name] = object
}

// profile is the ConfigMap eci-profile, where it is among the files; else it is
// empty.
func (m *Manifests) profile() (request.Profile, error) {
	object := m.configMaps[types.NamespacedName{Namespace: request.ProfileNamespace, Name: request.ProfileName}]
	if object == nil {
		return request.Profile{}, nil
	}
	return request.ParseProfile(object.Data)
}

// labelsOf are the labels of a namespace, among them the one that every
// namespace has.
func (m *Manifests) labelsOf(namespace string) map[string]string {
	labels := map[string]string{corev1.LabelMetadataName: namespace}
	if object := m.namespaces[namespace]; object != nil {
		for key, value := range object.Labels {
			labels[key] = value
		}
	}
	return labels
}
