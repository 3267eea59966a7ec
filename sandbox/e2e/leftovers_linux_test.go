package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// checkNothingIsLeft kills the sandbox and its emulator, and looks for their
// traces after down.
func checkNothingIsLeft(t *testing.T, s *sandbox) {
	containers, groups := containersOf(t, s.pid(t, "emulator"))
	if len(containers) == 0 || len(interfaces(t)) == 0 {
		t.Fatalf("nothing runs that could be left: processes %v, interfaces %v", containers, interfaces(t))
	}
	for _, name := range []string{"emulator", "sandbox"} {
		if err := syscall.Kill(s.pid(t, name), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	<-s.ended
	ctx, cancel := context.WithTimeout(t.Context(), downTime)
	defer cancel()
	if output, err := exec.CommandContext(ctx, program("eci-sandbox"), "down", "--dir="+s.dir).CombinedOutput(); err != nil {
		t.Fatalf("eci-sandbox down: %v\n%s", err, output)
	}
	eventually(t, "the end of all containers", func() string {
		for _, pid := range containers {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil && !isZombie(pid) {
				return fmt.Sprintf("process %d lives", pid)
			}
		}
		return ""
	})
	eventually(t, "the end of all interfaces", func() string { return strings.Join(interfaces(t), " ") })
	for _, dir := range groups {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("the cgroup %s is left", dir)
		}
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), s.dir) {
		t.Errorf("there is a mount in %s (%v)", s.dir, err)
	}
	if left, _ := filepath.Glob(s.path("containers", "groups", "*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// containersOf lists the children of the emulator, and the cgroups of all
// containers.
func containersOf(t *testing.T, emulator int) (pids []int, groups []string) {
	t.Helper()
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", emulator))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range children {
		content, _ := os.ReadFile(path) // a thread that has ended has none
		for field := range strings.FieldsSeq(string(content)) {
			var pid int
			if _, err := fmt.Sscan(field, &pid); err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
			groups = append(groups, cgroupsOf(pid)...)
		}
	}
	return pids, groups
}

// cgroupsOf are those that the emulator made for a process: none where the
// machine has none.
func cgroupsOf(pid int) []string {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)) // it may have ended
	var found []string
	for line := range strings.Lines(string(content)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || !strings.Contains(fields[2], "/eci-emulator-") {
			continue
		}
		for controller := range strings.SplitSeq(fields[1], ",") {
			found = append(found, filepath.Dir(filepath.Join("/sys/fs/cgroup", controller, fields[2])))
		}
	}
	return found
}

// interfaces lists those of this network namespace but the loopback one.
func interfaces(t *testing.T) []string {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, link := range links {
		if link.Attrs().Name != "lo" {
			names = append(names, link.Attrs().Name)
		}
	}
	return names
}
