package request

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// configMap finds a ConfigMap; a missing one is recorded as what it is.
func (t *translator) configMap(name string, optional bool, path *field.Path) (*corev1.ConfigMap, bool) {
	object := t.objects.ConfigMaps[name]
	if object == nil {
		t.absent(Missing{Kind: KindConfigMap, Name: name, Path: path.String()}, optional, path)
	}
	return object, object != nil
}

// secret finds a Secret; a missing one is recorded as what it is.
func (t *translator) secret(name string, optional bool, path *field.Path) (*corev1.Secret, bool) {
	object := t.objects.Secrets[name]
	if object == nil {
		t.absent(Missing{Kind: KindSecret, Name: name, Path: path.String()}, optional, path)
	}
	return object, object != nil
}

// absent records that an object or key is missing: for an optional one with a
// warning.
func (t *translator) absent(m Missing, optional bool, path *field.Path) {
	if !optional {
		t.missing = append(t.missing, m)
		return
	}
	t.warn("Optional"+m.reasonTail(), path, "optional "+m.text())
}

// pathProblem says why ECI could not make a file there, or "".
func pathProblem(at string) string {
	switch {
	case at == "" || path.IsAbs(at):
		return "must be a relative path"
	case strings.Contains("/"+at+"/", "/../"):
		return "must not leave the volume"
	}
	return ""
}
