package request

import (
	"fmt"
	"reflect"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxAnswerBytes bounds the parameters of a group, in bytes of JSON. The cloud returns
// all of them when it describes the group, and this node can neither find nor end a group
// whose description is too long to read. It is a third of the client's limit. Our own
// choice.
const maxAnswerBytes = 4 << 20

// checkAnswer refuses a pod whose group could not be read.
func (t *translator) checkAnswer() {
	if n := jsonBytes(reflect.ValueOf(t.req)); n > maxAnswerBytes {
		t.refuse(field.NewPath("spec"), fmt.Sprintf("its variables, command lines, probes and files have %d bytes as JSON, and at most %d can be read back from the cloud: "+
			"control characters, and < > &, count six times", n, maxAnswerBytes))
	}
}

var secretType = reflect.TypeFor[eci.Secret]()

// jsonBytes returns how long the texts of v are as JSON, at most: escaped as encoders
// that write for browsers do.
func jsonBytes(v reflect.Value) (n int) {
	if v.Type() == secretType {
		return escapedBytes(v.Interface().(eci.Secret).Reveal())
	}
	switch v.Kind() {
	case reflect.String:
		return escapedBytes(v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			return jsonBytes(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += jsonBytes(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += jsonBytes(v.Field(i))
		}
	}
	return n
}

// escapedBytes returns the length of a text as a JSON string, with its quotes.
func escapedBytes(text string) int {
	n := len(`""`)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '"' || r == '\\':
			n += 2
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029':
			n += len(`\u0000`)
		default:
			n += size
		}
		i += size
	}
	return n
}
