package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// execOrders make a process enter a container.
type execOrders struct {
	// Container is the first process of it.
	Container int
	TTY       bool
	Task      task
}

// execResult is what execMain answers.
type execResult struct {
	Error string
	Code  int
}

// How long output is read after the end of a program whose own children hold it
// open: for a person, and for a probe.
const (
	execDelay  = 30 * time.Second
	probeDelay = time.Second
)

var _ emulator.Executor = (*running)(nil)

// Exec runs a program in the container, with its user, environment, namespaces
// and limits.
func (p *running) Exec(ctx context.Context, command emulator.Command) (int32, error) {
	return p.exec(ctx, command, execDelay)
}

// execQuietly is for probes and hooks.
func (p *running) execQuietly(ctx context.Context, argv []string) (output []byte, code int32, err error) {
	var both bytes.Buffer
	code, err = p.exec(ctx, emulator.Command{Argv: argv, Stdout: &both, Stderr: &both}, probeDelay)
	return both.Bytes(), code, err
}

func (p *running) exec(ctx context.Context, command emulator.Command, delay time.Duration) (int32, error) {
	p.mu.Lock()
	process := p.process
	p.mu.Unlock()
	if process == nil {
		return 0, errors.New("the container is not running")
	}
	orders := execOrders{Container: process.Pid, TTY: command.TTY, Task: p.task}
	orders.Task.Argv = command.Argv
	if command.TTY {
		orders.Task.Env = append([]string{"TERM=xterm"}, orders.Task.Env...)
	}
	cmd := roleCommand(nameExec, 0)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = command.Stdout, command.Stderr, delay
	feed, err := openStdin(cmd, command.Stdin)
	if err != nil {
		return 0, err
	}
	defer feed.close()
	sizes, send, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	helper, err := p.group.runtime.spawner.startRole(cmd, sizes)
	sizes.Close()
	feed.started()
	if err != nil {
		send.Close()
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { sendSizes(send, command.Resize, ended) })
	code, err := p.awaitExec(helper, orders)
	close(ended)
	sending.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return code, err
}

func (p *running) awaitExec(helper *role, orders execOrders) (int32, error) {
	defer helper.answer.Close()
	var result execResult
	err := errors.Join(p.cgroup.join(helper.cmd.Process.Pid), helper.order(orders))
	if err == nil {
		err = json.NewDecoder(helper.answer).Decode(&result)
	}
	waited := helper.cmd.Wait()
	switch {
	case err != nil:
		return 0, fmt.Errorf("exec in the container: %w", err)
	case result.Error != "":
		return 0, errors.New(result.Error)
	case waited != nil && !errors.Is(waited, exec.ErrWaitDelay):
		return 0, waited
	}
	return int32(result.Code), nil
}

// stdin passes on what a client sends. Nobody waits for it: a client that sends
// nothing would hold up the end.
type stdin struct{ child, ours *os.File }

func openStdin(cmd *exec.Cmd, from io.Reader) (*stdin, error) {
	if from == nil {
		return &stdin{}, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = read
	go func() {
		_, _ = io.Copy(write, from) // a program need not read all
		write.Close()
	}()
	return &stdin{child: read, ours: write}, nil
}

func (s *stdin) started() {
	if s.child != nil {
		s.child.Close()
	}
}

func (s *stdin) close() {
	if s.ours != nil {
		s.child.Close() // a second time, unless the start failed
		s.ours.Close()
	}
}

// sendSizes passes the sizes on until the program has ended.
func sendSizes(to *os.File, sizes <-chan emulator.TerminalSize, ended <-chan struct{}) {
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
		case <-ended:
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
	// In the container this program has no name.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	defer self.Close()
	if err := enter(orders.Container, "net", "ipc", "uts", "pid", "mnt"); err != nil {
		return 0, err
	}
	cmd := &exec.Cmd{
		Path: fmt.Sprintf("/proc/self/fd/%d", fdSelf), Args: []string{nameTask}, Env: []string{},
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if orders.TTY {
		return runOnTerminal(cmd, orders.Task, self)
	}
	if err := startTask(cmd, orders.Task, self); err != nil {
		return 0, err
	}
	return exitCode(cmd.Wait())
}

// startTask starts a child that becomes the program. It is one more call of
// this program because the kernel counts its PIDs otherwise than ours: what Go
// has to bind a child to its parent compares the two.
func startTask(cmd *exec.Cmd, task task, self *os.File) error {
	child, err := startDirectly(cmd, self)
	if err != nil {
		return err
	}
	err = errors.Join(child.order(task), child.refusal())
	if err != nil {
		_ = cmd.Wait() // it has said why
	}
	return err
}

// taskMain is that child.
func taskMain(task task, _ *os.File) error {
	syscall.CloseOnExec(fdSelf)
	return task.exec()
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	status := exit.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// runOnTerminal gives the program a terminal of the container, and passes on
// what both sides write.
func runOnTerminal(cmd *exec.Cmd, task task, self *os.File) (int, error) {
	master, terminal, err := openTerminal("/dev/pts")
	if err != nil {
		return 0, fmt.Errorf("open a terminal: %w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr.Setctty = true
	go resize(master)
	if err := startTask(cmd, task, self); err != nil {
		return 0, err
	}
	terminal.Close()
	go func() { _, _ = io.Copy(master, os.Stdin) }() // ends with this process
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		_, _ = io.Copy(os.Stdout, master) // EIO is the end of a terminal
	}()
	err = cmd.Wait()
	<-printed
	return exitCode(err)
}

func resize(master *os.File) {
	sizes := json.NewDecoder(os.NewFile(fdResizes, "sizes"))
	for {
		var size emulator.TerminalSize
		if sizes.Decode(&size) != nil {
			return
		}
		_ = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: size.Cols, Row: size.Rows})
	}
}
