package toolbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"syscall"
)

// call is one call of a command.
type call struct {
	name     string
	args     []string
	in       io.Reader
	out, err io.Writer
}

// command does the work of one name and returns its exit code.
type command func(call) int

// Exit codes of commands.
const (
	exitOK      = 0
	exitFailed  = 1
	exitMisused = 2
)

// commands has all names.
func commands() map[string]command {
	all := map[string]command{
		"[": builtin, "ash": shell, "basename": basename, "bash": shell, "curl": wget, "cut": cut, "date": date, "dd": dd, "dirname": dirname,
		"echo": builtin, "env": env, "false": builtin, "grep": grep, "head": head, "hostname": hostname, "httpd": httpd, "id": id,
		"kill": kill, "ln": ln, "md5sum": hashSum, "nc": netcat, "nproc": nproc, "printenv": printenv, "printf": builtin, "ps": ps,
		"pwd": builtin, "readlink": readlink, "rmdir": rmdir, "seq": seq, "sh": shell, "sha256sum": hashSum, "sleep": sleep,
		"sort": sortLines, "stat": stat, "stty": stty, "sync": sync, "tail": tail, "tar": archive, "tee": tee, "test": builtin, "true": builtin,
		"tty": tty, "uname": uname, "uniq": uniq, "wc": wc, "wget": wget, "which": which, "whoami": whoami, "yes": yes,
	}
	maps.Copy(all, uroot())
	return all
}

// Names lists the commands, sorted.
func Names() []string { return slices.Sorted(maps.Keys(commands())) }

// Run does the work of argv[0]; known is false when that is no command's name.
func Run(argv []string) (code int, known bool) {
	name := strings.TrimPrefix(path.Base(argv[0]), "-") // a dash is a login shell's
	do, known := commands()[name]
	if !known {
		return 0, false
	}
	if name != "sh" && name != "ash" && name != "bash" && name != "httpd" {
		endOnSignals()
	}
	return do(call{name: name, args: argv[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr}), true
}

// endOnSignals ends the first process of a container, for which the kernel does
// nothing on these signals.
func endOnSignals() {
	if os.Getpid() != 1 {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	go func() { os.Exit(128 + int((<-signals).(syscall.Signal))) }()
}

// fail reports an error in the words of commands.
func (c call) fail(err error) int {
	if err == nil {
		return exitOK
	}
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		err = fmt.Errorf("%s: %w", pathErr.Path, pathErr.Err)
	}
	fmt.Fprintf(c.err, "%s: %v\n", c.name, err)
	return exitFailed
}

func (c call) misused(format string, args ...any) int {
	fmt.Fprintf(c.err, "%s: %s\n", c.name, fmt.Sprintf(format, args...))
	return exitMisused
}

// eachInput uses the files that are named, or stdin.
func (c call) eachInput(names []string, use func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		return c.fail(use("-", c.in))
	}
	code := exitOK
	for _, name := range names {
		if err := c.withInput(name, use); err != nil {
			code = c.fail(err)
		}
	}
	return code
}

func (c call) withInput(name string, use func(string, io.Reader) error) error {
	if name == "-" {
		return use(name, c.in)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return use(name, file)
}
