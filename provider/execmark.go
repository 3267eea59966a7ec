package provider

import (
	"bytes"
	"io"
	"strconv"
	"sync"
)

const (
	// maxPreface bounds what is kept of a text before the first mark: the reason why
	// there was none.
	maxPreface = 2 << 10
	// maxNumber is the longest number that stands between a mark and its ";": an exit
	// code or a process. What goes on without end is output.
	maxNumber = 20
)

// markReader passes on what a command prints between the marks of a script, and
// finds the exit code behind it. The bytes of a mark may come in any pieces.
type markReader struct {
	out  io.Writer
	mark []byte
	// onStart, onEnd are called once each, by Write.
	onStart, onEnd func()
	// stop is the error of a Write that has found the end, nil to go on.
	stop error

	mu      sync.Mutex
	held    []byte
	started bool
	unable  bool
	pid     int
	ended   bool
	code    int
}

func newMarkReader(out io.Writer, mark string, onStart, onEnd func(), stop error) *markReader {
	if out == nil {
		out = io.Discard
	}
	return &markReader{out: out, mark: []byte(mark + ":"), onStart: onStart, onEnd: onEnd, stop: stop}
}

func (m *markReader) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = append(m.held, p...)
	if !m.started && !m.findStart() {
		return len(p), nil
	}
	for !m.ended {
		if more, err := m.pass(); err != nil || !more {
			return len(p), err
		}
	}
	m.held = nil // what comes after the end is not the command's
	return len(p), m.stop
}

// number reads the digits up to the ";" that follow a mark. More reports whether
// they may go on in what is still to come; ok, whether they are all there.
func number(text []byte) (n int, rest []byte, more, ok bool) {
	digits, rest, whole := bytes.Cut(text[:min(len(text), maxNumber+1)], []byte(";"))
	if whole {
		rest = text[len(digits)+1:]
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, nil, false, false
		}
	}
	if !whole {
		return 0, nil, len(digits) <= maxNumber, false
	}
	n, err := strconv.Atoi(string(digits))
	return n, rest, false, err == nil
}

// findStart drops all up to the first mark.
func (m *markReader) findStart() bool {
	for {
		at := bytes.Index(m.held, m.mark)
		if at < 0 {
			m.keepEnd()
			return false
		}
		rest := m.held[at+len(m.mark):]
		if len(rest) == 0 {
			m.keepEnd()
			return false
		}
		if after, unable := bytes.CutPrefix(rest, []byte("-")); unable {
			m.begin(0, after)
			m.unable = true
			return true
		}
		if after, plus := bytes.CutPrefix(rest, []byte("+")); plus {
			pid, after, more, ok := number(after)
			if ok {
				m.begin(pid, after)
				return true
			}
			if more {
				m.keepEnd()
				return false
			}
		}
		m.held = rest // somebody else's
	}
}

// begin notes that what follows is the command's.
func (m *markReader) begin(pid int, rest []byte) {
	m.started, m.pid, m.held = true, pid, rest
	m.onStart()
}

// keepEnd forgets what comes before the end of held, in which a mark may begin. It
// copies: a slice would keep all that it was cut from.
func (m *markReader) keepEnd() {
	if len(m.held) > maxPreface {
		m.held = bytes.Clone(m.held[len(m.held)-maxPreface:])
	}
}

// pass writes what is surely output. More says to look again.
func (m *markReader) pass() (more bool, err error) {
	at := bytes.Index(m.held, m.mark)
	if at < 0 {
		return false, m.emit(len(m.held) - prefixAtEnd(m.held, m.mark))
	}
	if err := m.emit(at); err != nil {
		return false, err
	}
	code, _, more, ok := number(m.held[len(m.mark):])
	switch {
	case ok:
		m.ended, m.code = true, code
		m.onEnd()
		return true, nil
	case more:
		return false, nil // the rest of the code is to come
	}
	return true, m.emit(len(m.mark)) // somebody else's
}

func (m *markReader) emit(n int) error {
	if n <= 0 {
		return nil
	}
	_, err := m.out.Write(m.held[:n])
	if m.held = m.held[n:]; len(m.held) == 0 {
		m.held = nil // or what was passed on would be kept
	}
	return err
}

// flush passes on what was held back when no mark can come any more.
func (m *markReader) flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started || m.ended {
		return nil
	}
	return m.emit(len(m.held))
}

// result is what the marks told.
func (m *markReader) result() (started, unable, ended bool, code int, preface string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started {
		preface = string(bytes.TrimSpace(m.held))
	}
	return m.started, m.unable, m.ended, m.code, preface
}

// running is the process of the shell between the marks, 0 when it is not there. A
// shell that is process 1 leads no group: -1 stands for all that there are.
func (m *markReader) running() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended || m.pid <= 1 {
		return 0
	}
	return m.pid
}

// prefixAtEnd is the length of the longest end of text that begins mark.
func prefixAtEnd(text, mark []byte) int {
	for n := min(len(mark)-1, len(text)); n > 0; n-- {
		if bytes.HasSuffix(text, mark[:n]) {
			return n
		}
	}
	return 0
}
