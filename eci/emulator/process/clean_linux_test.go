package process_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

// victimEnv names the test that a second test binary runs until it is killed.
const victimEnv = "ECI_PROCESS_TEST_VICTIM"

func TestCleanRemovesWhatAKilledRuntimeLeft(t *testing.T) {
	if dir := os.Getenv(victimEnv); dir != "" {
		live(t, dir)
		return
	}
	dir := t.TempDir()
	victim := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	victim.Env = append(os.Environ(), victimEnv+"="+dir)
	victim.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() && !strings.Contains(lines.Text(), readyMark) {
		t.Log(lines.Text())
	}
	if err := process.Clean(dir); err == nil {
		t.Error("the directory of a runtime that lives is cleaned")
	}
	if left := bridges(t); len(left) != 1 {
		t.Fatalf("bridges before the end: %v, want one", left)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	if err := process.Clean(dir); err != nil {
		t.Error(err)
	}
	if left := bridges(t); len(left) > 0 {
		t.Errorf("bridges are left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "groups", "*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	if err := process.Clean(filepath.Join(dir, "absent")); err != nil {
		t.Errorf("a directory that was never used: %v", err)
	}
}

// readyMark is what the victim prints when its container runs.
const readyMark = "VICTIM IS READY"

func live(t *testing.T, dir string) {
	c := mustCloud(t, func(config *process.Config) { config.Dir = dir })
	c.mustSleep(t)
	os.Stdout.WriteString(readyMark + "\n")
	<-t.Context().Done() // never: it is killed
}

func bridges(t *testing.T) []string {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, link := range links {
		if link.Type() == "bridge" {
			names = append(names, link.Attrs().Name)
		}
	}
	return names
}
