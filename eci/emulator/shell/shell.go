package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Host is the container that the commands see.
type Host struct {
	Name string
	// Env are its variables; PATH is there by itself.
	Env map[string]string
	// Ports answer HTTP on localhost, for nc.
	Ports []int32
	// Sleep waits, or returns the error of ctx.
	Sleep func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
}

// Streams are those of a command; nil ones are empty.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY puts a terminal between: line ends, echo, Ctrl-C and Ctrl-D.
	TTY bool
	// Resize tells the size of the terminal.
	Resize <-chan Size
}

// Size of a terminal, in characters.
type Size struct{ Cols, Rows uint16 }

// ErrNoCommand is that there is no such command to start.
var ErrNoCommand = errors.New("executable file not found in $PATH")

// searchPath is that of the usual images; nothing is looked up in it.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// interrupted is the exit code after Ctrl-C.
const interrupted = 130

// Run executes argv until it ends and returns its exit code. The error is that
// of ctx when that ended first, or says that the command was not started. A read
// of stdin that is on its way then is left to the caller to end.
func Run(ctx context.Context, host Host, argv []string, streams Streams) (int, error) {
	if len(argv) == 0 {
		return 0, errors.New("no command")
	}
	s := &session{host: host, Streams: streams}
	if s.Stdin == nil {
		s.Stdin = strings.NewReader("")
	}
	for _, out := range []*io.Writer{&s.Stdout, &s.Stderr} {
		if *out == nil {
			*out = io.Discard
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if s.TTY {
		s.attachTerminal(cancel)
	}
	// A pipe of the system, as its reads can be broken off.
	in, feed, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	go feedPipe(feed, s.Stdin)
	defer context.AfterFunc(ctx, func() { _ = in.SetReadDeadline(longAgo) })()
	var sizes sync.WaitGroup
	sizes.Go(func() { s.watchSize(ctx) })
	code, err := s.start(ctx, argv, in)
	if errors.Is(context.Cause(ctx), errInterrupt) {
		code, err = interrupted, nil
	} else if ctx.Err() != nil {
		err = ctx.Err()
	}
	cancel(nil)
	sizes.Wait()
	return code, err
}

// feedPipe ends with from, or with the first read after the command has ended.
func feedPipe(to *os.File, from io.Reader) {
	defer to.Close()
	_, _ = io.Copy(to, from) // a command need not read all
}

// session is one command with all that it starts.
type session struct {
	host Host
	Streams

	mu   sync.Mutex
	size Size
}

func (s *session) watchSize(ctx context.Context) {
	for {
		select {
		case size, open := <-s.Resize:
			if !open {
				return
			}
			s.mu.Lock()
			s.size = size
			s.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) terminalSize() Size {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// start runs argv as a container runtime does: its first part is a program.
func (s *session) start(ctx context.Context, argv []string, in io.Reader) (int, error) {
	name := path.Base(argv[0])
	switch {
	case slices.Contains(shells, name):
		return s.shell(ctx, argv, in, s.Stdout, s.Stderr)
	case !known(name):
		return 0, fmt.Errorf("exec: %q: %w", argv[0], ErrNoCommand)
	}
	return s.script(ctx, name, `"$@"`, append([]string{name}, argv[1:]...), syntax.LangBash, in, s.Stdout, s.Stderr)
}

// shells are the names of the shell.
var shells = []string{"sh", "ash", "dash", "bash"}

// shell runs sh with its arguments: -c SCRIPT [NAME ARGS...], or a script from
// stdin. Other options are taken and dropped.
func (s *session) shell(ctx context.Context, argv []string, in io.Reader, out, errOut io.Writer) (int, error) {
	lang := syntax.LangPOSIX
	if path.Base(argv[0]) == "bash" {
		lang = syntax.LangBash
	}
	for i, arg := range argv[1:] {
		if !strings.HasPrefix(arg, "-") {
			break
		}
		if strings.HasPrefix(arg, "--") || !strings.Contains(arg, "c") {
			continue
		}
		if rest := argv[i+2:]; len(rest) > 0 {
			name := argv[0]
			if len(rest) > 1 {
				name = rest[1]
			}
			return s.script(ctx, name, rest[0], rest[min(2, len(rest)):], lang, in, out, errOut)
		}
		fmt.Fprintf(errOut, "%s: -c: option requires an argument\n", argv[0])
		return 2, nil
	}
	return s.interactive(ctx, lang, in, out, errOut)
}

// script runs a text with $0, $1 and so on.
func (s *session) script(ctx context.Context, name, text string, params []string, lang syntax.LangVariant, in io.Reader, out, errOut io.Writer) (int, error) {
	file, err := syntax.NewParser(syntax.Variant(lang)).Parse(strings.NewReader(text), name)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2, nil
	}
	runner, err := s.runner(params, in, out, errOut)
	if err != nil {
		return 0, err
	}
	return exitCode(runner.Run(ctx, file), errOut), nil
}

// interactive reads commands from in, line by line. The commands themselves
// have no stdin: the shell reads ahead.
func (s *session) interactive(ctx context.Context, lang syntax.LangVariant, in io.Reader, out, errOut io.Writer) (int, error) {
	runner, err := s.runner(nil, nil, out, errOut)
	if err != nil {
		return 0, err
	}
	prompt := func(text string) {
		if s.TTY {
			fmt.Fprint(out, text)
		}
	}
	parser, code := syntax.NewParser(syntax.Variant(lang)), 0
	prompt("/ # ")
	for stmts, err := range parser.InteractiveSeq(in) {
		if err != nil {
			fmt.Fprintln(errOut, err)
			return 2, nil
		}
		if parser.Incomplete() {
			prompt("> ")
			continue
		}
		for _, stmt := range stmts {
			code = exitCode(runner.Run(ctx, stmt), errOut)
			if runner.Exited() || ctx.Err() != nil {
				return code, nil
			}
		}
		prompt("/ # ")
	}
	return code, nil
}

func (s *session) runner(params []string, in io.Reader, out, errOut io.Writer) (*interp.Runner, error) {
	env := []string{"PATH=" + searchPath, "HOSTNAME=" + s.host.Name, "HOME=/root", "PWD=/"}
	for _, key := range slices.Sorted(maps.Keys(s.host.Env)) {
		env = append(env, key+"="+s.host.Env[key])
	}
	return interp.New(
		interp.StdIO(in, out, errOut),
		interp.Params(append([]string{"--"}, params...)...),
		interp.Env(expand.ListEnviron(env...)),
		interp.Dir("/"),
		interp.CallHandler(redirectCall),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
		interp.OpenHandler(openFile), interp.StatHandler(statFile), interp.ReadDirHandler2(readDir),
	)
}

// exitCode also tells of what the shell gave up on.
func exitCode(err error, errOut io.Writer) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(errOut, "sh:", err)
	return 1
}
