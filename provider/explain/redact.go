package explain

import (
	"bytes"
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

const redacted = "***"

// shadow is the translation of the same pod with other Secrets. Where the two
// differ the text comes from a Secret, whichever way it took: a variable, a
// variable inside another or inside a command. All such texts are shown as ***.
// It is made when there is something to show.
type shadow struct {
	pod     *corev1.Pod
	objects request.Objects
	cfg     request.Config

	made        bool
	translation *request.Translation
	refused     field.ErrorList
}

// make translates again. It is false where nothing can come from a Secret.
func (s *shadow) make() bool {
	if len(s.objects.Secrets)+len(s.objects.VolumeSecrets) == 0 || s.made {
		return s.made
	}
	s.made = true
	objects := s.objects
	objects.Secrets, objects.VolumeSecrets = disguise(objects.Secrets), disguise(objects.VolumeSecrets)
	translation, err := request.Translate(s.pod, objects, s.cfg)
	s.translation = translation
	if refused, is := err.(*request.RefusedError); is {
		s.refused = refused.Fields
	}
	return true
}

// disguise gives every key of every Secret another value of the same length, in
// which letters stay letters and digits digits: what is valid stays so.
func disguise[K comparable](secrets map[K]*corev1.Secret) map[K]*corev1.Secret {
	out := map[K]*corev1.Secret{}
	for name, secret := range secrets {
		other := secret.DeepCopy()
		for key, value := range secret.Data {
			other.Data[key] = unlike(value)
		}
		out[name] = other
	}
	return out
}

func unlike(value []byte) []byte {
	out := make([]byte, len(value))
	for i, b := range value {
		switch {
		case b >= 'a' && b <= 'z':
			b = 'a' + (b-'a'+1)%26
		case b >= 'A' && b <= 'Z':
			b = 'A' + (b-'A'+1)%26
		case b >= '0' && b <= '9':
			b = '0' + (b-'0'+1)%10
		}
		out[i] = b
	}
	if bytes.Equal(out, value) { // punctuation only
		return bytes.Repeat([]byte("x"), len(value))
	}
	return out
}

// refusal is the text of the refusal number i, without a value that differs.
func (s *shadow) refusal(i int, problem *field.Error) string {
	text := problem.ErrorBody()
	if s.make() && (i >= len(s.refused) || s.refused[i].ErrorBody() != text) {
		return problem.Type.String() + ": " + redacted
	}
	return text
}

// warning is the text of the warning number i.
func (s *shadow) warning(i int, w request.Warning) string {
	if s.make() && (s.translation == nil || i >= len(s.translation.Warnings) || s.translation.Warnings[i] != w) {
		return redacted
	}
	return w.Message
}

// show is the request as on the wire, without what comes from Secrets.
func (s *shadow) show(req *eci.CreateContainerGroupRequest) (any, error) {
	shown, err := generic(req)
	if err != nil || !s.make() {
		return shown, err
	}
	var other any
	if s.translation != nil {
		if other, err = generic(s.translation.Request); err != nil {
			return nil, err
		}
	}
	return hide(shown, other), nil
}

// generic is what JSON makes of a request; an eci.Secret is *** there.
func generic(req *eci.CreateContainerGroupRequest) (any, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	var value any
	return value, json.Unmarshal(text, &value)
}

// hide replaces every part of value that other has not in the same way.
func hide(value, other any) any {
	switch value := value.(type) {
	case map[string]any:
		same, is := other.(map[string]any)
		if !is {
			return redacted
		}
		value = maps.Clone(value)
		for name, part := range value {
			value[name] = hide(part, same[name])
		}
		return value
	case []any:
		same, is := other.([]any)
		if !is || len(same) != len(value) {
			return redacted
		}
		out := make([]any, len(value))
		for i := range value {
			out[i] = hide(value[i], same[i])
		}
		return out
	}
	if value != other {
		return redacted
	}
	return value
}
