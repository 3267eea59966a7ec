package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"mvdan.cc/sh/v3/interp"
)

// errInterrupt is Ctrl-C.
var errInterrupt = errors.New("interrupt")

const (
	ctrlC     = 3
	ctrlD     = 4
	backspace = 8
	del       = 127
)

// attachTerminal puts the line discipline of a terminal between the client and
// the command: what is typed is echoed and arrives in lines, line feeds become
// CR LF, Ctrl-D ends stdin, Ctrl-C the command.
func (s *session) attachTerminal(interrupt context.CancelCauseFunc) {
	out := &cooked{w: s.Stdout}
	s.Stdin = &typed{keys: s.Stdin, echo: out, interrupt: func() { interrupt(errInterrupt) }}
	s.Stdout, s.Stderr = out, out
}

// cooked turns LF into CR LF.
type cooked struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *cooked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// typed gives whole lines of what is typed.
type typed struct {
	keys      io.Reader
	echo      io.Writer
	interrupt func()

	line  []byte
	ready []byte
	ended bool
}

func (t *typed) Read(p []byte) (int, error) {
	for len(t.ready) == 0 && !t.ended {
		keys := make([]byte, 1024)
		n, err := t.keys.Read(keys)
		for _, key := range keys[:n] {
			t.press(key)
		}
		t.ended = t.ended || err != nil
	}
	if len(t.ready) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n, nil
}

func (t *typed) press(key byte) {
	switch key {
	case ctrlC:
		fmt.Fprint(t.echo, "^C\n")
		t.ended = true
		t.interrupt()
	case ctrlD:
		t.ended = t.ended || len(t.line) == 0
		t.ready, t.line = append(t.ready, t.line...), nil
	case backspace, del:
		if len(t.line) > 0 {
			t.line = t.line[:len(t.line)-1]
			fmt.Fprint(t.echo, "\b \b")
		}
	case '\r', '\n':
		fmt.Fprint(t.echo, "\n")
		t.ready, t.line = append(append(t.ready, t.line...), '\n'), nil
	default:
		t.line = append(t.line, key)
		_, _ = t.echo.Write([]byte{key})
	}
}

func tty(s *session, _ context.Context, hc interp.HandlerContext, _ []string) error {
	if !s.TTY {
		fmt.Fprintln(hc.Stdout, "not a tty")
		return interp.ExitStatus(1)
	}
	_, err := fmt.Fprintln(hc.Stdout, "/dev/pts/0")
	return err
}

// stty knows "size" and "rows N cols N".
func stty(s *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	if !s.TTY {
		return errors.New("standard input: Not a tty")
	}
	if len(args) == 1 && args[0] == "size" {
		size := s.terminalSize()
		_, err := fmt.Fprintf(hc.Stdout, "%d %d\n", size.Rows, size.Cols)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i+1 < len(args); i += 2 {
		n, err := strconv.ParseUint(args[i+1], 10, 16)
		switch {
		case err == nil && args[i] == "rows":
			s.size.Rows = uint16(n)
		case err == nil && args[i] == "cols":
			s.size.Cols = uint16(n)
		default:
			return fmt.Errorf("invalid argument %q", args[i])
		}
	}
	return nil
}
