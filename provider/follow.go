package provider

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// followEvery is the time between two reads of a followed log, by all who
	// follow it: the account has 500 of them a minute. followBusy is that of a log which prints more
	// than busyLines in it, so that the next window still has them all.
	followEvery = 2 * time.Second
	followBusy  = 250 * time.Millisecond
	busyLines   = eci.MaxLogLines / 8
	// followPatience is how long a log may be unreadable before its reader is
	// told.
	followPatience = 10 * time.Minute
)

// startFollower streams a log by asking again and again and passing on only what
// is new. lines were read already.
func (p *Provider) startFollower(ctx context.Context, log *logCursor, lines []string, over bool) io.ReadCloser {
	out, in := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.CloseWithError(p.followLog(ctx, in, log, lines, over))
	}()
	return &followReader{PipeReader: out, stop: func() { cancel(); out.Close(); <-done }}
}

// followReader ends its writer when it is closed.
type followReader struct {
	*io.PipeReader
	stop func()
}

func (r *followReader) Close() error {
	r.stop()
	return nil
}

// followLog writes lines, and what comes after them, to w until the run of the
// container is over and was read to its end.
func (p *Provider) followLog(ctx context.Context, w io.Writer, log *logCursor, lines []string, over bool) error {
	defer log.leave()
	lastRead := p.deps.Clock.Now()
	for {
		for _, line := range log.show(lines) {
			if _, err := io.WriteString(w, line); err != nil {
				return nil // the reader has left
			}
		}
		if over && !log.cut || log.full() {
			return nil
		}
		if !log.cut {
			now := p.deps.Clock.Now()
			log.turn.at = log.id.turnAfter(now, pace(len(lines)))
			if !p.sleep(ctx, log.turn.at.Sub(now)) {
				return nil
			}
		}
		was := over
		over = over || p.runOver(log.at)
		log.turn.over = over
		log.previous = log.previous || over && p.replaced(log.at)
		var err error
		lines, err = log.next(ctx)
		switch {
		case err == nil:
			lastRead = p.deps.Clock.Now()
		case ctx.Err() != nil, eci.IsNotFound(err):
			return nil // nobody listens, or the group is gone with its log
		case !eci.IsRetryable(err) || p.deps.Clock.Since(lastRead) > followPatience:
			return log.at.failed("following the log", err)
		default:
			over, lines = was, nil // read again before the end
			if !p.sleep(ctx, followEvery) {
				return nil
			}
		}
	}
}

// pace is the pause after a read of so many lines.
func pace(lines int) time.Duration {
	if lines > busyLines {
		return followBusy
	}
	return followEvery
}

func (p *Provider) sleep(ctx context.Context, d time.Duration) bool {
	timer := p.deps.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// logMark remembers where a followed log stands: the newest timestamp and how
// many lines with it were passed on, since several lines may share one.
type logMark struct {
	stamp time.Time
	count int
}

// fresh returns the lines of content, each with its timestamp, that were not
// returned before. A line without a timestamp has that of the line before it.
func (m *logMark) fresh(content string) []string {
	var fresh []string
	was := *m
	stamp, same := was.stamp, 0 // same counts the lines met that carry was.stamp
	for line := range strings.Lines(content) {
		line = strings.TrimSuffix(line, "\n")
		if t, _, ok := cutStamp(line); ok {
			stamp = t
		}
		if stamp.Equal(was.stamp) {
			same++
		}
		if stamp.Before(was.stamp) || stamp.Equal(was.stamp) && same <= was.count {
			continue
		}
		fresh = append(fresh, line)
		if !stamp.Equal(m.stamp) {
			m.stamp, m.count = stamp, 0
		}
		m.count++
	}
	return fresh
}
