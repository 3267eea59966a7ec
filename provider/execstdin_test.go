package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	clocktesting "k8s.io/utils/clock/testing"
	utilexec "k8s.io/utils/exec"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// carried is a carrier of blocks whose clock stands still, and what the other end
// of its stream gets.
type carried struct {
	*carrier
	clock    *clocktesting.FakeClock
	messages chan []byte
	// leave makes the other end close the stream.
	leave context.CancelFunc
}

func mustCarry(t *testing.T, stdin io.Reader) *carried {
	t.Helper()
	c := &carried{clock: clocktesting.NewFakeClock(time.Unix(0, 0)), messages: make(chan []byte)}
	ctx, leave := context.WithCancel(t.Context())
	c.leave = leave
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		defer close(c.messages)
		for {
			_, message, err := conn.ReadMessage()
			if err != nil {
				return
			}
			select {
			case c.messages <- message:
			case <-ctx.Done():
				return
			}
		}
	}))
	t.Cleanup(func() { leave(); server.Close() })
	stream, err := new(execstream.Dialer).Dial(t.Context(), eci.Secret("ws"+strings.TrimPrefix(server.URL, "http")), execstream.Raw)
	if err != nil {
		t.Fatal(err)
	}
	plan := execPlan{framing: execstream.Raw, stdin: true, blocks: true}
	c.carrier = newCarrier(terminalSession{stdin: stdin, stdout: io.Discard}, plan, stream, c.clock)
	return c
}

// runIn runs the carrier beside the test.
func (c *carried) runIn(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.run(ctx) }()
	return done
}

func (c *carried) mustGet(t *testing.T, want string) {
	t.Helper()
	select {
	case got, more := <-c.messages:
		if string(got) != want {
			t.Fatalf("the message is %.60q (more %v), want %.60q", got, more, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nothing came, want %.60q", want)
	}
}

// blocksOf takes blocks apart, and says whether their end came.
func blocksOf(t *testing.T, stream []byte) (sizes []int, data []byte, ended bool) {
	t.Helper()
	for len(stream) > 0 && !ended {
		head, rest, found := bytes.Cut(stream, []byte{'\n'})
		size, err := strconv.Atoi(string(head))
		if !found || err != nil || size > len(rest) {
			t.Fatalf("a block of %d bytes begins with %.20q (%v)", len(rest), stream, err)
		}
		data, stream, ended = append(data, rest[:size]...), rest[size:], size == 0
		if size > 0 {
			sizes = append(sizes, size)
		}
	}
	if len(stream) > 0 {
		t.Fatalf("%.20q comes after the end", stream)
	}
	return sizes, data, ended
}

func TestWhatComesQuicklyGoesInFewBlocksInOrder(t *testing.T) {
	var want bytes.Buffer
	for i := 0; want.Len() < 10*blockSize; i++ {
		fmt.Fprintf(&want, "%d,", i)
	}
	want.WriteString("end")
	c := mustCarry(t, bytes.NewReader(want.Bytes()))
	done := c.runIn(t.Context())
	var stream []byte
	for !bytes.HasSuffix(stream, []byte("end0\n")) {
		message, more := <-c.messages
		if !more || len(message) > chunkSize {
			t.Fatalf("a message of %d bytes (more %v)", len(message), more)
		}
		stream = append(stream, message...)
	}
	c.leave()
	<-done // the stream was cut before an exit code
	sizes, data, ended := blocksOf(t, stream)
	if !ended || !bytes.Equal(data, want.Bytes()) {
		t.Errorf("%d bytes of %d came, or in another order; ended: %v", len(data), want.Len(), ended)
	}
	for i, size := range sizes {
		if size > blockSize || size < blockSize && i < len(sizes)-1 {
			t.Errorf("block %d has %d bytes", i, size)
		}
	}
}

func TestWhatIsTypedIsNotHeld(t *testing.T) {
	stdin, keys := io.Pipe()
	c := mustCarry(t, stdin)
	done := c.runIn(t.Context())
	for _, typed := range []string{"a", "\n", "a longer line\n"} {
		keys.Write([]byte(typed))
		c.mustGet(t, fmt.Sprintf("%d\n%s", len(typed), typed))
	}
	keys.Close()
	c.mustGet(t, "0\n")
	c.leave()
	<-done
}

func TestABigWriteIsHeldForMoreAndNoLongerThanALinger(t *testing.T) {
	stdin, keys := io.Pipe()
	c := mustCarry(t, stdin)
	done := c.runIn(t.Context())
	big := strings.Repeat("x", bigChunk)
	awaitHold := func() {
		t.Helper()
		for deadline := time.After(time.Minute); !c.clock.HasWaiters(); {
			select {
			case <-deadline:
				t.Fatal("nothing is held")
			case message := <-c.messages:
				t.Fatalf("%d bytes were not held", len(message))
			case <-time.After(time.Millisecond):
			}
		}
	}
	keys.Write([]byte(big))
	awaitHold()
	keys.Write([]byte("tail")) // a small one shows the end of what was on its way
	c.mustGet(t, fmt.Sprintf("%d\n%s", bigChunk+4, big+"tail"))
	keys.Write([]byte(big))
	awaitHold()
	c.clock.Step(linger)
	c.mustGet(t, fmt.Sprintf("%d\n%s", bigChunk, big))
	c.leave()
	<-done
}

func TestAClientThatIsInterruptedEndsNoStdin(t *testing.T) {
	stdin, keys := io.Pipe()
	c := mustCarry(t, stdin)
	ctx, interrupt := context.WithCancel(t.Context())
	done := c.runIn(ctx)
	keys.Write([]byte("half of "))
	c.mustGet(t, "8\nhalf of ")
	interrupt()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	keys.Close()
	for message := range c.messages {
		t.Errorf("%q came", message)
	}
}

func TestACommandThatDiesEarlyLeavesTheRestOfStdin(t *testing.T) {
	for _, framing := range []string{emulator.ExecRaw, emulator.ExecV4, emulator.ExecV5} {
		w := newWorld(t, func(cfg *emulator.Config) { cfg.ExecFraming = framing })
		w.mustRun("a")
		c := &client{in: endless{}}
		err := w.RunInContainer(t.Context(), "default", "a", "", []string{"sh", "-c", "dd bs=5 count=1 2>/dev/null; exit 3"}, c)
		var exit utilexec.CodeExitError
		if got := c.out.String(); !errors.As(err, &exit) || exit.Code != 3 || got != "zzzzz" {
			t.Errorf("%s: %q, %v", framing, got, err)
		}
	}
}

// endless is a stdin that nobody ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte{'z'}, len(p))), nil
}
