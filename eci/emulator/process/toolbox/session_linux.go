package toolbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	gosync "sync"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// session is a running shell: its traps and the processes that it waits for.
type session struct {
	mu       gosync.Mutex
	traps    map[string]string // by the name of the signal, without SIG
	came     []string
	children map[int]*os.Process
}

// call sees every command before it runs. It keeps the traps of signals, which
// the interpreter does not have, and runs those whose signal came.
func (s *session) call(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "trap":
		args = s.trap(args)
	case "kill", "umask", "ulimit", "times":
		// Builtins by name that the interpreter lacks.
		if args[0] != "kill" {
			return []string{"true"}, nil
		}
		args = append([]string{"/bin/kill"}, args[1:]...)
	}
	action, found := s.pending()
	if !found {
		return args, nil
	}
	words := make([]string, len(args))
	for i, arg := range args {
		quoted, err := syntax.Quote(arg, syntax.LangBash)
		if err != nil {
			return nil, err
		}
		words[i] = quoted
	}
	return []string{"eval", action + "\n" + strings.Join(words, " ")}, nil
}

// trap takes the signals out of the arguments of a trap; what is left is the
// interpreter's: EXIT and ERR.
func (s *session) trap(args []string) []string {
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	if len(args) < 3 {
		return args
	}
	left := []string{args[0], args[1]}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range args[2:] {
		sig := signalNumber(name)
		if sig == 0 {
			left = append(left, name)
			continue
		}
		key := unix.SignalName(sig)
		if args[1] == "-" {
			delete(s.traps, key)
		} else {
			s.traps[key] = args[1]
		}
	}
	if len(left) == 2 {
		return []string{"true"}
	}
	return left
}

// signalNumber reads TERM, SIGTERM or 15; 0 is none.
func signalNumber(name string) syscall.Signal {
	var number int
	if _, err := fmt.Sscanf(name, "%d", &number); err == nil {
		return syscall.Signal(number)
	}
	return unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
}

// pending takes the action of a signal that has come.
func (s *session) pending() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.came) == 0 {
		return "", false
	}
	action := s.traps[s.came[0]]
	s.came = s.came[1:]
	return action, true
}

// signalled ends the commands that run, then the shell itself, unless it has a
// trap. An empty trap ignores the signal.
func (s *session) signalled(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	action, trapped := s.traps[unix.SignalName(sig)]
	if trapped && action == "" {
		return
	}
	if sig == syscall.SIGINT && !trapped && len(s.children) > 0 {
		return // the terminal has sent it to the command too
	}
	for _, child := range s.children {
		_ = child.Signal(sig) // it may have ended
	}
	if !trapped {
		os.Exit(128 + int(sig))
	}
	s.came = append(s.came, unix.SignalName(sig))
}

// exec runs a program and remembers it while it runs.
func (s *session) exec(ctx context.Context, args []string) error {
	handler := interp.HandlerCtx(ctx)
	path, err := interp.LookPathDir(handler.Dir, handler.Env, args[0])
	if err != nil {
		fmt.Fprintf(handler.Stderr, "sh: %s: not found\n", args[0])
		return interp.ExitStatus(127)
	}
	cmd := &exec.Cmd{
		Path: path, Args: args, Env: exported(handler.Env), Dir: handler.Dir,
		Stdin: handler.Stdin, Stdout: handler.Stdout, Stderr: handler.Stderr,
	}
	s.mu.Lock()
	err = cmd.Start()
	if err == nil {
		s.children[cmd.Process.Pid] = cmd.Process
	}
	s.mu.Unlock()
	if err != nil {
		fmt.Fprintf(handler.Stderr, "sh: %v\n", err)
		return interp.ExitStatus(126)
	}
	err = cmd.Wait()
	s.mu.Lock()
	delete(s.children, cmd.Process.Pid)
	s.mu.Unlock()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		return interp.ExitStatus(128 + status.Signal())
	}
	return interp.ExitStatus(exit.ExitCode())
}

// exported is the environment of a program.
func exported(env expand.Environ) []string {
	var list []string
	env.Each(func(name string, v expand.Variable) bool {
		if v.Exported && v.Kind == expand.String {
			list = append(list, name+"="+v.String())
		}
		return true
	})
	return list
}
