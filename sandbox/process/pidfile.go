package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// HeldError says that another live process holds a pid file.
type HeldError struct {
	PID  int
	Path string
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("process %d holds %s", e.PID, e.Path)
}

// PIDFile is held by this process. The kernel releases the lock when the
// process ends, however it ends, so a held file always names a live process.
type PIDFile struct{ file *os.File }

// Hold takes the pid file for this process, or returns a HeldError.
func Hold(path string) (*PIDFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			pid, _ := ReadPID(path) // 0 in the instant before the holder has written it
			return nil, &HeldError{PID: pid, Path: path}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &PIDFile{file}, writePID(path, os.Getpid())
}

// Release removes the file. Its lock stays until the process ends, for whoever
// has opened the file to wait for that.
func (f *PIDFile) Release() error { return os.Remove(f.file.Name()) }

// Holder returns the process that holds the pid file, 0 for none.
func Holder(path string) (int, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	held, err := IsHeld(file)
	if !held || err != nil {
		return 0, err
	}
	return ReadPID(path)
}

// IsHeld says whether the process that holds an opened pid file lives. It does so
// also after the file was released.
func IsHeld(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		return false, syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return true, nil
}

// ReadPID returns the number in a pid file, whether or not that process lives;
// 0 when there is no such file or it is still empty.
func ReadPID(path string) (int, error) {
	content, err := os.ReadFile(path)
	text := strings.TrimSpace(string(content))
	if errors.Is(err, fs.ErrNotExist) || err == nil && text == "" {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(text)
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s does not hold a process id: %q", path, text)
	}
	return pid, nil
}

func writePID(path string, pid int) error {
	return os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"), 0o644)
}
