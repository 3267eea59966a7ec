package emulator

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/eci-vnode/eci-vnode/eci"
)

// checker keeps the first failed check of a request, as the cloud reports one.
type checker struct{ err *eci.Error }

// fail records err unless a check has failed before.
func (c *checker) fail(err *eci.Error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *checker) that(ok bool, param, format string, args ...any) {
	if !ok {
		c.fail(invalid(param, format, args...))
	}
}

func (c *checker) required(param, text string) {
	if text == "" {
		c.fail(missing(param))
	}
}

// oneOf takes the empty text too: not sent.
func (c *checker) oneOf(param, text string, allowed ...string) {
	c.that(text == "" || slices.Contains(allowed, text), param, "%q is none of %s", text, strings.Join(allowed, ", "))
}

func (c *checker) atMost(param string, n, limit int) {
	if n > limit {
		c.fail(refuse(http.StatusBadRequest, eci.CodeLengthExceeded, "The specified parameter %s has %d of at most %d.", param, n, limit))
	}
}

func (c *checker) between(param string, n, low, high int64) {
	if n < low || n > high {
		c.fail(refuse(http.StatusBadRequest, eci.CodeValueExceeded, "The specified parameter %s is %d, not %d to %d.", param, n, low, high))
	}
}

// optional checks a number that counts as not sent when it is 0.
func (c *checker) optional(param string, n, low, high int64) {
	if n != 0 {
		c.between(param, n, low, high)
	}
}

// name checks lower case letters, digits and inner hyphens.
func (c *checker) name(param, text string, low, high int) {
	c.required(param, text)
	ok := len(text) >= low && len(text) <= high && !strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-")
	for _, r := range text {
		ok = ok && (r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	}
	c.that(ok, param, "%q is not %d to %d lower case letters, digits and inner hyphens", text, low, high)
}

func (c *checker) token(token string) {
	c.atMost("ClientToken", len(token), eci.MaxClientToken)
	ascii := !strings.ContainsFunc(token, func(r rune) bool { return r > unicode.MaxASCII })
	c.that(ascii, "ClientToken", "it is not ASCII")
}

// tags checks those of a group, or of a filter with another limit.
func (c *checker) tags(tags []eci.Tag, limit int) {
	c.atMost("Tag", len(tags), limit)
	seen := map[string]bool{}
	for i, tag := range tags {
		param := indexed("Tag", i) + ".Key"
		c.required(param, tag.Key)
		c.atMost(param, len([]rune(tag.Key)), 64)
		c.atMost(indexed("Tag", i)+".Value", len([]rune(tag.Value)), 128)
		lower := strings.ToLower(tag.Key)
		reserved := strings.HasPrefix(lower, "acs:") || strings.HasPrefix(lower, "aliyun") ||
			strings.Contains(lower, "http://") || strings.Contains(lower, "https://")
		c.that(!reserved, param, "%q is a reserved key", tag.Key)
		c.that(!seen[tag.Key], param, "%q is there twice", tag.Key)
		seen[tag.Key] = true
	}
}

// unique refuses a second use of a name with the given code.
func (c *checker) unique(seen map[string]bool, param, name, code string) {
	if seen[name] {
		c.fail(refuse(http.StatusBadRequest, code, "The name %q of %s is used before.", name, param))
	}
	seen[name] = true
}
