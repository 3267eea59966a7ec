package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// initOrders make a process the first one of a container.
type initOrders struct {
	// Pause is the process that holds the namespaces of the group, 0 for none.
	Pause int
	// Lower is the image; Scratch an empty directory for the writable layer.
	Lower, Scratch string
	Mounts         []bind
	ReadOnlyRoot   bool
	Task           task
	// Try ends before the task.
	Try bool
}

// bind is a directory or a file of this machine that is seen in a container.
type bind struct {
	Source, SubPath, Target string
	ReadOnly                bool
	// Create makes a missing SubPath, as a directory.
	Create bool
}

// oldRoot is where the machine's root is while a container's is furnished.
const oldRoot = "/.eci-old-root"

// initMain turns this process into the container's. It returns errors only.
func initMain(orders initOrders, _ *os.File) error {
	if err := enterGroup(orders.Pause); err != nil {
		return err
	}
	if err := changeRoot(orders.Lower, orders.Scratch); err != nil {
		return err
	}
	if err := furnish(orders); err != nil {
		return err
	}
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	if err := os.Remove(oldRoot); err != nil {
		return err
	}
	if orders.ReadOnlyRoot {
		if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("make the root read-only: %w", err)
		}
	}
	if orders.Try {
		return nil
	}
	return orders.Task.exec()
}

// enterGroup joins the namespaces of the group, with a copy of its mounts.
func enterGroup(pause int) error {
	if pause != 0 {
		if err := enter(pause, "mnt", "net", "ipc", "uts"); err != nil {
			return err
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	return nil
}

// enter joins namespaces of a process with this thread; that of PIDs counts for
// its children only.
func enter(pid int, kinds ...string) error {
	// A thread that shares its root with others cannot change mount namespaces.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("have a root of our own: %w", err)
	}
	files := make([]*os.File, len(kinds))
	for i, kind := range kinds {
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			return err
		}
		defer file.Close()
		files[i] = file
	}
	for i, file := range files {
		if err := unix.Setns(int(file.Fd()), 0); err != nil {
			return fmt.Errorf("join the %s namespace: %w", kinds[i], err)
		}
	}
	return nil
}

// changeRoot makes an overlay of the image the root, with the old root in it.
func changeRoot(lower, scratch string) error {
	dirs := map[string]string{}
	for _, name := range []string{"upper", "work", "root"} {
		dirs[name] = filepath.Join(scratch, name)
		if err := os.MkdirAll(dirs[name], 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, dirs["upper"], dirs["work"])
	root := dirs["root"]
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay in %s: %w", scratch, err)
	}
	if err := os.Mkdir(filepath.Join(root, oldRoot), 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(root, filepath.Join(root, oldRoot)); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return os.Chdir("/")
}

// furnish mounts what a container expects. All targets are looked up in the new
// root, so that no link of an image leads out of it.
func furnish(orders initOrders) error {
	for _, mount := range []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		{"tmpfs", "/dev", "tmpfs", unix.MS_NOSUID | unix.MS_STRICTATIME, "mode=755,size=65536k"},
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
	} {
		if err := os.MkdirAll(mount.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(mount.source, mount.target, mount.kind, mount.flags, mount.data); err != nil {
			return fmt.Errorf("mount %s: %w", mount.target, err)
		}
	}
	if err := makeDevices(); err != nil {
		return err
	}
	for _, b := range orders.Mounts {
		if err := b.mount(); err != nil {
			return fmt.Errorf("mount %s: %w", b.Target, err)
		}
	}
	if orders.Task.Privileged {
		return nil
	}
	return hideMachine()
}

func makeDevices() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		b := bind{Source: "/dev/" + name, Target: "/dev/" + name}
		if err := b.mount(); err != nil {
			return fmt.Errorf("device %s: %w", name, err)
		}
	}
	return errors.Join(
		os.Symlink("/proc/self/fd", "/dev/fd"), os.Symlink("/proc/self/fd/0", "/dev/stdin"),
		os.Symlink("/proc/self/fd/1", "/dev/stdout"), os.Symlink("/proc/self/fd/2", "/dev/stderr"),
		os.Symlink("pts/ptmx", "/dev/ptmx"),
	)
}

// mount binds the source, which is on the old root, to the target on the new.
func (b bind) mount() error {
	source, err := b.open()
	if err != nil {
		return err
	}
	defer unix.Close(source)
	var stat unix.Stat_t
	if err := unix.Fstat(source, &stat); err != nil {
		return err
	}
	if err := makeTarget(b.Target, stat.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", source), b.Target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if !b.ReadOnly {
		return nil
	}
	return unix.Mount("", b.Target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// open finds the source; links inside a volume stay in it.
func (b bind) open() (int, error) {
	root, err := unix.Open(oldRoot+b.Source, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil || b.SubPath == "" {
		return root, err
	}
	defer unix.Close(root)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(root, b.SubPath, &how)
	if errors.Is(err, unix.ENOENT) && b.Create {
		if err := makeInside(oldRoot+b.Source, b.SubPath); err != nil {
			return 0, err
		}
		fd, err = unix.Openat2(root, b.SubPath, &how)
	}
	if err != nil {
		return 0, fmt.Errorf("subPath %s: %w", b.SubPath, err)
	}
	return fd, nil
}

// makeInside makes a directory for all users, never outside of root.
func makeInside(root, path string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return dir.Chmod(path, 0o777)
}

func makeTarget(target string, isDir bool) error {
	if isDir {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return file.Close()
}

// hideMachine covers what tells of, or changes, the machine.
func hideMachine() error {
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"} {
		err := unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("hide %s: %w", path, err)
		}
	}
	for _, path := range []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"} {
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err == nil {
			err = unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}
		if err != nil {
			return fmt.Errorf("protect %s: %w", path, err)
		}
	}
	return nil
}
