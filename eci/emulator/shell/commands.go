package shell

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// builtins of the shell that are programs elsewhere too.
var builtins = []string{"echo", "printf", "test", "[", "true", "false", "pwd"}

// command is one of the programs.
type command func(s *session, ctx context.Context, hc interp.HandlerContext, args []string) error

func commands() map[string]command {
	return map[string]command{
		"cat": cat, "sleep": sleep, "env": env, "printenv": env, "dd": dd, "wc": wc, "seq": seq,
		"sha256sum": sha256sum, "stty": stty, "tty": tty, "date": date, "hostname": hostname,
		"which": which, "nc": nc, "head": head, "denied": deny,
	}
}

func known(name string) bool {
	return slices.Contains(shells, name) || slices.Contains(builtins, name) || commands()[name] != nil && name != "denied"
}

// exec runs a program for the shell.
func (s *session) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	defer unblock(ctx, hc)()
	name := path.Base(args[0])
	var err error
	switch {
	case slices.Contains(shells, name):
		err = s.nested(s.shell(ctx, args, hc.Stdin, hc.Stdout, hc.Stderr))
	case slices.Contains(builtins, name): // by exec, which wants a program
		err = s.nested(s.script(ctx, name, `"$@"`, append([]string{name}, args[1:]...), syntax.LangBash, hc.Stdin, hc.Stdout, hc.Stderr))
	case commands()[name] != nil:
		err = commands()[name](s, ctx, hc, args[1:])
	default:
		fmt.Fprintf(hc.Stderr, "sh: %s: not found\n", args[0])
		return interp.ExitStatus(127)
	}
	var status interp.ExitStatus
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // ends the whole script
	case err == nil || errors.As(err, &status):
		return err
	}
	fmt.Fprintf(hc.Stderr, "%s: %v\n", name, err)
	return interp.ExitStatus(1)
}

func (s *session) nested(code int, err error) error {
	if err == nil && code != 0 {
		return interp.ExitStatus(code)
	}
	return err
}

func deny(_ *session, _ context.Context, _ interp.HandlerContext, args []string) error {
	return fmt.Errorf("%s: a simulated container has no files", args[0])
}

func cat(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	for _, arg := range args {
		if arg != "-" {
			return fmt.Errorf("%s: No such file or directory", arg)
		}
	}
	_, err := io.Copy(hc.Stdout, hc.Stdin)
	return err
}

func sleep(s *session, ctx context.Context, _ interp.HandlerContext, args []string) error {
	if len(args) != 1 {
		return errors.New("one time is wanted")
	}
	number, unit := args[0], time.Second
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour} {
		if text, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = text, u
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) {
		return fmt.Errorf("invalid time %q", args[0])
	}
	return s.host.Sleep(ctx, time.Duration(min(n*float64(unit), math.MaxInt64/2)))
}

func env(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	found := len(args) == 0
	for name, v := range hc.Env.Each {
		if !v.Exported || v.Kind != expand.String {
			continue
		}
		switch {
		case len(args) == 0:
			fmt.Fprintf(hc.Stdout, "%s=%s\n", name, v.Str)
		case args[0] == name:
			fmt.Fprintln(hc.Stdout, v.Str)
			found = true
		}
	}
	if !found {
		return interp.ExitStatus(1)
	}
	return nil
}

// dd copies count blocks of bs bytes, each read in full.
func dd(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	size, count := int64(512), int64(-1)
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case name == "iflag" && value == "fullblock":
		case name == "bs" && err == nil && n > 0:
			size = n
		case name == "count" && err == nil:
			count = n
		default:
			return fmt.Errorf("unknown operand %q", arg)
		}
	}
	if count < 0 {
		_, err := io.Copy(hc.Stdout, hc.Stdin)
		return err
	}
	_, err := io.Copy(hc.Stdout, io.LimitReader(hc.Stdin, size*count))
	return err
}

func wc(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) != 1 || args[0] != "-c" && args[0] != "-l" {
		return errors.New("-c or -l is wanted")
	}
	n := 0
	for in := bufio.NewReader(hc.Stdin); ; {
		b, err := in.ReadByte()
		if err != nil {
			break
		}
		if args[0] == "-c" || b == '\n' {
			n++
		}
	}
	_, err := fmt.Fprintln(hc.Stdout, n)
	return err
}

func head(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	lines := 10
	if len(args) == 2 && args[0] == "-n" {
		lines, _ = strconv.Atoi(args[1])
	}
	in := bufio.NewScanner(hc.Stdin)
	for ; lines > 0 && in.Scan(); lines-- {
		if _, err := fmt.Fprintln(hc.Stdout, in.Text()); err != nil {
			return err
		}
	}
	return in.Err()
}

func seq(_ *session, ctx context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) != 1 {
		return errors.New("one last number is wanted")
	}
	last, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	out := bufio.NewWriter(hc.Stdout)
	for n := 1; n <= last && ctx.Err() == nil; n++ {
		fmt.Fprintln(out, n)
	}
	return out.Flush()
}

func sha256sum(_ *session, _ context.Context, hc interp.HandlerContext, _ []string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, hc.Stdin); err != nil {
		return err
	}
	_, err := fmt.Fprintf(hc.Stdout, "%x  -\n", sum.Sum(nil))
	return err
}

func date(s *session, _ context.Context, hc interp.HandlerContext, _ []string) error {
	_, err := fmt.Fprintln(hc.Stdout, s.host.Now().UTC().Format(time.UnixDate))
	return err
}

func hostname(s *session, _ context.Context, hc interp.HandlerContext, _ []string) error {
	_, err := fmt.Fprintln(hc.Stdout, s.host.Name)
	return err
}

func which(_ *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	for _, name := range args {
		if !known(path.Base(name)) {
			return interp.ExitStatus(1)
		}
		fmt.Fprintln(hc.Stdout, "/bin/"+path.Base(name))
	}
	return nil
}
