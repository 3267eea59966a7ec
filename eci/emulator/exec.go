package emulator

import (
	"context"
	"io"
	"sync"
)

// Executor is a Process in which further commands can be run.
type Executor interface {
	// Exec runs a command beside the container's own and returns its exit code.
	// It is called without the lock of the emulator, from any goroutine, and
	// blocks; when ctx ends it kills the command and returns. An error is a
	// command that could not be started, or that of ctx. Stdin is not read after
	// it has returned, but for a read that is on its way.
	Exec(ctx context.Context, cmd Command) (code int32, err error)
}

// Command is one command for an Executor.
type Command struct {
	Argv []string
	// Stdin is at its end when the client sends none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY wants a terminal; Stderr is then Stdout.
	TTY bool
	// Resize tells the size of the terminal; nil without one.
	Resize <-chan TerminalSize
}

// TerminalSize is in characters.
type TerminalSize struct{ Cols, Rows uint16 }

// execution is a command at work. Its ctx ends with the container's run, with
// the emulator, or when it is cancelled.
type execution struct {
	executor Executor
	ctx      context.Context
	cancel   context.CancelFunc
	// buried is done when the container has ended.
	buried context.Context
	end    func()
}

// execute starts the book-keeping of a command; the caller holds the lock, and
// calls end when the command has ended.
func (e *Emulator) execute(c *container) *execution {
	ctx, cancel := context.WithCancel(c.alive)
	e.executions.Add(1)
	return &execution{
		executor: c.process.(Executor), ctx: ctx, cancel: cancel, buried: c.alive,
		end: sync.OnceFunc(func() { cancel(); e.executions.Done() }),
	}
}

// sharedWriter lets stdout and stderr write to one place.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// onDone calls f when ctx ends, unless it is stopped before.
func onDone(ctx context.Context, f func()) (stop func()) {
	if ctx == nil {
		return func() {}
	}
	end := context.AfterFunc(ctx, f)
	return func() { end() }
}
