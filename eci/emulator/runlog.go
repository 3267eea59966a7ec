package emulator

import (
	"strings"
	"sync"
	"time"
)

// maxLogKept bounds what is kept of one run, in bytes: no answer holds more
// than half of it.
const maxLogKept = 2 << 20

// runLog is what one run printed, line by line.
type runLog struct {
	clock Clock

	mu      sync.Mutex
	lines   []logLine
	size    int
	partial string
}

type logLine struct {
	at   time.Time
	text string
}

func newRunLog(clock Clock) *runLog { return &runLog{clock: clock} }

// append takes output in pieces; a line counts from its end.
func (l *runLog) append(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = l.partial + text
	for {
		line, rest, whole := strings.Cut(text, "\n")
		if !whole {
			break
		}
		l.add(line)
		text = rest
	}
	l.partial = text
}

// flush ends a last line without a line feed.
func (l *runLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.partial != "" {
		l.add(l.partial)
		l.partial = ""
	}
}

func (l *runLog) add(line string) {
	l.lines = append(l.lines, logLine{l.clock.Now(), line})
	l.size += len(line) + 1
	for l.size > maxLogKept {
		l.size -= len(l.lines[0].text) + 1
		l.lines = l.lines[1:]
	}
}

// end returns the last lines as a termination message: at most 80 lines and
// 2048 bytes, as the kubelet takes them.
func (l *runLog) end() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	for _, line := range l.lines[max(0, len(l.lines)-80):] {
		text.WriteString(line.text + "\n")
	}
	all := text.String()
	return all[max(0, len(all)-2048):]
}

// since returns the lines from a time on.
func (l *runLog) since(from time.Time) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []logLine
	for _, line := range l.lines {
		if !line.at.Before(from) {
			found = append(found, line)
		}
	}
	return found
}
