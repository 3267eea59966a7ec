package provider

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// script runs a command for us where the API falls short. It is one line of
// POSIX shell, so that it can be read from stdin too. It prints
//
//	MARK:+PID; before the command, with the process of the shell
//	MARK:CODE; after it
//	MARK:-     instead, when the image cannot give stdin an end
//
// The command is run by exec in a subshell: a builtin of the shell is not what
// was asked for.
type script struct {
	argv       []string
	mark       string
	tty        bool
	blocks     bool
	cols, rows uint16
}

// text is the script; without stdin the command gets an empty one.
func (s script) text(stdin bool) string {
	var out strings.Builder
	// The mark is put together by the shell: one that repeats the script in an
	// error message does not print it.
	fmt.Fprintf(&out, `m=%s:;`, s.mark)
	if strings.Contains(strings.Join(s.argv, ""), "\n") {
		out.WriteString(`n=$(printf '\nx');n=${n%x};`)
	}
	out.WriteString("set --")
	for _, arg := range s.argv {
		out.WriteString(" " + quote(arg))
	}
	out.WriteString(";")
	run := `(exec "$@")`
	if !stdin {
		run = `(exec "$@" </dev/null)`
	}
	const end = `;printf "$m%d;" $?`
	switch {
	case s.blocks:
		out.WriteString(blocksProbe + `printf "$m+$$;";` + blocksFeed + `{ ` + run + end + `;}`)
	case s.tty:
		// Ctrl-C is for the command; who traps it passes no such habit on.
		out.WriteString(`trap : INT QUIT 2>/dev/null;` + s.setSize() + `printf "$m+$$;";(exec "$@")` + end)
	default:
		out.WriteString(`printf "$m+$$;";` + run + end)
	}
	return out.String()
}

const (
	// blocksProbe sees whether dd can read a block in full.
	blocksProbe = `[ "$(printf ab|dd bs=2 count=1 iflag=fullblock 2>/dev/null)" = ab ]||{ printf "$m-";exit 1;};`
	// blocksFeed turns blocks into a stdin with an end. read takes byte for byte,
	// dd what it is told, and what a dead command leaves stops the loop.
	blocksFeed = `while read -r k&&[ "$k" -gt 0 ];do dd bs="$k" count=1 iflag=fullblock 2>/dev/null||exit;done|`
)

func (s script) setSize() string {
	if s.cols == 0 {
		return ""
	}
	return fmt.Sprintf("stty rows %d cols %d 2>/dev/null;", s.rows, s.cols)
}

// quote makes one word for the shell, on one line and in valid UTF-8, as the API
// takes JSON: a line feed is $n, and a byte that is no text is printed.
func quote(arg string) string {
	var out strings.Builder
	out.WriteByte('\'')
	for i := 0; i < len(arg); {
		r, size := utf8.DecodeRuneInString(arg[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `'"$(printf '\%03o')"'`, arg[i])
		case r == '\'':
			out.WriteString(`'\''`)
		case r == '\n':
			out.WriteString(`'"$n"'`)
		default:
			out.WriteString(arg[i : i+size])
		}
		i += size
	}
	out.WriteByte('\'')
	return out.String()
}
