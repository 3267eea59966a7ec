package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// claim makes the directory ours: no other sandbox runs in it, and nothing of
// an earlier one is left.
func claim(ctx context.Context, files layout, report *reporter) (*process.PIDFile, error) {
	if err := os.MkdirAll(files.logs(), 0o755); err != nil {
		return nil, err
	}
	held, err := process.Hold(files.pidFile(sandboxName))
	if busy := (*process.HeldError)(nil); errors.As(err, &busy) {
		return nil, alreadyRunning(files, busy.PID)
	}
	if err != nil {
		return nil, err
	}
	if err := sweep(ctx, files, report); err != nil {
		return nil, errors.Join(err, held.Release())
	}
	for _, name := range []string{controlPlaneName, apiServerName, metricsServerName, emulatorName, vnodeName} {
		if err := os.RemoveAll(files.logFile(name)); err != nil {
			return nil, errors.Join(err, held.Release())
		}
	}
	return held, nil
}

func alreadyRunning(files layout, pid int) error {
	return fmt.Errorf("a sandbox already runs in %s (process %d); stop it with `make sandbox-down` or `eci-sandbox down --dir %s`",
		files.dir, pid, files.dir)
}

// sweep ends the processes and removes what a killed sandbox left.
func sweep(ctx context.Context, files layout, report *reporter) error {
	for name, program := range files.children() {
		pid, err := process.EndLeftover(ctx, files.pidFile(name), program)
		if err != nil {
			return fmt.Errorf("end the %s of an earlier sandbox: %w", name, err)
		}
		if pid != 0 {
			report.sayf("Ended %s (process %d), left by a sandbox that was killed", name, pid)
		}
	}
	if _, err := os.Stat(files.state()); err == nil {
		report.sayf("Removing the state of a sandbox that was killed: %s", files.state())
	}
	return errors.Join(cleanContainers(ctx, files), removeVolatile(files))
}

func removeVolatile(files layout) error {
	var errs []error
	for _, path := range files.volatile() {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
