package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// execution is one more program in a running container.
type execution struct {
	Argv           []string
	TTY            bool
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Resize has the sizes of the terminal; it may be nil.
	Resize <-chan Size
}

// Size is that of a terminal, in characters.
type Size struct{ Columns, Rows uint16 }

// execOrders make a process enter a container.
type execOrders struct {
	// Container is the first process of it.
	Container int
	TTY       bool
	Task      task
}

// execDelay is how long output is read after the end of a program whose own
// children hold it open.
const execDelay = 10 * time.Second

// execResult is what execMain answers.
type execResult struct {
	Error string
	Code  int
}

// exec runs a program in the container and returns its exit code. The end of
// the context kills it.
func (p *running) exec(ctx context.Context, e execution) (int, error) {
	p.mu.Lock()
	process := p.process
	p.mu.Unlock()
	if process == nil {
		return 0, errors.New("the container is not running")
	}
	t := p.task
	t.Argv = e.Argv
	if e.TTY {
		t.Env = append([]string{"TERM=xterm"}, t.Env...)
	}
	cmd := roleCommand(nameExec, 0)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.Stdin, e.Stdout, e.Stderr
	// Whoever holds its output open does not hold us up.
	cmd.WaitDelay = execDelay
	resizes, send, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	helper, err := p.group.runtime.spawner.startRole(cmd, resizes)
	resizes.Close()
	if err != nil {
		send.Close()
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	done := make(chan struct{})
	resized := make(chan struct{})
	go func() {
		defer close(resized)
		sendSizes(send, e.Resize, done)
	}()
	code, err := p.awaitExec(helper, execOrders{Container: process.Pid, TTY: e.TTY, Task: t})
	close(done)
	<-resized
	if ctx.Err() != nil {
		return code, ctx.Err()
	}
	return code, err
}

func (p *running) awaitExec(helper *role, orders execOrders) (int, error) {
	defer helper.answer.Close()
	err := errors.Join(p.cgroup.join(helper.cmd.Process.Pid), helper.order(orders))
	var result execResult
	if answered := json.NewDecoder(helper.answer).Decode(&result); err == nil && answered != nil {
		err = fmt.Errorf("exec in container: %w", answered)
	}
	waited := helper.cmd.Wait()
	switch {
	case err != nil:
		return 0, err
	case result.Error != "":
		return result.Code, errors.New(result.Error)
	case waited != nil && !errors.Is(waited, exec.ErrWaitDelay):
		return result.Code, waited
	}
	return result.Code, nil
}

// sendSizes passes the sizes on until the execution is done.
func sendSizes(to *os.File, sizes <-chan Size, done <-chan struct{}) {
	defer to.Close()
	encoder := json.NewEncoder(to)
	for {
		select {
		case size, more := <-sizes:
			if !more {
				sizes = nil
				continue
			}
			_ = encoder.Encode(size) // the program may have ended
		case <-done:
			return
		}
	}
}

// execMain enters the container, runs the program as its child, and answers
// how that ended.
func execMain(orders execOrders, answer *os.File) error {
	syscall.CloseOnExec(fdResizes)
	code, err := runInside(orders)
	result := execResult{Code: code}
	if err != nil {
		result.Error = err.Error()
	}
	return json.NewEncoder(answer).Encode(result)
}

func runInside(orders execOrders) (int, error) {
	if err := enter(orders.Container, "net", "ipc", "uts", "pid", "mnt"); err != nil {
		return 0, err
	}
	who, err := orders.Task.prepare()
	if err != nil {
		return exitCannot, err
	}
	path, err := findProgram(orders.Task.Argv[0], orders.Task.Env, orders.Task.Dir)
	if err != nil {
		return exitAbsent, err
	}
	cmd := &exec.Cmd{
		Path: path, Args: orders.Task.Argv, Env: who.withHome(orders.Task.Env), Dir: orders.Task.Dir,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true, Credential: who.credential()},
	}
	if orders.TTY {
		return runOnTerminal(cmd, who)
	}
	for fd := range 3 {
		_ = unix.Fchown(fd, who.uid, who.gid) // not all of them are ours
	}
	return exitCode(cmd, cmd.Run())
}

// The codes of shells for what cannot run, and for what is not there.
const (
	exitCannot = 126
	exitAbsent = 127
)

func exitCode(cmd *exec.Cmd, err error) (int, error) {
	if cmd.ProcessState == nil {
		return exitCannot, err
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// runOnTerminal gives the program a terminal of the container, and passes on
// what both sides write.
func runOnTerminal(cmd *exec.Cmd, who *user) (int, error) {
	master, terminal, err := openTerminal("/dev/pts")
	if err != nil {
		return exitCannot, fmt.Errorf("open a terminal: %w", err)
	}
	_ = terminal.Chown(who.uid, -1) // a terminal of another owner works too
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr.Setctty = true
	if err := cmd.Start(); err != nil {
		return exitCannot, err
	}
	terminal.Close()
	go func() { _, _ = io.Copy(master, os.Stdin) }() // ends with this process
	go resize(master)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		_, _ = io.Copy(os.Stdout, master) // EIO is the end of a terminal
	}()
	err = cmd.Wait()
	<-printed
	return exitCode(cmd, err)
}

func resize(master *os.File) {
	sizes := json.NewDecoder(os.NewFile(fdResizes, "sizes"))
	for {
		var size Size
		if sizes.Decode(&size) != nil {
			return
		}
		_ = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: size.Columns, Row: size.Rows})
	}
}

func (u *user) credential() *syscall.Credential {
	c := &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}
	for _, gid := range u.groups {
		c.Groups = append(c.Groups, uint32(gid))
	}
	return c
}
