package provider

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

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
// is new. It ends with the log, with ctx, or when the reader is closed, and owns
// the membership of the cursor until then.
func (p *Provider) startFollower(ctx context.Context, log *logCursor) io.ReadCloser {
	out, in := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer utilruntime.HandleCrashWithContext(ctx, func(context.Context, any) { in.CloseWithError(errFollowerBroken) })
		defer close(done)
		defer cancel()
		// A reader who neither reads nor closes would hold a write for ever.
		defer context.AfterFunc(ctx, func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			in.Close()
		})()
		in.CloseWithError(p.followLog(ctx, in, log))
	}()
	return &followReader{PipeReader: out, ended: done, stop: func() { cancel(); out.Close(); <-done }}
}

// errFollowerBroken is what a reader is told of a panic; the log has its stack.
var errFollowerBroken = errors.New("following the log broke off by an error of this node: try again")

// followReader ends its writer when it is closed.
type followReader struct {
	*io.PipeReader
	ended <-chan struct{}
	stop  func()
}

// Close returns when the follower has ended.
func (r *followReader) Close() error {
	r.stop()
	return nil
}

// followLog writes what is pending, and what comes after it, to w until the run of
// the container is over and was read to its end. The cursor leaves before the reader
// hears of the end.
func (p *Provider) followLog(ctx context.Context, w io.Writer, log *logCursor) error {
	defer log.leave()
	lastRead := p.deps.Clock.Now()
	for {
		lines := len(log.pending)
		if !log.pass(w) || log.ended() || log.full() || !log.rest(ctx, lines) {
			return nil
		}
		was := log.turn.over
		log.turn.over = was || p.runOver(log.at)
		log.previous = log.previous || log.turn.over && p.replaced(log.at)
		var err error
		log.pending, err = log.next(ctx)
		switch {
		case err == nil:
			lastRead = p.deps.Clock.Now()
		case ctx.Err() != nil, eci.IsNotFound(err):
			return nil // nobody listens, or the group is gone with its log
		case !eci.IsRetryable(err) || p.deps.Clock.Since(lastRead) > followPatience:
			return log.at.failed("following the log", err)
		default:
			log.turn.over, log.pending = was, nil // read again before the end
			if !p.sleep(ctx, followEvery) {
				return nil
			}
		}
	}
}

// pass writes what is pending; it is false when the reader has left.
func (c *logCursor) pass(w io.Writer) bool {
	for _, line := range c.show(c.pending) {
		if _, err := io.WriteString(w, line); err != nil {
			return false
		}
	}
	c.pending = nil
	return true
}

// rest waits for the next turn of the log after a read of so many lines, unless
// its newest lines are still to come; it is false when ctx has ended.
func (c *logCursor) rest(ctx context.Context, lines int) bool {
	if c.cut {
		return true
	}
	now := c.p.deps.Clock.Now()
	c.turn.at = c.id.turnAfter(now, pace(lines))
	return c.p.sleep(ctx, c.turn.at.Sub(now))
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
