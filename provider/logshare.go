package provider

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// logShares lets those who follow the same log share what is read of it, so that
// the calls of the cloud do not depend on how many they are.
type logShares struct {
	mu   sync.Mutex
	logs map[logID]*logShare
}

// logID is one run of a container.
type logID struct {
	group, container string
	restarts         int32
}

// logShare is the last read of a log that is followed.
type logShare struct {
	followers int
	read      *sharedRead
}

// sharedRead is a read that others may take part in. Content and err are there once
// done is closed.
type sharedRead struct {
	logTurn
	previous bool
	start    time.Time
	done     chan struct{}
	content  string
	err      error
}

// logTurn is when a read is made: at a time that all followers of a log share, which
// the first read of a follower does not have, or after the end of the run, when all
// reads are the same.
type logTurn struct {
	at   time.Time
	over bool
}

// membership is the part of one reader in the reads that followers of a log share.
// The zero value shares with nobody, and may be left like any other.
type membership struct {
	id     logID
	share  *logShare
	shares *logShares
}

// join makes c take part in what others read of its log until it leaves, if its log
// is followed.
func (c *logCursor) join(followed bool) {
	c.id = logID{c.at.entry.groupID, c.at.container, c.at.restarts()}
	if followed {
		c.membership = c.p.logShares.join(c.id)
	}
}

// join adds a reader to those of a log.
func (s *logShares) join(id logID) membership {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logs == nil {
		s.logs = map[logID]*logShare{}
	}
	if s.logs[id] == nil {
		s.logs[id] = &logShare{}
	}
	s.logs[id].followers++
	return membership{id: id, share: s.logs[id], shares: s}
}

// shared reports whether the reader takes part in the reads of others.
func (m *membership) shared() bool { return m.share != nil }

// leave ends the part of the reader. It may be called more than once.
func (m *membership) leave() {
	if !m.shared() {
		return
	}
	m.shares.mu.Lock()
	defer m.shares.mu.Unlock()
	if m.share.followers--; m.share.followers == 0 {
		delete(m.shares.logs, m.id)
	}
	m.share = nil
}

// turnAfter is the next of the times, a period apart, at which this log is read.
// Logs differ in theirs, so that not all are read at once.
func (id logID) turnAfter(now time.Time, period time.Duration) time.Time {
	sum := fnv.New32a()
	sum.Write([]byte(id.group + "/" + id.container))
	phase := int64(sum.Sum32()) % int64(followEvery)
	return now.Add(period - time.Duration((now.UnixNano()-phase)%int64(period)))
}

// fits says whether a read gives what a cursor would get by one of its own. One
// that begins earlier has more lines, which a cursor knows by its mark. One that is
// under way is good for all but the last turn: while calls wait for the budget,
// there is one of each log.
func (r *sharedRead) fits(c *logCursor) bool {
	inTime := r.underWay() || !c.turn.at.IsZero() && r.at.Equal(c.turn.at)
	if c.turn.over {
		inTime = r.over
	}
	covers := r.start.Equal(c.start()) || r.start.Before(c.start()) && !c.mark.stamp.IsZero()
	return inTime && r.previous == c.previous && covers
}

func (r *sharedRead) underWay() bool {
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// readShared reads for c, or gives what another follower has read in this turn.
func (s *logShares) readShared(ctx context.Context, c *logCursor) (string, error) {
	for {
		s.mu.Lock()
		read := c.share.read
		if read == nil || !read.fits(c) {
			read = &sharedRead{logTurn: c.turn, previous: c.previous, start: c.start(), done: make(chan struct{})}
			c.share.read = read
			s.mu.Unlock()
			return s.lead(ctx, c, read)
		}
		s.mu.Unlock()
		select {
		case <-read.done:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if !errors.Is(read.err, context.Canceled) && !errors.Is(read.err, context.DeadlineExceeded) && !errors.Is(read.err, errReadBroken) {
			return read.content, read.err
		}
		// Who read has left, or broke off. No other can take part in it any more.
	}
}

// errReadBroken is what those are told who took part in a read that panicked.
var errReadBroken = errors.New("the shared read of the log broke off")

// lead makes a read that others wait for. One that fails is of no use to who comes
// later. Whatever happens in it, nobody waits for it afterwards.
func (s *logShares) lead(ctx context.Context, c *logCursor, read *sharedRead) (string, error) {
	read.err = errReadBroken
	defer func() {
		if read.err != nil {
			s.drop(c.share, read)
		}
		close(read.done)
	}()
	read.content, read.err = c.p.readLog(ctx, c.request())
	return read.content, read.err
}

// drop takes a read off the log that it is of.
func (s *logShares) drop(share *logShare, read *sharedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if share.read == read {
		share.read = nil
	}
}

// read reads once. Only the largest window is shared: others look for a place in
// the log that only this cursor knows.
func (c *logCursor) read(ctx context.Context) (string, error) {
	if !c.shared() || c.tail != eci.MaxLogLines || c.byCloudClock() {
		return c.p.readLog(ctx, c.request())
	}
	return c.p.logShares.readShared(ctx, c)
}
