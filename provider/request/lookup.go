package request

import (
	"encoding/base64"
	"path"
	"slices"
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

// entries are the keys of a ConfigMap or Secret and their values, which nobody
// copies before their size is known.
type entries struct {
	texts map[string]string
	bytes map[string][]byte
}

func (e entries) count() int { return len(e.texts) + len(e.bytes) }

func (e entries) keys() []string {
	keys := make([]string, 0, e.count())
	for key := range e.texts {
		keys = append(keys, key)
	}
	for key := range e.bytes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// get returns the value of a key; bytes beat texts.
func (e entries) get(key string) (content, bool) {
	if data, ok := e.bytes[key]; ok {
		return content{data: data}, true
	}
	text, ok := e.texts[key]
	return content{text: text}, ok
}

// content is a value: a text, or bytes.
type content struct {
	text string
	data []byte
}

func (c content) size() int { return len(c.text) + len(c.data) }

// copied returns the value as a text.
func (c content) copied() string {
	if c.data != nil {
		return string(c.data)
	}
	return c.text
}

// encoded returns the value in base64.
func (c content) encoded() string {
	if c.data != nil {
		return base64.StdEncoding.EncodeToString(c.data)
	}
	return base64.StdEncoding.EncodeToString([]byte(c.text))
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
