package request

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// value is what a variable holds: a text, or the address of the group, which
// only ECI knows and fills in later. A secret text has something of a Secret in
// it.
type value struct {
	text   string
	podIP  bool
	secret bool
}

// lookup finds the variable that a reference names.
type lookup func(name string) (value, bool)

// expand replaces the references in input, see pieces. It is false when the result
// would be longer than Linux takes, or longer than what is left for this pod,
// which is then refused. The length is known before the text is made: a variable
// that names another twice doubles it, and the next one doubles that.
func (t *translator) expand(input string, find lookup, path *field.Path) (result value, embedded, ok bool) {
	if !strings.Contains(input, "$") {
		return value{text: input}, false, true
	}
	size := 0
	pieces(input, find, func(piece value) { size += len(piece.text) })
	if size > maxText {
		t.refuse(path, fmt.Sprintf("it has %d bytes once its variables are replaced, and Linux takes at most %d: mount a file", size, maxText))
		return value{}, false, false
	}
	if !t.spend(size, path) {
		return value{}, false, false
	}
	result, embedded = expand(input, find, size)
	return result, embedded, true
}

// spend takes bytes from what may be put together for a pod. It is false, and the
// pod refused, when there are not as many left.
func (t *translator) spend(bytes int, path *field.Path) bool {
	if t.spent > maxPodText {
		return false // refused already
	}
	if t.spent += bytes; t.spent > maxPodText {
		t.refuse(path, fmt.Sprintf("with it the variables and command lines of the pod have more than %d bytes: mount files", maxPodText))
	}
	return t.spent <= maxPodText
}

// expand returns input, of size bytes with its references replaced. The result is the address of
// the group when input is nothing but a reference to it; embedded is true when
// the address would have to stand inside a text, which ECI cannot do.
func expand(input string, find lookup, size int) (result value, embedded bool) {
	if name, whole := strings.CutPrefix(input, "$("); whole {
		if name, whole = strings.CutSuffix(name, ")"); whole && !strings.Contains(name, ")") {
			if v, known := find(name); known && v.podIP {
				return v, false
			}
		}
	}
	var out strings.Builder
	out.Grow(size)
	pieces(input, find, func(piece value) {
		out.WriteString(piece.text)
		result.secret = result.secret || piece.secret
		embedded = embedded || piece.podIP
	})
	result.text = out.String()
	return result, embedded
}

// pieces calls emit with the pieces of input in order, each $(NAME) replaced by
// what find returns, as the kubelet does: what is not found stays as it is
// written, $$ is one dollar sign, and a lone dollar sign or an open reference
// stays.
func pieces(input string, find lookup, emit func(piece value)) {
	lastBracket := strings.LastIndexByte(input, ')')
	for rest := input; rest != ""; {
		before, after, found := strings.Cut(rest, "$")
		emit(value{text: before})
		if !found {
			return
		}
		// To search for a bracket that is not there would take the square of the length.
		closed := len(input)-len(after) <= lastBracket
		name, text, used := reference(after, closed)
		whole := rest[len(before) : len(before)+1+used]
		rest = after[used:]
		if name == "" {
			emit(value{text: text})
			continue
		}
		if v, known := find(name); known {
			emit(v)
		} else {
			emit(value{text: whole})
		}
	}
}

// reference reads what stands behind a dollar sign: the name in (NAME), or the
// text that the sign and what follows mean; and how many bytes it took. Without
// closed there is no closing bracket behind it.
func reference(after string, closed bool) (name, text string, used int) {
	switch {
	case after == "":
		return "", "$", 0
	case after[0] == '$':
		return "", "$", 1
	case after[0] != '(':
		_, size := utf8.DecodeRuneInString(after)
		return "", "$" + after[:size], size
	}
	end := -1
	if closed {
		end = strings.IndexByte(after, ')')
	}
	switch end {
	case -1:
		return "", "$(", 1
	case 1:
		return "", "$()", 2
	}
	return after[1:end], "", end + 1
}
