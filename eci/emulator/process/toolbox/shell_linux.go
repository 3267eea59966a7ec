package toolbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// builtin is a command that the shell has: echo, printf, test and so on.
func builtin(c call) int {
	script := c.name + ` "$@"`
	if c.name == "[" {
		if len(c.args) == 0 || c.args[len(c.args)-1] != "]" {
			return c.misused("missing ]")
		}
		script, c.args = `test "$@"`, c.args[:len(c.args)-1]
	}
	return runShell(c, strings.NewReader(script), c.name, append([]string{"--"}, c.args...))
}

// shell is sh: -c SCRIPT, a file, or stdin, with a prompt on a terminal.
func shell(c call) int {
	script, set := "", []string(nil)
	isScript := false
	for len(c.args) > 0 && len(c.args[0]) > 1 && strings.ContainsRune("-+", rune(c.args[0][0])) {
		flag := c.args[0]
		c.args = c.args[1:]
		if flag == "--" {
			break
		}
		letters := strings.NewReplacer("c", "", "l", "", "i", "", "s", "").Replace(flag[1:])
		isScript = isScript || strings.Contains(flag, "c")
		switch {
		case strings.HasPrefix(flag, "--"):
			return c.misused("unknown option %q", flag)
		case letters == "o" || strings.HasSuffix(letters, "o"):
			if len(c.args) == 0 {
				return c.misused("option %s needs a name", flag)
			}
			set, c.args = append(set, flag[:1]+letters, c.args[0]), c.args[1:]
		case letters != "":
			set = append(set, flag[:1]+letters)
		}
	}
	if isScript {
		if len(c.args) == 0 {
			return c.misused("-c needs a script")
		}
		script, c.args = c.args[0], c.args[1:]
		name := c.name
		if len(c.args) > 0 {
			name, c.args = c.args[0], c.args[1:]
		}
		return runShell(c, strings.NewReader(script), name, append(append(set, "--"), c.args...))
	}
	if len(c.args) > 0 {
		file, err := os.Open(c.args[0])
		if err != nil {
			c.fail(err)
			return 127
		}
		defer file.Close()
		return runShell(c, file, c.args[0], append(append(set, "--"), c.args[1:]...))
	}
	return runShell(c, c.in, c.name, set)
}

// runShell runs one script to its end. The parameters may begin with options of
// set, which -- ends.
func runShell(c call, script io.Reader, name string, params []string) int {
	s := &session{traps: map[string]string{}, children: map[int]*os.Process{}}
	runner, err := interp.New(
		interp.StdIO(c.in, c.out, c.err), interp.Params(params...),
		interp.CallHandler(s.call), interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
	)
	if err != nil {
		return c.misused("%v", err)
	}
	s.listen()
	if script == c.in && isTerminal(c.in) {
		err = s.converse(c, runner)
	} else {
		err = s.runAll(c, runner, script, name)
	}
	return s.finish(c, runner, err)
}

// runAll runs each statement as soon as it is whole: what stands before an
// error has its effect.
func (s *session) runAll(c call, runner *interp.Runner, script io.Reader, name string) error {
	ctx := context.Background()
	var last error
	for statement, err := range syntax.NewParser(syntax.KeepComments(false)).StmtsSeq(script) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// As a file of one statement it has a name, which is $0.
		last = runner.Run(ctx, &syntax.File{Name: name, Stmts: []*syntax.Stmt{statement}})
		if runner.Exited() || isFatal(last) {
			return last
		}
	}
	return last
}

// converse prompts.
func (s *session) converse(c call, runner *interp.Runner) error {
	prompt := "# "
	if os.Getuid() != 0 {
		prompt = "$ "
	}
	ctx := context.Background()
	parser := syntax.NewParser()
	fmt.Fprint(c.out, prompt)
	var last error
	for statements, err := range parser.InteractiveSeq(c.in) {
		if err != nil {
			return err
		}
		if parser.Incomplete() {
			fmt.Fprint(c.out, "> ")
			continue
		}
		for _, statement := range statements {
			last = runner.Run(ctx, statement)
			if runner.Exited() {
				return last
			}
		}
		fmt.Fprint(c.out, prompt)
	}
	return last
}

// isFatal says that an error is more than an exit status.
func isFatal(err error) bool {
	var status interp.ExitStatus
	return err != nil && !errors.As(err, &status)
}

// finish runs a trap whose signal came with the last command, and turns the end
// into an exit code.
func (s *session) finish(c call, runner *interp.Runner, err error) int {
	if action, found := s.pending(); found && !runner.Exited() {
		if program, parseErr := syntax.NewParser().Parse(strings.NewReader(action), "trap"); parseErr == nil {
			err = runner.Run(context.Background(), program)
		}
	}
	var status interp.ExitStatus
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(c.err, "sh: %v\n", err)
	return exitMisused
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// listen waits for signals until the program ends.
func (s *session) listen() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range signals {
			s.signalled(sig.(syscall.Signal))
		}
	}()
}
