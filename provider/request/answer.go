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
	if jsonBytes(reflect.ValueOf(t.req), maxAnswerBytes) < 0 {
		t.refuse(field.NewPath("spec"), fmt.Sprintf("its variables, command lines, probes and files have more than %d bytes as JSON, and no more can be read back from the cloud: "+
			"control characters, and < > &, count six times", maxAnswerBytes))
	}
}

var secretType = reflect.TypeFor[eci.Secret]()

// jsonBytes returns how many of left bytes remain when the texts of v are written as JSON:
// escaped as encoders that write for browsers do. It stops when fewer than none do.
func jsonBytes(v reflect.Value, left int) int {
	if v.Type() == secretType {
		return left - escapedBytes(v.Interface().(eci.Secret).Reveal(), left)
	}
	switch v.Kind() {
	case reflect.String:
		return left - escapedBytes(v.String(), left)
	case reflect.Pointer:
		if !v.IsNil() {
			return jsonBytes(v.Elem(), left)
		}
	case reflect.Slice:
		for i := 0; i < v.Len() && left >= 0; i++ {
			left = jsonBytes(v.Index(i), left)
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && left >= 0; i++ {
			left = jsonBytes(v.Field(i), left)
		}
	}
	return left
}

// escapedBytes returns the length of a text as a JSON string, with its quotes, or any length
// above most.
func escapedBytes(text string, most int) int {
	n := len(`""`)
	for i := 0; i < len(text) && n <= most; {
		if b := text[i]; b < utf8.RuneSelf {
			n += int(asciiBytes[b])
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			n += len(`\u0000`)
		} else {
			n += size
		}
		i += size
	}
	return n
}

// asciiBytes is the length of each ASCII character in a JSON string.
var asciiBytes = func() (table [utf8.RuneSelf]uint8) {
	for b := range table {
		switch {
		case b == '"' || b == '\\':
			table[b] = 2
		case b < ' ' || b == '<' || b == '>' || b == '&':
			table[b] = uint8(len(`\u0000`))
		default:
			table[b] = 1
		}
	}
	return table
}()
