package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

func TestAPIDFileIsHeldByOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.pid")
	held, err := process.Hold(path)
	if err != nil {
		t.Fatal(err)
	}

	var busy *process.HeldError
	if _, err := process.Hold(path); !errors.As(err, &busy) || busy.PID != os.Getpid() {
		t.Errorf("a second holder got %v, want a HeldError with our pid", err)
	}
	if pid, err := process.Holder(path); pid != os.Getpid() || err != nil {
		t.Errorf("holder = %d, %v; want our pid", pid, err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if pid, err := process.Holder(path); pid != 0 || err != nil {
		t.Errorf("holder after release = %d, %v; want none", pid, err)
	}
}

func TestAPIDFileOfAKilledRunIsNotHeld(t *testing.T) {
	path := writeFile(t, "sandbox.pid", fmt.Sprintln(os.Getpid()))

	if pid, err := process.Holder(path); pid != 0 || err != nil {
		t.Errorf("holder = %d, %v; want none: nobody has locked the file", pid, err)
	}
}

func TestAChildIsStartedAgainWhenItDies(t *testing.T) {
	spec := shell(t, "exec sleep 60")
	child := mustSupervise(t, spec)
	first := awaitPID(t, spec.PIDFile, 0)

	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-child.Died(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("died = %v, want the signal", err)
	}
	awaitPID(t, spec.PIDFile, first)
}

func TestStopEndsTheChildAndLeavesNoPIDFile(t *testing.T) {
	spec := shell(t, "exec sleep 60")
	child := mustSupervise(t, spec)
	pid := awaitPID(t, spec.PIDFile, 0)

	child.Stop()
	if alive(pid) {
		t.Error("the child lives after Stop")
	}
	if _, err := os.Stat(spec.PIDFile); !os.IsNotExist(err) {
		t.Errorf("pid file after Stop: %v, want none", err)
	}
}

func TestTheOutputOfEveryRunIsKept(t *testing.T) {
	spec := shell(t, "echo out; echo err >&2; exit 3")
	child := mustSupervise(t, spec)

	if err := <-child.Died(); err == nil || err.Error() != "exit status 3" {
		t.Errorf("died = %v, want exit status 3", err)
	}
	eventually(t, "two runs in the log", func() bool {
		log, _ := os.ReadFile(spec.LogFile)
		return strings.Count(string(log), "out\nerr\n") >= 2
	})
}

func TestALeftoverIsEndedOnlyWhenItRunsTheProgram(t *testing.T) {
	program, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	sleeper := exec.Command(program, "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan error, 1)
	go func() { reaped <- sleeper.Wait() }()
	content := fmt.Sprintln(sleeper.Process.Pid)

	stranger := writeFile(t, "other.pid", content)
	if ended, err := process.EndLeftover(t.Context(), stranger, "/bin/another-program"); ended != 0 || err != nil {
		t.Errorf("ended %d, %v; want nothing: the process runs another program", ended, err)
	}
	if !alive(sleeper.Process.Pid) {
		t.Fatal("a process that is not ours was ended")
	}
	if ended, err := process.EndLeftover(t.Context(), writeFile(t, "sleep.pid", content), program); ended != sleeper.Process.Pid || err != nil {
		t.Errorf("ended %d, %v; want %d", ended, err, sleeper.Process.Pid)
	}
	<-reaped
}

func TestAPIDFileWithoutAProcessIsJustRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.pid")
	if ended, err := process.EndLeftover(context.Background(), path, "/bin/sleep"); ended != 0 || err != nil {
		t.Errorf("ended %d, %v; want nothing", ended, err)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func shell(t *testing.T, script string) process.Spec {
	dir := t.TempDir()
	return process.Spec{
		Name: "test", Path: "/bin/sh", Args: []string{"-c", script},
		LogFile: filepath.Join(dir, "log"), PIDFile: filepath.Join(dir, "pid"),
	}
}

func mustSupervise(t *testing.T, spec process.Spec) *process.Child {
	t.Helper()
	child := process.Supervise(spec, t.Logf)
	t.Cleanup(child.Stop)
	return child
}

func awaitPID(t *testing.T, path string, not int) (pid int) {
	t.Helper()
	eventually(t, "a pid in "+path, func() bool {
		pid, _ = process.ReadPID(path)
		return pid != 0 && pid != not
	})
	return pid
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); !condition(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still no %s after 10 s", what)
		}
	}
}
