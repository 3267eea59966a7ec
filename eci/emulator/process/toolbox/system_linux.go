package toolbox

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func sleep(c call) int {
	var total time.Duration
	for _, arg := range c.args {
		if arg == "infinity" || arg == "inf" {
			select {}
		}
		text := strings.TrimRight(arg, "smhd")
		number, err := strconv.ParseFloat(text, 64)
		unit, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[arg[len(text):]]
		if err != nil || !known {
			return c.misused("invalid time interval %q", arg)
		}
		total += time.Duration(number * unit * float64(time.Second))
	}
	if len(c.args) == 0 {
		return c.misused("missing operand")
	}
	<-time.After(total)
	return exitOK
}

func env(c call) int {
	environment := os.Environ()
	args := c.args
	if len(args) > 0 && args[0] == "-i" {
		environment, args = nil, args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, _, _ := strings.Cut(args[0], "=")
		environment = slices.DeleteFunc(environment, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		environment, args = append(environment, args[0]), args[1:]
	}
	if len(args) == 0 {
		for _, entry := range environment {
			fmt.Fprintln(c.out, entry)
		}
		return exitOK
	}
	file, err := exec.LookPath(args[0])
	if err != nil {
		c.fail(err)
		return 127
	}
	c.fail(syscall.Exec(file, args, environment))
	return 126
}

func printenv(c call) int {
	if len(c.args) == 0 {
		return env(c)
	}
	code := exitOK
	for _, name := range c.args {
		if value, found := os.LookupEnv(name); found {
			fmt.Fprintln(c.out, value)
		} else {
			code = exitFailed
		}
	}
	return code
}

// dateFormats are the letters of date's formats and what they are in Go's.
func dateFormats() *strings.Replacer {
	return strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05", "%N", "000000000",
		"%F", "2006-01-02", "%T", "15:04:05", "%Z", "MST", "%z", "-0700", "%a", "Mon", "%b", "Jan", "%y", "06")
}

func date(c call) int {
	opts, operands, err := parse("uI", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	now := time.Now()
	if opts.has('u') {
		now = now.UTC()
	}
	format := "Mon Jan _2 15:04:05 MST 2006"
	if len(operands) == 1 && strings.HasPrefix(operands[0], "+") {
		text := strings.ReplaceAll(operands[0][1:], "%s", strconv.FormatInt(now.Unix(), 10))
		text = strings.ReplaceAll(text, "%N", fmt.Sprintf("%09d", now.Nanosecond()))
		format = dateFormats().Replace(text)
	}
	fmt.Fprintln(c.out, now.Format(format))
	return exitOK
}

func hostname(c call) int {
	name, err := os.Hostname()
	fmt.Fprintln(c.out, name)
	return c.fail(err)
}

func whoami(c call) int {
	return id(call{name: c.name, args: []string{"-u", "-n"}, out: c.out, err: c.err})
}

func id(c call) int {
	opts, _, err := parse("ugn", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	uid, gid := strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())
	userName, groupName := uid, gid
	if u, err := user.LookupId(uid); err == nil {
		userName = u.Username
	}
	if g, err := user.LookupGroupId(gid); err == nil {
		groupName = g.Name
	}
	switch {
	case opts.has('u') && opts.has('n'):
		fmt.Fprintln(c.out, userName)
	case opts.has('g') && opts.has('n'):
		fmt.Fprintln(c.out, groupName)
	case opts.has('u'):
		fmt.Fprintln(c.out, uid)
	case opts.has('g'):
		fmt.Fprintln(c.out, gid)
	default:
		fmt.Fprintf(c.out, "uid=%s(%s) gid=%s(%s)\n", uid, userName, gid, groupName)
	}
	return exitOK
}

func kill(c call) int {
	sig := syscall.SIGTERM
	args := c.args
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0][1:]
		args = args[1:]
		if name == "s" && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		number, err := strconv.Atoi(name)
		sig = syscall.Signal(number)
		if err != nil {
			if sig = signalNumber(name); sig == 0 {
				return c.misused("unknown signal %q", name)
			}
		}
	}
	code := exitOK
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err == nil {
			err = syscall.Kill(pid, sig)
		}
		if err != nil {
			code = c.fail(fmt.Errorf("%s: %w", arg, err))
		}
	}
	if len(args) == 0 {
		return c.misused("no process given")
	}
	return code
}

