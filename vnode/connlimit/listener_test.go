package connlimit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// queue is a listener whose clients are made up, each with the address that the
// test gives it.
type queue struct {
	net.Listener
	next chan net.Conn
}

func (q queue) Accept() (net.Conn, error) { return <-q.next, nil }

type addressed struct {
	net.Conn
	address net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.address }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// client is one end of a connection, and server the other as the Listener has it.
type client struct {
	net.Conn
	server net.Conn
}

func newTestListener(cfg Config) (*Listener, queue) {
	q := queue{next: make(chan net.Conn, 1)}
	return NewListener(q, cfg), q
}

func mustConnect(t *testing.T, l *Listener, q queue, from string) client {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	q.next <- addressed{ours, address(from)}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client{theirs, server}
}

// open reports whether the server still holds the connection.
func (c client) open() bool {
	conn := c.server.(*Conn)
	conn.listener.mu.Lock()
	defer conn.listener.mu.Unlock()
	return !conn.gone
}

func (c client) promote() error { return Promote(ConnContext(context.Background(), c.server)) }

func TestListener_DisplacesTheOldestOfTheBusiestSource(t *testing.T) {
	displaced := 0
	l, q := newTestListener(Config{Unauthenticated: 4, UnauthenticatedBytes: 1 << 20, Authenticated: 10, Displaced: func() { displaced++ }})
	quiet := mustConnect(t, l, q, "10.0.0.1:1")
	var busy []client
	for range 3 {
		busy = append(busy, mustConnect(t, l, q, "10.0.0.2:1"))
	}
	for range 20 {
		busy = append(busy, mustConnect(t, l, q, "10.0.0.2:1"))
	}
	if !quiet.open() {
		t.Error("the connection of a quiet source was displaced by those of a busy one")
	}
	for i, c := range busy {
		if want := i >= len(busy)-3; c.open() != want {
			t.Errorf("connection %d of the busy source: open %t, want %t", i, c.open(), want)
		}
	}
	if _, err := busy[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a displaced client reads %v", err)
	}
	if unauthenticated, _ := l.Counts(); unauthenticated != 4 || displaced != 20 {
		t.Errorf("%d connections, %d displaced", unauthenticated, displaced)
	}
}

func TestListener_AHostWithManyIPv6AddressesIsOneSource(t *testing.T) {
	l, q := newTestListener(Config{Unauthenticated: 2, UnauthenticatedBytes: 1 << 20})
	quiet := mustConnect(t, l, q, "[2001:db8:1::1]:1")
	for _, from := range []string{"[2001:db8:2::1]:1", "[2001:db8:2::2]:1", "[2001:db8:2::3]:1"} {
		mustConnect(t, l, q, from)
	}
	if !quiet.open() {
		t.Error("many addresses of one network displaced another")
	}
	if got := SourceOf("[::ffff:10.0.0.1]:5"); got != SourceOf("10.0.0.1:6") || got.Bits() != 32 {
		t.Errorf("a mapped address is %s", got)
	}
	if got := SourceOf("nonsense"); got.IsValid() {
		t.Errorf("nonsense is %s", got)
	}
}

func TestListener_BoundsWhatStrangersSend(t *testing.T) {
	l, q := newTestListener(Config{Unauthenticated: 10, UnauthenticatedBytes: 100, Authenticated: 10})
	send := func(c client, n int) {
		t.Helper()
		go func() { _, _ = c.Write(make([]byte, n)) }()
		if _, err := io.ReadFull(c.server, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	small, known, large := mustConnect(t, l, q, "10.0.0.1:1"), mustConnect(t, l, q, "10.0.0.1:2"), mustConnect(t, l, q, "10.0.0.1:3")
	send(known, 90)
	if err := known.promote(); err != nil {
		t.Fatal(err)
	}
	send(known, 500)
	send(small, 30)
	send(large, 60)
	if !small.open() || !large.open() || !known.open() {
		t.Error("a connection was closed below the bound")
	}
	send(small, 20)
	if large.open() || !small.open() || !known.open() {
		t.Errorf("above the bound: largest open %t, small open %t, known open %t", large.open(), small.open(), known.open())
	}
	if l.received != 50 {
		t.Errorf("%d bytes are held", l.received)
	}
}

func TestListener_BoundsAuthenticatedConnections(t *testing.T) {
	l, q := newTestListener(Config{Unauthenticated: 10, UnauthenticatedBytes: 100, Authenticated: 2})
	first, second, third := mustConnect(t, l, q, "10.0.0.1:1"), mustConnect(t, l, q, "10.0.0.1:2"), mustConnect(t, l, q, "10.0.0.1:3")
	for _, c := range []client{first, second, first} {
		ConnState(c.server, http.StateActive)
		if err := c.promote(); err != nil {
			t.Fatal(err)
		}
	}
	if err := third.promote(); !errors.Is(err, ErrFull) || !third.open() {
		t.Errorf("a third connection beside two that work: %v", err)
	}
	ConnState(second.server, http.StateIdle)
	if err := third.promote(); err != nil || second.open() || !first.open() {
		t.Errorf("a third connection beside one that waits: %v", err)
	}
	if err := second.promote(); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed connection: %v", err)
	}
	first.server.Close()
	third.server.Close()
	if unauthenticated, authenticated := l.Counts(); unauthenticated != 0 || authenticated != 0 {
		t.Errorf("%d and %d connections are left", unauthenticated, authenticated)
	}
}

// TestListener_ManyAddressesDisplaceNoKnownSource fills the listener with strangers, each
// with an address of its own, as the pods of one tenant have.
func TestListener_ManyAddressesDisplaceNoKnownSource(t *testing.T) {
	l, q := newTestListener(Config{Unauthenticated: 16, UnauthenticatedBytes: 1 << 20, Authenticated: 10})
	authorized := mustConnect(t, l, q, "10.0.0.1:1")
	if err := authorized.promote(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		mustConnect(t, l, q, fmt.Sprintf("10.1.0.%d:1", i))
	}
	var next []client
	for i := range 3 {
		next = append(next, mustConnect(t, l, q, fmt.Sprintf("10.0.0.1:%d", 2+i)))
	}
	for i := range 20 {
		mustConnect(t, l, q, fmt.Sprintf("10.2.0.%d:1", i))
	}
	for i, c := range next {
		if !c.open() {
			t.Errorf("connection %d of a source that was authorized was displaced", i)
		}
	}
}
