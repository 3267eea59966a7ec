package provider

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// cutSlack is how far below eci.MaxLogBytes an answer counts as cut, in bytes: it
// may end with a whole line, and container runtimes end lines at 16 KiB.
const cutSlack = 16<<10 + 64

// maxLogPage bounds an answer: what is longer than the cloud promises is kept for
// every reader of the log.
const maxLogPage = 2 * eci.MaxLogBytes

// windowTries bounds the search for a window that goes on where the last ended:
// eleven halvings, and some more as the log grows meanwhile.
const windowTries = 24

// sameTime is the number of additional lines in the first read of a followed log. Later
// reads tell new lines by timestamp and count, so that the first has to see all lines
// with the newest timestamp.
const sameTime = 200

// logCursor walks through a log that can only be asked for its newest lines. It
// always asks with timestamps, knows by them what is new, and takes them off.
type logCursor struct {
	p    *Provider
	at   place
	opts api.ContainerLogOpts
	mark logMark
	// since is the time before which no line is wanted; began that of the first
	// read.
	since, began time.Time
	// left is how many bytes may still be shown; negative is no limit.
	left int
	// tail is the window of the next read, newest the part of the first window that the
	// client wants, both in lines.
	tail, newest int32
	// reads counts the reads with success.
	reads int
	// previous reads the run before.
	previous bool
	// cut says that the newest lines are still to come.
	cut bool
	// pending are lines that were read and not yet passed on.
	pending []string
	// membership is in the reads of others; turn is when the next read is made.
	membership
	turn logTurn
}

// ended reports whether all of the log was read: no more lines can come.
func (c *logCursor) ended() bool { return c.turn.over && !c.cut }

func newLogCursor(p *Provider, at place, opts api.ContainerLogOpts) *logCursor {
	c := &logCursor{p: p, at: at, opts: opts, since: opts.SinceTime, began: p.deps.Clock.Now(), left: -1, newest: eci.MaxLogLines, previous: opts.Previous}
	switch {
	case opts.Tail > 0:
		c.newest = int32(min(opts.Tail, eci.MaxLogLines))
	case opts.Tail < 0:
		c.newest = 0
	}
	c.tail = max(c.newest, 1) // a line that is not shown tells where the log stands
	if opts.Follow {
		c.tail = min(c.newest+sameTime, eci.MaxLogLines)
	}
	if opts.LimitBytes > 0 {
		c.left = opts.LimitBytes
	}
	return c
}

// request asks from the second of the last line on; before the first line, for
// what the client wants.
func (c *logCursor) request() *eci.DescribeContainerLogRequest {
	req := &eci.DescribeContainerLogRequest{
		ContainerGroupID: c.at.entry.groupID, ContainerName: c.at.container, Tail: c.tail, Timestamps: ptr.To(true),
	}
	if c.previous {
		req.LastTime = ptr.To(true)
	}
	if start := c.start(); !start.IsZero() {
		req.StartTime = start.Format(time.RFC3339)
	}
	if c.byCloudClock() {
		req.StartTime, req.SinceSeconds = "", int32(c.sinceSeconds()/time.Second)
	}
	return req
}

// byCloudClock: the next read is the first, and of the last seconds.
func (c *logCursor) byCloudClock() bool {
	return c.mark.stamp.IsZero() && c.since.IsZero() && c.reads == 0 && c.opts.SinceSeconds > 0
}

// start is the time from which on the log is wanted, in whole seconds, as the API
// takes it; zero for all of it.
func (c *logCursor) start() time.Time {
	switch {
	case !c.mark.stamp.IsZero():
		return c.mark.stamp.UTC().Truncate(time.Second)
	case !c.since.IsZero():
		return c.since.UTC().Truncate(time.Second)
	case c.opts.SinceSeconds > 0:
		return c.began.Add(-c.sinceSeconds()).UTC().Truncate(time.Second)
	}
	return time.Time{}
}

func (c *logCursor) sinceSeconds() time.Duration {
	return time.Duration(min(c.opts.SinceSeconds, math.MaxInt32)) * time.Second
}

// next returns the lines that are new, with their timestamps. Where lines were
// lost, missingLines stands for them.
func (c *logCursor) next(ctx context.Context) ([]string, error) {
	search := windowSearch{none: eci.MaxLogLines + 1}
	for range windowTries {
		content, err := c.read(ctx)
		if err != nil {
			return nil, err
		}
		page := parsePage(content)
		switch {
		case c.reads == 0 && page.cut && c.wider():
			c.tail = max(c.newest, 1) // lines as long as that are few at one time
			continue
		case c.reads == 0 && c.wider() && c.tail < eci.MaxLogLines && page.ofOneTime(c.tail):
			c.tail = eci.MaxLogLines // more lines of that time may be before the window
			continue
		case c.gap(page) && c.tail < eci.MaxLogLines:
			c.tail = search.further(c.tail, page)
			continue
		case page.cut && c.tail > 1 && !c.news(page):
			if !search.nearer(c.tail) {
				c.tail = search.middle()
				continue
			}
			c.tail, page = search.late, search.page
			return c.take(page), nil
		case c.gap(page):
			return append([]string{missingLines(c.at.container)}, c.take(page)...), nil
		}
		return c.take(page), nil
	}
	c.tail, c.cut = eci.MaxLogLines, false
	return []string{missingLines(c.at.container)}, nil
}