// ps lists all processes that /proc shows, whatever its options.
func ps(c call) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.out, "%5s %-8s %s\n", "PID", "USER", "COMMAND")
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		dir := filepath.Join("/proc", entry.Name())
		info, err := os.Stat(dir)
		if err != nil {
			continue // it has ended
		}
		owner := strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		line, _ := os.ReadFile(dir + "/cmdline")
		command := strings.TrimRight(strings.ReplaceAll(string(line), "\x00", " "), " ")
		if command == "" {
			name, _ := os.ReadFile(dir + "/comm")
			command = "[" + strings.TrimSpace(string(name)) + "]"
		}
		fmt.Fprintf(c.out, "%5s %-8s %s\n", entry.Name(), owner, command)
	}
	return exitOK
}

func uname(c call) int {
	opts, _, err := parse("asnrm", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return c.fail(err)
	}
	parts := []struct {
		letter byte
		text   string
	}{
		{'s', unix.ByteSliceToString(u.Sysname[:])}, {'n', unix.ByteSliceToString(u.Nodename[:])},
		{'r', unix.ByteSliceToString(u.Release[:])}, {'m', unix.ByteSliceToString(u.Machine[:])},
	}
	var shown []string
	for _, part := range parts {
		if opts.has('a') || opts.has(part.letter) || len(opts) == 0 && part.letter == 's' {
			shown = append(shown, part.text)
		}
	}
	fmt.Fprintln(c.out, strings.Join(shown, " "))
	return exitOK
}

func nproc(c call) int {
	fmt.Fprintln(c.out, runtime.NumCPU())
	return exitOK
}

func tty(c call) int {
	if !isTerminal(c.in) {
		fmt.Fprintln(c.out, "not a tty")
		return exitFailed
	}
	name, err := os.Readlink("/proc/self/fd/0")
	fmt.Fprintln(c.out, name)
	return c.fail(err)
}

// stty shows the size of the terminal with size, and sets it with rows N cols N.
func stty(c call) int {
	terminal := int(os.Stdin.Fd())
	size, err := unix.IoctlGetWinsize(terminal, unix.TIOCGWINSZ)
	if err != nil {
		return c.fail(err)
	}
	if len(c.args) == 1 && c.args[0] == "size" {
		fmt.Fprintln(c.out, size.Row, size.Col)
		return exitOK
	}
	for pair := range slices.Chunk(c.args, 2) {
		side := map[string]*uint16{"rows": &size.Row, "cols": &size.Col}[pair[0]]
		if side == nil || len(pair) < 2 {
			return c.misused("only size, rows N and cols N are known")
		}
		n, err := strconv.ParseUint(pair[1], 10, 16)
		if err != nil {
			return c.misused("%v", err)
		}
		*side = uint16(n)
	}
	return c.fail(unix.IoctlSetWinsize(terminal, unix.TIOCSWINSZ, size))
}

func sync(call) int {
	unix.Sync()
	return exitOK
}

func which(c call) int {
	code := exitOK
	for _, name := range c.args {
		file, err := exec.LookPath(name)
		if err != nil {
			code = exitFailed
			continue
		}
		fmt.Fprintln(c.out, file)
	}
	return code
}

func basename(c call) int {
	if len(c.args) == 0 {
		return c.misused("missing operand")
	}
	name := path.Base(c.args[0])
	if len(c.args) > 1 && name != c.args[1] {
		name = strings.TrimSuffix(name, c.args[1])
	}
	fmt.Fprintln(c.out, name)
	return exitOK
}

func dirname(c call) int {
	for _, name := range c.args {
		fmt.Fprintln(c.out, path.Dir(name))
	}
	return exitOK
}
