package sandbox

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// downPatience is how long a sandbox may take to stop its children, each of
// which may take 5 s before it is killed.
const downPatience = 15 * time.Second

// Down stops the sandbox of a directory and returns when nothing of it runs.
// Without a sandbox it only cleans up.
func Down(ctx context.Context, config Config, out io.Writer) error {
	config, err := config.Complete()
	if err != nil {
		return err
	}
	files, report := layout{config.Dir, config.BinDir}, newReporter(out)
	pidFile := files.pidFile(sandboxName)
	pid, err := process.Holder(pidFile)
	if err != nil {
		return err
	}
	if pid == 0 {
		report.sayf("No sandbox runs in %s", files.dir)
		return sweep(ctx, files, report)
	}
	report.sayf("Stopping the sandbox (process %d)", pid)
	err = process.End(ctx, pid, downPatience, func() bool {
		holder, err := process.Holder(pidFile)
		return holder == pid && err == nil
	})
	if err != nil {
		return fmt.Errorf("stop the sandbox: %w", err)
	}
	if err := sweep(ctx, files, report); err != nil {
		return err
	}
	report.sayf("The sandbox has stopped, nothing is left running")
	return nil
}
