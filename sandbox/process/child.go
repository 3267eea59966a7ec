package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	// killAfter is how long a program may take to stop when asked to.
	killAfter = 5 * time.Second
	// restartAfter is the pause before a dead child is started again, about
	// that of a kubelet for the first restart of a container.
	restartAfter = time.Second
)

// Spec describes a program to keep running.
type Spec struct {
	Name    string   // for people
	Path    string   // absolute: it identifies the process later
	Args    []string // without the program itself
	Env     []string // all of it, NAME=value; nothing is inherited
	LogFile string   // gets both outputs, appended
	PIDFile string   // names the process while it lives
}

// Child keeps one program running until it is stopped.
type Child struct {
	spec   Spec
	report func(format string, args ...any)
	cancel context.CancelFunc
	died   chan error    // the first time it ended by itself
	done   chan struct{} // closed when it runs no more
}

// Supervise starts the program, and starts it again whenever it ends by
// itself, as a Deployment would. Every end is reported. The caller stops it.
func Supervise(spec Spec, report func(format string, args ...any)) *Child {
	ctx, cancel := context.WithCancel(context.Background())
	child := &Child{
		spec: spec, report: report, cancel: cancel,
		died: make(chan error, 1), done: make(chan struct{}),
	}
	go child.keepRunning(ctx)
	return child
}

// Died delivers why the program ended by itself, the first time it does.
func (c *Child) Died() <-chan error { return c.died }

// Stop asks the program to end, kills it after killAfter, and returns when it
// is gone.
func (c *Child) Stop() {
	c.cancel()
	<-c.done
}

func (c *Child) keepRunning(ctx context.Context) {
	// The kernel ties a child's life to the thread that started it, and the Go
	// runtime ends threads that it does not need.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	for {
		err := c.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case c.died <- err:
		default:
		}
		c.report("%s ended (%v), starting it again in %s; its log: %s", c.spec.Name, err, restartAfter, c.spec.LogFile)
		select {
		case <-time.After(restartAfter):
		case <-ctx.Done():
			return
		}
	}
}

func (c *Child) runOnce(ctx context.Context) error {
	log, err := os.OpenFile(c.spec.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()

	cmd := exec.CommandContext(ctx, c.spec.Path, c.spec.Args...)
	cmd.Env = c.spec.Env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	if err := cmd.Start(); err != nil {
		return err
	}
	defer os.Remove(c.spec.PIDFile)
	if err := writePID(c.spec.PIDFile, cmd.Process.Pid); err != nil {
		c.report("the process id of %s could not be saved: %v", c.spec.Name, err)
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	return fmt.Errorf("exit status 0")
}
