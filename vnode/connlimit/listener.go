package connlimit

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"k8s.io/utils/lru"
)

// ErrFull is returned by Promote when all authenticated connections are in use.
var ErrFull = errors.New("too many authenticated connections")

// ErrClosed is returned by Promote when the connection was displaced meanwhile.
var ErrClosed = errors.New("the connection is closed")

// Config holds the bounds of a Listener.
type Config struct {
	// Unauthenticated bounds the connections that have not been promoted.
	Unauthenticated int
	// UnauthenticatedBytes bounds what has been received on all of them together,
	// because a server holds the head of a request in memory until it is complete.
	UnauthenticatedBytes int64
	// Authenticated bounds the connections that have been promoted.
	Authenticated int
	// Displaced is called after an unauthenticated connection has been closed to
	// make room; nil for nobody.
	Displaced func()
}

// Listener accepts connections within bounds.
type Listener struct {
	net.Listener
	cfg Config

	mu              sync.Mutex
	unauthenticated pool
	authenticated   pool
	received        int64 // on unauthenticated connections
	accepted        uint64
	// known are the sources of which a connection was promoted lately.
	known *lru.Cache
}

// maxKnown bounds the remembered sources, which are API servers and scrapers of metrics.
const maxKnown = 100

// NewListener returns a Listener that accepts the connections of l.
func NewListener(l net.Listener, cfg Config) *Listener {
	return &Listener{Listener: l, cfg: cfg, unauthenticated: pool{}, authenticated: pool{}, known: lru.New(maxKnown)}
}

// Accept waits for the next connection and makes room for it.
func (l *Listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &Conn{Conn: accepted, listener: l, source: SourceOf(accepted.RemoteAddr().String())}
	l.mu.Lock()
	l.accepted++
	c.number = l.accepted
	l.unauthenticated[c] = struct{}{} // before the choice, as one more of its source
	var displaced *Conn
	if len(l.unauthenticated) > l.cfg.Unauthenticated {
		displaced = l.unauthenticated.oldestOfBusiestSource(l.isStranger)
		if displaced == nil {
			displaced = l.unauthenticated.oldestOfBusiestSource(func(*Conn) bool { return true })
		}
		l.forget(displaced)
	}
	l.mu.Unlock()
	l.displace(displaced)
	return c, nil
}

// isStranger reports whether nothing that was authorized has come from where c comes
// from: strangers may have more addresses than there is room.
func (l *Listener) isStranger(c *Conn) bool {
	_, known := l.known.Get(c.source)
	return !known
}

// Counts returns how many connections of each kind are open.
func (l *Listener) Counts() (unauthenticated, authenticated int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unauthenticated), len(l.authenticated)
}

// displace closes a connection that is already forgotten; nil is none.
func (l *Listener) displace(c *Conn) {
	if c == nil {
		return
	}
	c.Conn.Close()
	if l.cfg.Displaced != nil {
		l.cfg.Displaced()
	}
}

// forget removes c from the pool that it is in. The caller holds mu; nil is none.
func (l *Listener) forget(c *Conn) {
	if c == nil {
		return
	}
	c.gone = true
	delete(l.unauthenticated, c)
	delete(l.authenticated, c)
	l.received -= c.received
	c.received = 0
}

// count adds n bytes that an unauthenticated connection has received, and closes
// the largest ones while all together have received too many.
func (l *Listener) count(c *Conn, n int) {
	var displaced []*Conn
	l.mu.Lock()
	if !c.gone && !c.promoted.Load() {
		c.received += int64(n)
		l.received += int64(n)
	}
	for l.received > l.cfg.UnauthenticatedBytes && len(l.unauthenticated) > 0 {
		largest := l.unauthenticated.largest()
		l.forget(largest)
		displaced = append(displaced, largest)
	}
	l.mu.Unlock()
	for _, c := range displaced {
		l.displace(c)
	}
}

// promote moves c to the authenticated connections. When these are full, one that
// waits for another request makes room.
func (l *Listener) promote(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case c.gone:
		return ErrClosed
	case c.promoted.Load():
		return nil
	}
	if len(l.authenticated) >= l.cfg.Authenticated {
		idle := l.authenticated.oldestOfBusiestSource(func(c *Conn) bool { return c.idle })
		if idle == nil {
			return ErrFull
		}
		l.forget(idle)
		idle.Conn.Close()
	}
	l.received -= c.received
	c.received = 0
	delete(l.unauthenticated, c)
	l.authenticated[c] = struct{}{}
	c.promoted.Store(true)
	l.known.Add(c.source, nil)
	return nil
}

// Conn is a connection that a Listener has accepted.
type Conn struct {
	net.Conn
	listener *Listener
	source   netip.Prefix
	number   uint64 // in the order of Accept
	promoted atomic.Bool

	// Guarded by the mutex of the listener.
	received int64
	idle     bool
	gone     bool
}

// Read reads from the connection and counts what an unauthenticated one receives.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.promoted.Load() {
		c.listener.count(c, n)
	}
	return n, err
}

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	c.listener.mu.Lock()
	c.listener.forget(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

type contextKey struct{}

// ConnContext is for the field of that name of http.Server: it lets Promote find
// the connection of a request.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if conn := connOf(c); conn != nil {
		return context.WithValue(ctx, contextKey{}, conn)
	}
	return ctx
}

// ConnState is for the field of that name of http.Server: it notes which
// connections wait for another request.
func ConnState(c net.Conn, state http.ConnState) {
	conn := connOf(c)
	if conn == nil {
		return
	}
	conn.listener.mu.Lock()
	defer conn.listener.mu.Unlock()
	conn.idle = state == http.StateIdle
}

// Promote makes the connection of a request an authenticated one, which it stays.
// It returns ErrFull if there is no room. A request without a connection of a
// Listener has nothing to promote.
func Promote(ctx context.Context) error {
	conn, ok := ctx.Value(contextKey{}).(*Conn)
	if !ok {
		return nil
	}
	return conn.listener.promote(conn)
}

// connOf returns the connection of a Listener that c is or encrypts, or nil.
func connOf(c net.Conn) *Conn {
	if encrypted, ok := c.(*tls.Conn); ok {
		c = encrypted.NetConn()
	}
	conn, _ := c.(*Conn)
	return conn
}
