package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// exitPoll is how often a process that is not our child is looked at: nothing
// tells us when it ends.
const exitPoll = 20 * time.Millisecond

// EndLeftover ends the process that a pid file names, if it still runs the
// given program, and removes the file. It returns the id of the process it
// ended, 0 for none.
func EndLeftover(ctx context.Context, pidFile, program string) (int, error) {
	pid, err := ReadPID(pidFile)
	if err != nil {
		return 0, err
	}
	runs := func() bool {
		command, err := commandOf(pid) // an ended process that nobody has reaped has none
		return err == nil && command == program
	}
	ended := 0
	if pid != 0 && runs() {
		if err := End(ctx, pid, killAfter, runs); err != nil {
			return 0, err
		}
		ended = pid
	}
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ended, err
	}
	return ended, nil
}

// End asks a process that is not our child to stop, kills it when it is still
// there after the patience, and returns when it is gone.
func End(ctx context.Context, pid int, patience time.Duration, there func() bool) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return os.NewSyscallError("kill", err)
		}
		gone, err := awaitGone(ctx, patience, there)
		if gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("process %d was killed and does not end", pid)
}

func awaitGone(ctx context.Context, patience time.Duration, there func() bool) (bool, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	tick := time.NewTicker(exitPoll)
	defer tick.Stop()
	for there() {
		select {
		case <-tick.C:
		case <-timeout.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return true, nil
}
