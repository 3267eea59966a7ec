package execstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// flood is how many bytes a server sends in these tests.
	flood = 1 << 30
	// maxHeld is how much of them may be on the heap.
	maxHeld = 64 << 20
)

func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// watchedWriter counts what it is given, and looks at the heap meanwhile.
type watchedWriter struct{ bytes, writes, most uint64 }

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.bytes += uint64(len(p))
	if w.writes++; w.writes%512 == 0 {
		w.most = max(w.most, heapInUse())
	}
	return len(p), nil
}

// mustDial opens a stream to a server that says one thing.
func mustDial(t *testing.T, framing Framing, say func(*websocket.Conn)) *Stream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		say(conn)
	}))
	t.Cleanup(server.Close)
	stream, err := new(Dialer).Dial(t.Context(), eci.Secret("ws"+strings.TrimPrefix(server.URL, "http")), framing)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

// sayAll sends size bytes as one message, after a prefix.
func sayAll(conn *websocket.Conn, prefix string, size int) {
	w, err := conn.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return
	}
	piece := bytes.Repeat([]byte("x"), 256<<10)
	_, err = io.WriteString(w, prefix)
	for range size / len(piece) {
		if err != nil {
			return
		}
		_, err = w.Write(piece)
	}
	_ = w.Close()
}

func TestCopy_HoldsLittleOfAMessageWithoutEnd(t *testing.T) {
	for framing, prefix := range map[Framing]string{Raw: "", V5: "\x01", V4: "\x02"} {
		t.Run(string(framing), func(t *testing.T) {
			runtime.GC()
			before, out := heapInUse(), &watchedWriter{}
			stream := mustDial(t, framing, func(conn *websocket.Conn) {
				sayAll(conn, prefix, flood/3)
				_ = conn.WriteMessage(websocket.BinaryMessage, []byte("\x03{\"status\":\"Success\"}"))
			})
			_, err := stream.Copy(t.Context(), out, out)
			if err != nil || out.bytes < flood/3-1<<20 {
				t.Errorf("%d bytes, %v", out.bytes, err)
			}
			if out.most > before+maxHeld {
				t.Errorf("%d MB were held", (out.most-before)>>20)
			}
		})
	}
}

func TestCopy_RefusesAStatusWithoutEnd(t *testing.T) {
	stream := mustDial(t, V5, func(conn *websocket.Conn) { sayAll(conn, "\x03{\"status\":\"", flood) })
	if _, err := stream.Copy(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "status is longer") {
		t.Errorf("got %v", err)
	}
}

func TestCopy_ShortensWhatAFailureTells(t *testing.T) {
	stream := mustDial(t, V5, func(conn *websocket.Conn) {
		_ = conn.WriteMessage(websocket.BinaryMessage, []byte("\x03{\"status\":\"Failure\",\"message\":\""+strings.Repeat("x", 60<<10)+"\"}"))
	})
	if exit, err := stream.Copy(t.Context(), nil, nil); err != nil || len(exit.Failure) != maxFailure {
		t.Errorf("%d bytes, %v", len(exit.Failure), err)
	}
}

func TestDial_RefusesAnAnswerWithoutEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	runtime.GC()
	before, sent := heapInUse(), make(chan int, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		n, _ := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nX-Long: ")
		piece := bytes.Repeat([]byte("x"), 256<<10)
		for err == nil && n < flood {
			var m int
			m, err = conn.Write(piece)
			n += m
		}
		sent <- n
	}()
	_, err = new(Dialer).Dial(t.Context(), eci.Secret("ws://"+listener.Addr().String()), Auto)
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
	if n := <-sent; n >= flood {
		t.Errorf("%d bytes were read", n)
	}
	if after := heapInUse(); after > before+maxHeld {
		t.Errorf("%d MB are held", (after-before)>>20)
	}
}

func TestCopy_TurnsPanicsIntoErrors(t *testing.T) {
	hold := func(release <-chan struct{}) func(*websocket.Conn) {
		return func(conn *websocket.Conn) {
			_ = conn.WriteMessage(websocket.BinaryMessage, []byte("\x01out"))
			<-release
		}
	}
	for name, tc := range map[string]struct {
		change func(*Stream)
		out    io.Writer
	}{
		"of the pings":  {change: func(s *Stream) { s.pingEvery = -time.Second }}, // NewTicker panics
		"of the writer": {change: func(*Stream) {}, out: panickyWriter{}},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			defer close(release)
			stream := mustDial(t, V5, hold(release))
			tc.change(stream)
			if _, err := stream.Copy(t.Context(), tc.out, nil); err == nil || !strings.Contains(err.Error(), "panic") {
				t.Errorf("got %v", err)
			}
		})
	}
	release := make(chan struct{})
	defer close(release)
	stream := mustDial(t, V5, hold(release))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stream.Copy(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the context: %v", err)
	}
}

type panickyWriter struct{}

func (panickyWriter) Write([]byte) (int, error) { panic("injected") }
