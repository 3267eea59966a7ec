package process_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

// isolatedEnv tells the test binary that it already runs in its own namespace.
const isolatedEnv = "ECI_PROCESS_TEST_ISOLATED"

// TestMain runs the tests in a network namespace of their own, so that no
// bridge of theirs meets the machine's networks. Where there are no namespaces
// the tests fail: they are never skipped.
func TestMain(m *testing.M) {
	process.Reexec()
	if os.Getenv(isolatedEnv) != "" {
		if err := bringUpLoopback(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	// The kernel kills the second binary when the thread that started it ends.
	runtime.LockOSThread()
	err := runIsolated(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET})
	if errors.Is(err, syscall.EPERM) {
		err = runIsolated(&syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		})
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "the tests run real containers: run them as root, or allow user namespaces "+
			"(sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns):", err)
		os.Exit(1)
	}
}

func runIsolated(attributes *syscall.SysProcAttr) error {
	attributes.Pdeathsig = syscall.SIGKILL
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), isolatedEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes
	return cmd.Run()
}

func bringUpLoopback() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(loopback)
}
