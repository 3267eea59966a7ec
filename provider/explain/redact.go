package explain

import (
	"bytes"
	"reflect"

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

// ready translates again, once. It is false where nothing can come from a Secret.
func (s *shadow) ready() bool {
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
	if s.ready() && (i >= len(s.refused) || s.refused[i].ErrorBody() != text) {
		return problem.Type.String() + ": " + redacted
	}
	return text
}

// warning is the text of the warning number i.
func (s *shadow) warning(i int, w request.Warning) string {
	if s.ready() && (s.translation == nil || i >= len(s.translation.Warnings) || s.translation.Warnings[i] != w) {
		return redacted
	}
	return w.Message
}

// redact takes what comes from Secrets out of the request. What is of the type
// eci.Secret prints as *** anyway.
func (s *shadow) redact(req *eci.CreateContainerGroupRequest) {
	if !s.ready() {
		return
	}
	other := reflect.Value{}
	if s.translation != nil {
		other = reflect.ValueOf(s.translation.Request).Elem()
	}
	hide(reflect.ValueOf(req).Elem(), other)
}

// hide replaces every text of value that other has not in the same place; an
// invalid other has none. Lists that differ in length differ in every item.
func hide(value, other reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		if value.Len() > 0 && (!other.IsValid() || value.String() != other.String()) {
			value.SetString(redacted)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			hide(value.Field(i), part(other, func() reflect.Value { return other.Field(i) }))
		}
	case reflect.Slice:
		if other.IsValid() && value.Len() != other.Len() {
			other = reflect.Value{}
		}
		for i := range value.Len() {
			hide(value.Index(i), part(other, func() reflect.Value { return other.Index(i) }))
		}
	case reflect.Pointer:
		if !value.IsNil() {
			hide(value.Elem(), part(other, other.Elem))
		}
	default:
		if !other.IsValid() || !value.Equal(other) {
			value.SetZero()
		}
	}
}

// part is a part of a value that is there.
func part(of reflect.Value, get func() reflect.Value) reflect.Value {
	if !of.IsValid() {
		return of
	}
	return get()
}
