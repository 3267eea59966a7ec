//go:build unix && !linux

package process

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes put a child into a process group of its own, so that Ctrl-C in
// the terminal reaches only this process, which then ends its children in
// order. Only Linux can also tie their lives together; elsewhere the next
// start ends what a killed run left behind.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// commandOf returns the program of a process as it was started.
func commandOf(pid int) (string, error) {
	path, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return strings.TrimSpace(string(path)), err
}
