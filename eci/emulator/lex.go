package emulator

import "strings"

// word is a word, an operator (; && ||) or the target of a redirection.
type word struct {
	text     string
	operator bool
	redirect bool
}

// lexer splits a script. It gives up on all that the simulated runtime does not
// know: pipes, groups, background, substitutions but $(date).
type lexer struct {
	text string
	env  map[string]string
	at   int
	out  []word
	cur  strings.Builder
	// open: a word has begun, be it an empty quoted one.
	open bool
	// redirecting: the word that comes is the target of a redirection.
	redirecting bool
}

// lex says false for a script that it cannot read.
func lex(text string, env map[string]string) ([]word, bool) {
	l := &lexer{text: text, env: env}
	for l.at < len(l.text) {
		if !l.next() {
			return nil, false
		}
	}
	l.close()
	return l.out, !l.redirecting
}

func (l *lexer) close() {
	if l.open {
		l.out = append(l.out, word{text: l.cur.String(), redirect: l.redirecting})
		l.redirecting = false
	}
	l.cur.Reset()
	l.open = false
}

func (l *lexer) operator(text string) {
	l.close()
	l.out = append(l.out, word{text: text, operator: true})
	l.at += len(text)
}

func (l *lexer) put(text string) {
	l.cur.WriteString(text)
	l.open = true
}

func (l *lexer) next() bool {
	rest := l.text[l.at:]
	switch ch := rest[0]; {
	case ch == ' ' || ch == '\t' || ch == '\r':
		l.close()
		l.at++
	case ch == ';':
		l.operator(";")
	case ch == '\n':
		l.operator("\n")
	case strings.HasPrefix(rest, "&&"):
		l.operator("&&")
	case strings.HasPrefix(rest, "||"):
		l.operator("||")
	case ch == '#' && !l.open:
		l.comment(rest)
	case ch == '>':
		return l.redirect(rest)
	case strings.IndexByte("|&()<{}`*", ch) >= 0:
		return false
	case ch == '\'':
		return l.single(rest)
	case ch == '"':
		return l.double()
	case ch == '$':
		return l.dollar()
	case ch == '\\' && len(rest) > 1:
		l.put(rest[1:2])
		l.at += 2
	default:
		l.put(rest[:1])
		l.at++
	}
	return true
}

func (l *lexer) comment(rest string) {
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		l.at += i
	} else {
		l.at = len(l.text)
	}
}

// redirect drops >&2 and 2>&1, and takes > and >> with a file.
func (l *lexer) redirect(rest string) bool {
	if fd := l.cur.String(); fd == "1" || fd == "2" {
		l.cur.Reset()
		l.open = false
	}
	l.close()
	if strings.HasPrefix(rest, ">&") {
		if len(rest) < 3 || rest[2] != '1' && rest[2] != '2' {
			return false
		}
		l.at += 3
		return true
	}
	l.at += len(rest) - len(strings.TrimLeft(rest, ">"))
	l.redirecting = true
	return true
}

func (l *lexer) single(rest string) bool {
	end := strings.IndexByte(rest[1:], '\'')
	if end < 0 {
		return false
	}
	l.put(rest[1 : 1+end])
	l.at += end + 2
	return true
}

func (l *lexer) double() bool {
	l.put("")
	for l.at++; l.at < len(l.text); {
		switch ch := l.text[l.at]; {
		case ch == '"':
			l.at++
			return true
		case ch == '`':
			return false
		case ch == '$':
			if !l.dollar() {
				return false
			}
		case ch == '\\' && l.at+1 < len(l.text) && strings.IndexByte("\"\\$`", l.text[l.at+1]) >= 0:
			l.put(l.text[l.at+1 : l.at+2])
			l.at += 2
		default:
			l.put(l.text[l.at : l.at+1])
			l.at++
		}
	}
	return false
}

// dollar puts the value of a variable, or the mark of $(date).
func (l *lexer) dollar() bool {
	rest := l.text[l.at+1:]
	switch {
	case strings.HasPrefix(rest, "(date)"):
		l.put(dateMark)
		l.at += len("$(date)")
		return true
	case strings.HasPrefix(rest, "("):
		return false
	case strings.HasPrefix(rest, "{"):
		end := strings.IndexByte(rest, '}')
		if end < 0 || !isEnvKey(rest[1:end]) {
			return false
		}
		l.put(l.env[rest[1:end]])
		l.at += end + 2
		return true
	}
	n := 0
	for n < len(rest) && isEnvKey(rest[:n+1]) {
		n++
	}
	if n == 0 {
		l.put("$")
	} else {
		l.put(l.env[rest[:n]])
	}
	l.at += n + 1
	return true
}
