package request

import (
	"strings"
	"unicode/utf8"
)

// value is what a variable holds: a text, or the address of the group, which
// only ECI knows and fills in later. A secret text has something of a Secret in
// it.
type value struct {
	text   string
	podIP  bool
	secret bool
}

// expand replaces $(NAME) by what lookup finds, as the kubelet does: what is
// not found stays as it is written, $$ is one dollar sign, and a lone dollar
// sign or an open reference stays. The result is the address of the group when
// input is nothing but a reference to it; embedded is true when the address
// would have to stand inside a text, which ECI cannot do.
func expand(input string, lookup func(name string) (value, bool)) (result value, embedded bool) {
	var out strings.Builder
	secret := false
	for rest := input; rest != ""; {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			break
		}
		name, text, used := reference(after)
		rest = after[used:]
		if name == "" {
			out.WriteString(text)
			continue
		}
		switch v, known := lookup(name); {
		case !known:
			out.WriteString("$(" + name + ")")
		case v.podIP && input == "$("+name+")":
			return v, false
		case v.podIP:
			embedded = true
		default:
			out.WriteString(v.text)
			secret = secret || v.secret
		}
	}
	return value{text: out.String(), secret: secret}, embedded
}

// reference reads what stands behind a dollar sign: the name in (NAME), or the
// text that the sign and what follows mean; and how many bytes it took.
func reference(after string) (name, text string, used int) {
	switch {
	case after == "":
		return "", "$", 0
	case after[0] == '$':
		return "", "$", 1
	case after[0] != '(':
		_, size := utf8.DecodeRuneInString(after)
		return "", "$" + after[:size], size
	}
	end := strings.IndexByte(after, ')')
	switch end {
	case -1:
		return "", "$(", 1
	case 1:
		return "", "$()", 2
	}
	return after[1:end], "", end + 1
}
