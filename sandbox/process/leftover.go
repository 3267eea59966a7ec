package process

import (
	"context"
	"errors"
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
	ended := 0
	if pid != 0 && runs(pid, program) {
		if err := End(ctx, pid); err != nil {
			return 0, err
		}
		ended = pid
	}
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ended, err
	}
	return ended, nil
}

// End asks a process that is not our child to stop, kills it after killAfter,
// and returns when it is gone.
func End(ctx context.Context, pid int) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, signal); errors.Is(err, syscall.ESRCH) {
			return nil
		} else if err != nil {
			return os.NewSyscallError("kill", err)
		}
		gone, err := awaitExit(ctx, pid, killAfter)
		if gone || err != nil {
			return err
		}
	}
	return errors.New("a killed process does not end")
}

func awaitExit(ctx context.Context, pid int, patience time.Duration) (bool, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	tick := time.NewTicker(exitPoll)
	defer tick.Stop()
	for {
		if !Alive(pid) {
			return true, nil
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// Alive reports whether a process exists, whoever owns it.
func Alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// runs reports whether the process was started as the program, an absolute path.
func runs(pid int, program string) bool {
	command, err := commandOf(pid)
	return err == nil && command == program
}
