package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
)

// nodeIP is the node's address. It is not a loopback address, which the API
// server refuses to reach a node under, though it lies on the loopback interface.
const nodeIP = "10.200.0.1"

// isolatedEnv tells the test binary that it already runs in its own namespace.
const isolatedEnv = "ECI_E2E_ISOLATED"

// isolate runs the tests in a network namespace of their own: the first time it
// starts this binary again, there, and returns its exit status. In the
// namespace it returns false.
func isolate() (exitCode int, isolated bool, err error) {
	if os.Getenv(isolatedEnv) != "" {
		return 0, false, bringUpNetwork()
	}
	// The kernel kills the second binary when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = runIsolated(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET})
	if errors.Is(err, syscall.EPERM) {
		err = runIsolated(&syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		})
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), true, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("the tests need a network namespace of their own; run them as root, or allow "+
			"user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns): %w", err)
	}
	return 0, true, nil
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

// bringUpNetwork gives the empty namespace a loopback interface with two addresses.
func bringUpNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("bring the loopback interface up: %w", err)
	}
	address, err := netlink.ParseAddr(nodeIP + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(loopback, address); err != nil {
		return fmt.Errorf("give the loopback interface the address %s: %w", nodeIP, err)
	}
	return nil
}

// diesWithUs ties a child to the life of the tests.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// isZombie reports whether a process has ended and only its parent does not
// know yet.
func isZombie(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && bytes.Contains(status, []byte("\nState:\tZ"))
}
