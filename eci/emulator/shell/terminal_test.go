package shell_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci/emulator/shell"
)

func blocked() (io.Reader, io.Closer) {
	r, w := io.Pipe()
	return r, w
}

func TestATerminalEchoesAndCooksLines(t *testing.T) {
	var out bytes.Buffer
	keys := strings.NewReader("echx\x7fo hi\rexit 5\r")
	code, err := shell.Run(t.Context(), host(), []string{"sh"}, shell.Streams{Stdin: keys, Stdout: &out, TTY: true})
	if err != nil || code != 5 {
		t.Errorf("code %d, error %v", code, err)
	}
	// What is typed ahead is echoed at once, and the prompt may come at any place of it.
	if got := strings.ReplaceAll(out.String(), "/ # ", ""); !strings.Contains(got, "x\b \b") || strings.Count(got, "hi\r\n") != 2 {
		t.Errorf("the screen shows %q", out.String())
	}
}

func TestControlCharactersEndStdinAndCommand(t *testing.T) {
	for keys, want := range map[string]int{"a line\r\x04": 0, "\x03": 130} {
		silent, write := blocked()
		var out bytes.Buffer
		code, err := shell.Run(t.Context(), host(), []string{"cat"}, shell.Streams{
			Stdin: io.MultiReader(strings.NewReader(keys), silent), Stdout: &out, TTY: true,
		})
		if err != nil || code != want {
			t.Errorf("%q: code %d, error %v, screen %q", keys, code, err, out.String())
		}
		write.Close()
	}
}

func TestTheSizeOfTheTerminalCanBeAsked(t *testing.T) {
	sizes := make(chan shell.Size)
	out, in := io.Pipe()
	go func() {
		sizes <- shell.Size{Cols: 120, Rows: 40}
		sizes <- shell.Size{Cols: 120, Rows: 40} // taken only when the first is kept
		in.Write([]byte("stty size\rexit\r"))
	}()
	var screen bytes.Buffer
	code, err := shell.Run(t.Context(), host(), []string{"sh"}, shell.Streams{Stdin: out, Stdout: &screen, TTY: true, Resize: sizes})
	// What is typed ahead is echoed before or after the prompt.
	if err != nil || code != 0 || !strings.Contains(screen.String(), "40 120\r\n") {
		t.Errorf("code %d, error %v, screen %q", code, err, screen.String())
	}
}
