package process

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/eci-vnode/eci-vnode/eci/emulator/process/toolbox"
)

// The names under which this program calls itself.
const (
	namePause  = "eci-pause"
	nameInit   = "eci-init"
	nameExec   = "eci-exec"
	nameTask   = "eci-task"
	nameUnpack = "eci-unpack"
)

// The descriptors that such a call has beside its stdio.
const (
	fdOrders  = 3 // JSON that says what to do
	fdAnswer  = 4 // an error as text, or as the call says; its end is success
	fdResizes = 5 // of exec: the sizes of the terminal
	fdSelf    = 5 // of task: this program
)

// Reexec is what this program does when it was started by a runtime, or inside
// a container as one of the toolbox's commands: it then never returns. Call it
// first of all in main.
func Reexec() {
	switch os.Args[0] {
	case namePause:
		serveRole(pauseMain)
	case nameInit:
		serveRole(initMain)
	case nameExec:
		serveRole(execMain)
	case nameTask:
		serveRole(taskMain)
	case nameUnpack:
		serveRole(unpackMain)
	}
	if code, known := toolbox.Run(os.Args); known {
		os.Exit(code)
	}
}

// serveRole runs one of the roles on a thread that is its own to change: it is
// never unlocked.
func serveRole[orders any](role func(orders, *os.File) error) {
	runtime.LockOSThread()
	answer := os.NewFile(fdAnswer, "answer")
	syscall.CloseOnExec(fdAnswer)
	var what orders
	source := os.NewFile(fdOrders, "orders")
	err := json.NewDecoder(source).Decode(&what)
	if err == nil {
		source.Close()
		err = role(what, answer)
	}
	if err != nil {
		_, _ = answer.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// roleCommand prepares a call of this program.
func roleCommand(name string, flags uintptr) *exec.Cmd {
	return &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{name},
		Env:         []string{},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL, Setsid: true},
	}
}
