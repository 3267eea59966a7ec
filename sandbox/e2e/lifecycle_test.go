package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// otherPorts are those of a second sandbox beside the shared one.
func otherPorts() []string {
	return []string{"--apiserver-port=26443", "--etcd-port=22379", "--emulator-port=28080", "--kubelet-port=20250"}
}

func TestCtrlCLeavesNothingRunningAndASecondStartWorks(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		s, err := startSandbox(dir, otherPorts()...)
		if err != nil {
			t.Fatal(err)
		}
		pids := []int{s.pid(t, "sandbox"), s.pid(t, "emulator"), s.pid(t, "eci-vnode")}
		if err := s.stop(); err != nil {
			t.Errorf("eci-sandbox ended with %v after Ctrl-C:\n%s", err, s.said)
		}
		mustBeGone(t, pids)
		for _, name := range []string{"kubeconfig", "emulator.env", "state", "sandbox.pid"} {
			if _, err := os.Stat(s.path(name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left: %v", name, err)
			}
		}
	}
}

func TestKillingTheSandboxLeavesNothingRunningAndTheNextStartCleansUp(t *testing.T) {
	dir := t.TempDir()
	killed, err := startSandbox(dir, otherPorts()...)
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{killed.pid(t, "sandbox"), killed.pid(t, "emulator"), killed.pid(t, "eci-vnode")}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-killed.ended

	next, err := startSandbox(dir, otherPorts()...)
	if err != nil {
		t.Fatal(err)
	}
	mustBeGone(t, pids)
	if !strings.Contains(next.said.String(), "Removing the state of a sandbox that was killed") {
		t.Errorf("the next start does not say that it cleaned up:\n%s", next.said)
	}
	if err := next.stop(); err != nil {
		t.Error(err)
	}
}

func TestASecondSandboxInTheSameDirectoryIsRefused(t *testing.T) {
	output := mustFail(t, upCommand(shared.dir))
	for _, want := range []string{"already runs", "make sandbox-down"} {
		if !strings.Contains(output, want) {
			t.Errorf("the refusal lacks %q:\n%s", want, output)
		}
	}
	if mustKubectl(t, shared, "get", "--raw", "/readyz") != "ok" {
		t.Error("the refused start disturbed the running sandbox")
	}
}

func TestAPortInUseIsNamedWithTheFlagThatChangesIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:26443")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	output := mustFail(t, upCommand(t.TempDir(), otherPorts()...))
	for _, want := range []string{"port 26443", "kube-apiserver", "--apiserver-port"} {
		if !strings.Contains(output, want) {
			t.Errorf("the refusal lacks %q:\n%s", want, output)
		}
	}
}

func TestASandboxInTheBackgroundIsStoppedByDown(t *testing.T) {
	dir := t.TempDir()
	eciSandbox := func(args ...string) (string, error) {
		output, err := exec.Command(program("eci-sandbox"), append(args, "--dir="+dir)...).CombinedOutput()
		return string(output), err
	}
	t.Cleanup(func() {
		if output, err := eciSandbox("down"); err != nil {
			t.Errorf("a second down: %v\n%s", err, output)
		}
	})

	if output, err := upCommand(dir, append(otherPorts(), "--detach")...).CombinedOutput(); err != nil || !strings.Contains(string(output), readyLine) {
		t.Fatalf("up --detach: %v\n%s", err, output)
	}
	if output, err := eciSandbox("status"); err != nil {
		t.Errorf("status of a running sandbox: %v\n%s", err, output)
	}
	running := &sandbox{dir: dir}
	pids := []int{running.pid(t, "sandbox"), running.pid(t, "emulator"), running.pid(t, "eci-vnode")}
	if output, err := eciSandbox("down"); err != nil {
		t.Errorf("down: %v\n%s", err, output)
	}
	mustBeGone(t, pids)
	if output, err := eciSandbox("status"); err == nil {
		t.Errorf("status after down succeeds:\n%s", output)
	}
}

// mustFail runs a command that must fail, and returns what it printed.
func mustFail(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	output, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Fatalf("%v succeeded (%v):\n%s", cmd.Args, err, output)
	}
	return string(output)
}

// mustBeGone checks processes that nobody of ours waits for: a zombie is gone, and
// the kernel takes a moment to make one of a process that has given up its files.
func mustBeGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("the end of process %d", pid), func() string {
			if err := syscall.Kill(pid, 0); err == nil && !isZombie(pid) {
				return "it still runs"
			}
			return ""
		})
	}
}
