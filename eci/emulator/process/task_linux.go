package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// task is a program in a container: its first one, or one of an exec.
type task struct {
	Argv, Env []string
	Dir       string
	// User is as in an image: a name or number, with :group or without; Group
	// takes its place when it is set.
	User       string
	Group      *int
	NonRoot    bool
	Privileged bool
	AddCaps    []string
}

// commonCapabilities are those of a container by the habit of all runtimes,
// without MKNOD, which needs limits of devices.
var commonCapabilities = []int{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID,
	unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_SYS_CHROOT, unix.CAP_AUDIT_WRITE, unix.CAP_SETFCAP,
}

// exec becomes the program. It returns errors only.
func (t task) exec() error {
	who, err := t.prepare()
	if err != nil {
		return err
	}
	path, err := findProgram(t.Argv[0], t.Env, t.Dir)
	if err != nil {
		return err
	}
	if err := who.become(); err != nil {
		return err
	}
	return fmt.Errorf("exec %q: %w", path, unix.Exec(path, t.Argv, who.withHome(t.Env)))
}

// prepare enters the directory and gives up rights, but stays root.
func (t task) prepare() (*user, error) {
	if len(t.Argv) == 0 {
		return nil, errors.New("no command specified")
	}
	if err := os.MkdirAll(t.Dir, 0o755); err != nil && !errors.Is(err, unix.EROFS) {
		return nil, fmt.Errorf("working directory %s: %w", t.Dir, err)
	}
	if err := os.Chdir(t.Dir); err != nil {
		return nil, fmt.Errorf("working directory: %w", err)
	}
	who, err := findUser(t.User)
	if err != nil {
		return nil, err
	}
	if t.Group != nil {
		who.gid = *t.Group
	}
	if t.NonRoot && who.uid == 0 {
		return nil, errors.New("container has runAsNonRoot and image will run as root")
	}
	if t.Privileged {
		return who, nil
	}
	return who, dropCapabilities(t.AddCaps)
}

// dropCapabilities leaves what a program can gain at most.
func dropCapabilities(add []string) error {
	keep := slices.Clone(commonCapabilities)
	for _, name := range add {
		switch strings.TrimPrefix(strings.ToUpper(name), "CAP_") {
		case "NET_ADMIN":
			keep = append(keep, unix.CAP_NET_ADMIN)
		case "NET_RAW":
		default:
			return fmt.Errorf("capability %s cannot be added", name)
		}
	}
	for number := 0; number <= unix.CAP_LAST_CAP; number++ {
		if slices.Contains(keep, number) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(number), 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: this kernel does not know it
			return fmt.Errorf("drop capability %d: %w", number, err)
		}
	}
	return nil
}

// become takes the user's ids and keeps the bond to the runtime, which the
// kernel unties at a change of user.
func (u *user) become() error {
	for fd := range 3 {
		_ = unix.Fchown(fd, u.uid, u.gid) // not all of them are ours
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"groups", func() error { return unix.Setgroups(u.groups) }},
		{"group", func() error { return unix.Setresgid(u.gid, u.gid, u.gid) }},
		{"user", func() error { return unix.Setresuid(u.uid, u.uid, u.uid) }},
		{"death signal", dieWithParent},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("set the %s: %w", step.name, err)
		}
	}
	return nil
}

// dieWithParent asks the kernel to kill this process when its parent ends. The
// parent is outside of the container and therefore 0; one that has ended already
// is replaced by the container's first process.
func dieWithParent() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if unix.Getppid() != 0 {
		return errors.New("the runtime has ended")
	}
	return nil
}

// findProgram looks a command up as exec.LookPath does, in another PATH.
func findProgram(name string, env []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, checkProgram(name)
	}
	paths := ""
	for _, entry := range env {
		if value, found := strings.CutPrefix(entry, "PATH="); found {
			paths = value
		}
	}
	for _, dir := range filepath.SplitList(paths) {
		if path := filepath.Join("/", dir, name); checkProgram(path) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

func checkProgram(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("exec: %q: %w", path, errors.Unwrap(err))
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("exec: %q: %w", path, fs.ErrPermission)
	}
	return nil
}
