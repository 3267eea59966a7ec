package sandbox

import (
	"errors"
	"fmt"
	"io"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// ErrNotRunning says that a directory has no running sandbox.
var ErrNotRunning = errors.New("no sandbox is running")

// Status tells what runs in a directory; ErrNotRunning when nothing does.
func Status(config Config, out io.Writer) error {
	config, err := config.Complete()
	if err != nil {
		return err
	}
	files := layout{config.Dir, config.BinDir}
	pid, err := process.Holder(files.pidFile(sandboxName))
	if err != nil {
		return err
	}
	if pid == 0 {
		return fmt.Errorf("%w in %s", ErrNotRunning, files.dir)
	}
	fmt.Fprintf(out, "%-14s running, process %d\n", sandboxName, pid)
	for _, name := range []string{emulatorName, vnodeName, metricsServerName} {
		state := "not running"
		if pid, err := process.ReadPID(files.pidFile(name)); err != nil {
			return err
		} else if pid != 0 {
			state = fmt.Sprintf("running, process %d", pid)
		}
		fmt.Fprintf(out, "%-14s %s\n", name, state)
	}
	fmt.Fprintf(out, "%-14s %s\n", "kubeconfig", files.kubeconfig())
	return nil
}
