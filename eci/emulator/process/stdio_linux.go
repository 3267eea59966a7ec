package process

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// stdio is what a container's first process reads and writes.
type stdio struct {
	// child are its ends, ours the others.
	child, ours []*os.File
	reading     sync.WaitGroup
}

// openStdio gives the process one pipe for stdout and stderr, so that their
// lines keep their order, or a terminal.
func (p *running) openStdio(cmd *exec.Cmd) (*stdio, error) {
	s := &stdio{}
	output, err := s.open(cmd, isSet(p.run.Container.TTY), isSet(p.run.Container.Stdin))
	if err != nil {
		s.started()
		s.close()
		return nil, err
	}
	s.reading.Go(func() { copyLog(output, p.run.Log) })
	return s, nil
}

func (s *stdio) open(cmd *exec.Cmd, tty, stdin bool) (*os.File, error) {
	if tty {
		master, terminal, err := openTerminal("/dev")
		if err != nil {
			return nil, err
		}
		s.child, s.ours = append(s.child, terminal), append(s.ours, master)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
		cmd.SysProcAttr.Setctty = true
		return master, nil
	}
	if stdin {
		// Nobody writes: it is open, and silent, until the container ends.
		read, write, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		s.child, s.ours = append(s.child, read), append(s.ours, write)
		cmd.Stdin = read
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.child, s.ours = append(s.child, write), append(s.ours, read)
	cmd.Stdout, cmd.Stderr = write, write
	return read, nil
}

// started closes the child's ends here.
func (s *stdio) started() { closeAll(s.child) }

// drained waits until all that was printed has been read.
func (s *stdio) drained() { s.reading.Wait() }

func (s *stdio) close() {
	s.reading.Wait()
	closeAll(s.ours)
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// copyLog passes on what is printed, never half of a character.
func copyLog(from io.Reader, log func(string)) {
	buffer := make([]byte, 32<<10)
	kept := 0
	for {
		n, err := from.Read(buffer[kept:])
		n += kept
		whole := n
		if err == nil {
			whole = wholeRunes(buffer[:n])
		}
		if whole > 0 {
			log(string(buffer[:whole]))
		}
		kept = copy(buffer, buffer[whole:n])
		if err != nil {
			return // the end, or EIO of a terminal whose other end is closed
		}
	}
}

// wholeRunes is the length without an unfinished character at the end.
func wholeRunes(text []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if at := len(text) - back; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return at
			}
			break
		}
	}
	return len(text)
}

// openTerminal makes a terminal from the devpts that dev/ptmx belongs to.
func openTerminal(dev string) (master, terminal *os.File, err error) {
	master, err = os.OpenFile(dev+"/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	// The peer is opened by the master, as its name may not be in our /dev.
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return nil, nil, errors.Join(errno, master.Close())
	}
	return master, os.NewFile(fd, "terminal"), nil
}
