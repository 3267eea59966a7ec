package provider

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	utilexec "k8s.io/utils/exec"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// person is a client at a terminal.
type person struct {
	client
	sizes chan api.TermSize
}

func (*person) TTY() bool                     { return true }
func (p *person) Resize() <-chan api.TermSize { return p.sizes }

// at sits down at a shell of pod a, and returns what ends its session.
func (p *person) at(w *world, keys *io.PipeReader) <-chan error {
	p.in = keys
	done := make(chan error, 1)
	go func() { done <- w.RunInContainer(w.Context(), "default", "a", "", []string{"sh"}, p) }()
	return done
}

func TestATerminalHasTheSizeOfTheClientAndItsExitCode(t *testing.T) {
	for _, framing := range []string{emulator.ExecRaw, emulator.ExecV4, emulator.ExecV5} {
		w := newWorld(t, func(cfg *emulator.Config) { cfg.ExecFraming = framing })
		w.mustRun("a")
		keys, typing := io.Pipe()
		p := &person{sizes: make(chan api.TermSize, 2)}
		p.sizes <- api.TermSize{Width: 132, Height: 43}
		done := p.at(w, keys)
		// The size may come after the first keys, so that it is asked for until it is there.
		shows := func(size string) func() bool {
			return func() bool {
				typing.Write([]byte("stty size\r"))
				return strings.Contains(p.out.String(), size+"\r\n")
			}
		}
		w.eventually(framing+": the size", shows("43 132"))
		if framing != emulator.ExecRaw { // which has no message for it
			p.sizes <- api.TermSize{Width: 80, Height: 25}
			w.eventually(framing+": the new size", shows("25 80"))
		}
		typing.Write([]byte("exit 3\r"))
		var exit utilexec.CodeExitError
		if err := <-done; !errors.As(err, &exit) || exit.Code != 3 {
			t.Errorf("%s: %v\n%s", framing, err, p.out.String())
		}
		typing.Close()
	}
}

func TestSessionsAtTheSameTimeKeepApart(t *testing.T) {
	const sessions = 30
	for _, framing := range []string{emulator.ExecRaw, emulator.ExecV4, emulator.ExecV5} {
		w := newWorld(t, func(cfg *emulator.Config) { cfg.ExecFraming = framing })
		w.mustRun("a")
		w.mustRun("b")
		var running sync.WaitGroup
		for i := range sessions {
			running.Go(func() {
				data := strings.Repeat(string(rune('A'+i)), 50_000+i)
				c := &client{in: strings.NewReader(data)}
				err := w.RunInContainer(t.Context(), "default", []string{"a", "b"}[i%2], "", []string{"sh", "-c", "cat; exit $1", "sh", string(rune('1' + i%9))}, c)
				var exit utilexec.CodeExitError
				if !errors.As(err, &exit) || exit.Code != 1+i%9 || c.out.String() != data {
					t.Errorf("%s: session %d: %v, %d bytes of %d: %.20q", framing, i, err, len(c.out.String()), len(data), c.out.String())
				}
			})
		}
		running.Wait()
	}
}

func TestACommandEndsWhenItsClientLeaves(t *testing.T) {
	for _, framing := range []string{emulator.ExecRaw, emulator.ExecV4, emulator.ExecV5} {
		w := newWorld(t, func(cfg *emulator.Config) { cfg.ExecFraming = framing })
		w.mustRun("a")
		ctx, leave := context.WithCancel(t.Context())
		c, done := &client{}, make(chan error, 1)
		go func() {
			done <- w.RunInContainer(ctx, "default", "a", "", []string{"sh", "-c", "echo up; sleep 1000000"}, c)
		}()
		w.eventually(framing+": the command runs", func() bool { return c.out.String() == "up\n" })
		before := w.calls(eci.ActionExecContainerCommand)
		leave()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", framing, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it goes on", framing)
		}
		// Where a script runs the command, killing the former may leave the latter.
		want := map[bool]int{true: 1}[framing == emulator.ExecRaw]
		if got := w.calls(eci.ActionExecContainerCommand) - before; got != want {
			t.Errorf("%s: %d more commands were run, want %d", framing, got, want)
		}
	}
}

func TestTerminal_WithoutASizeAtFirstGetsOneLater(t *testing.T) {
	w := newWorld(t, func(cfg *emulator.Config) { cfg.ExecFraming = emulator.ExecV5 })
	w.mustRun("a")
	keys, typing := io.Pipe()
	p := &person{sizes: make(chan api.TermSize, 2)}
	p.sizes <- api.TermSize{}
	p.sizes <- api.TermSize{Width: 80, Height: 25}
	done := p.at(w, keys)
	w.eventually("the size", func() bool {
		typing.Write([]byte("stty size\r"))
		return strings.Contains(p.out.String(), "25 80\r\n")
	})
	typing.Write([]byte("exit\r"))
	if err := <-done; err != nil {
		t.Error(err)
	}
	typing.Close()
}