// wider reports whether the window has more lines than are wanted of the first read.
func (c *logCursor) wider() bool { return c.tail > max(c.newest, 1) }

// take returns what is new of a page and chooses the next window.
func (c *logCursor) take(page logPage) []string {
	c.reads++
	c.advance(page)
	lines := c.mark.fresh(page.content)
	if c.reads == 1 && !page.cut {
		lines = lines[max(len(lines)-int(c.newest), 0):]
	}
	return lines
}

// news says whether a page has a line that was not read.
func (c *logCursor) news(page logPage) bool {
	mark := c.mark
	return len(mark.fresh(page.content)) > 0
}

// windowSearch looks for the window that begins where the last one ended, by
// halving. A window of so many lines as late begins too late, unless one of
// late+1 has nothing new; none is one that has nothing new.
type windowSearch struct {
	late, none int32
	page       logPage // that of late
}

// further notes a window that begins too late, and returns the next to try.
func (s *windowSearch) further(lines int32, page logPage) int32 {
	s.late, s.page = lines, page
	if s.none <= lines {
		s.none = eci.MaxLogLines + 1 // the log has grown meanwhile
	}
	return min(max(s.middle(), lines+1), eci.MaxLogLines)
}

// nearer notes a window with nothing new, and says that late was right.
func (s *windowSearch) nearer(lines int32) bool {
	s.none = lines
	if s.late >= lines {
		s.late = 0
	}
	return s.late > 0 && s.late+1 == lines
}

func (s *windowSearch) middle() int32 { return max((s.late+s.none)/2, 1) }

// gap says that the window begins after the line that was read last, full as it
// is: what was between has left the window.
func (c *logCursor) gap(page logPage) bool {
	return !c.mark.stamp.IsZero() && page.first.After(c.mark.stamp) && (page.cut || int32(page.lines) >= c.tail)
}

// advance chooses the next window: after a cut one that begins shortly before
// its end, else the largest.
func (c *logCursor) advance(page logPage) {
	c.cut = page.cut
	if !page.cut {
		c.tail = eci.MaxLogLines
		return
	}
	c.tail = min(max(c.tail-int32(page.lines)+int32(page.lines/8)+1, 1), eci.MaxLogLines)
}

// show turns lines into what the client sees of them.
func (c *logCursor) show(lines []string) []string {
	var out []string
	for _, line := range lines {
		stamp, text, stamped := cutStamp(line)
		if stamped && stamp.Before(c.since) {
			continue
		}
		if stamped && !c.opts.Timestamps {
			line = text
		}
		line += "\n"
		if c.left >= 0 {
			line = line[:min(len(line), c.left)]
			c.left -= len(line)
		}
		out = append(out, line)
	}
	return out
}

// full says that the client has all the bytes that it wants.
func (c *logCursor) full() bool { return c.left == 0 }

// logPage is one answer.
type logPage struct {
	content string
	lines   int
	// first and last are the times of the first and the last line that have one.
	first, last time.Time
	// cut: the answer ends before the log.
	cut bool
}

// ofOneTime reports whether the page fills a window of so many lines and all of them
// carry the same time.
func (p *logPage) ofOneTime(window int32) bool {
	return int32(p.lines) >= window && p.first.Equal(p.last)
}

// parsePage drops the part of a line at the end of a cut answer.
func parsePage(content string) logPage {
	page := logPage{content: content, cut: len(content) >= eci.MaxLogBytes-cutSlack}
	if end := strings.LastIndexByte(content, '\n'); page.cut && end >= 0 {
		page.content = content[:end+1]
	} else {
		page.cut = false // one line alone is longer than an answer
	}
	for line := range strings.Lines(page.content) {
		page.lines++
		if stamp, _, ok := cutStamp(line); ok {
			if page.first.IsZero() {
				page.first = stamp
			}
			page.last = stamp
		}
	}
	return page
}

// cutStamp splits a line into its time and its text.
func cutStamp(line string) (time.Time, string, bool) {
	stamp, text, _ := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(stamp, "\n"))
	return at, text, err == nil
}

// readLog asks once.
func (p *Provider) readLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (string, error) {
	resp, err := p.cloud.DescribeContainerLog(ctx, req)
	if err != nil {
		return "", err
	}
	if len(resp.Content) > maxLogPage {
		return "", fmt.Errorf("the cloud answered with %d bytes of log, and promises at most %d", len(resp.Content), eci.MaxLogBytes)
	}
	return resp.Content, nil
}
