package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	if err := end(ctx, pid, pidFile); err != nil {
		return fmt.Errorf("stop the sandbox: %w", err)
	}
	if err := sweep(ctx, files, report); err != nil {
		return err
	}
	report.sayf("The sandbox has stopped, nothing is left running")
	return nil
}

// end returns when the process that holds a pid file has ended, and not when it
// has removed the file: that is the last thing but one that it does.
func end(ctx context.Context, pid int, pidFile string) error {
	file, err := os.Open(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has ended meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return process.End(ctx, pid, downPatience, func() bool {
		held, err := process.IsHeld(file)
		now, _ := process.ReadPID(pidFile) // 0 when it is removed
		return err == nil && held && (now == pid || now == 0)
	})
}
