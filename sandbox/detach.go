package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// Ready is what a sandbox in the background writes to its parent's pipe, file
// descriptor ReadyFD, when it can be used.
const (
	Ready   = "ready\n"
	ReadyFD = 3
)

// Detach starts `eci-sandbox up` with the arguments in a session of its own,
// copies what it says to out until it is ready, and leaves it running. When it
// fails, or the context ends first, nothing is left.
func Detach(ctx context.Context, config Config, args []string, out io.Writer) error {
	config, err := config.Complete()
	if err != nil {
		return err
	}
	files := layout{config.Dir, config.BinDir}
	if pid, err := process.Holder(files.pidFile(sandboxName)); err != nil || pid != 0 {
		return errors.Join(err, alreadyRunning(files, pid))
	}
	if err := os.MkdirAll(files.logs(), 0o755); err != nil {
		return err
	}
	log, err := os.Create(files.logFile(sandboxName))
	if err != nil {
		return err
	}
	defer log.Close()
	background, err := startBackground(args, log)
	if err != nil {
		return err
	}
	return background.follow(ctx, log.Name(), out)
}

// background is a sandbox in another process.
type background struct {
	cmd   *exec.Cmd
	ready chan bool // whether it became ready; false when it ended first
}

func startBackground(args []string, log *os.File) (*background, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	news, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b := &background{cmd: exec.Command(self, args...), ready: make(chan bool, 1)}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.ExtraFiles = []*os.File{tell} // becomes ReadyFD
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = b.cmd.Start()
	tell.Close()
	if err != nil {
		return nil, errors.Join(err, news.Close())
	}
	go func() {
		defer news.Close()
		said, _ := io.ReadAll(io.LimitReader(news, int64(len(Ready))))
		b.ready <- string(said) == Ready
	}()
	return b, nil
}

func (b *background) follow(ctx context.Context, logFile string, out io.Writer) error {
	log, err := os.Open(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	tick := time.NewTicker(awaitPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := io.Copy(out, log); err != nil {
				return err
			}
		case ready := <-b.ready:
			_, err := io.Copy(out, log)
			if !ready {
				return fmt.Errorf("the sandbox ended before it was ready: %w", errors.Join(b.cmd.Wait(), err))
			}
			return errors.Join(err, b.cmd.Process.Release())
		case <-ctx.Done():
			return errors.Join(errors.New("stopped before the sandbox was ready"), b.cmd.Process.Signal(syscall.SIGTERM), ended(b.cmd.Wait()))
		}
	}
}

// ended drops the exit status of a process that we have ended ourselves.
func ended(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}
