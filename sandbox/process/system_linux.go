package process

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// attributes put a child into a process group of its own, so that Ctrl-C in
// the terminal reaches only this process, which then ends its children in
// order; and make the kernel kill it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// commandOf returns the first word of a process's command line.
func commandOf(pid int) (string, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "", err
	}
	word, _, _ := bytes.Cut(line, []byte{0})
	return string(word), nil
}
