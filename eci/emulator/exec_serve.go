package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// execPath is where the streams are opened, as in the cloud.
const execPath = "/exec/"

// killedCode is what a command ends with when its container does.
const killedCode = 137

// farewellTime bounds the writing of the close.
const farewellTime = 5 * time.Second

// serveExec opens the stream of an announced command and runs it.
func (e *Emulator) serveExec(w http.ResponseWriter, r *http.Request) {
	a, x := e.claim(r.URL.Query().Get("s"))
	if a == nil {
		http.Error(w, "the token is unknown, used or too old, or the container has ended", http.StatusForbidden)
		return
	}
	defer x.end()
	wire := newExecWire(e.cfg.ExecFraming)
	upgrader := websocket.Upgrader{Subprotocols: wire.subprotocols(), ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	s := &execSession{execution: x, conn: conn, wire: wire}
	s.run(a)
}

// execSession is one open stream.
type execSession struct {
	*execution
	conn *websocket.Conn
	wire execWire

	writing sync.Mutex
}

func (s *execSession) run(a *announced) {
	cmd := Command{Argv: a.argv, Stdin: strings.NewReader(""), TTY: a.tty}
	cmd.Stdout = &execWriter{s, channelStdout}
	cmd.Stderr = &execWriter{s, channelStderr}
	sizes := make(chan TerminalSize)
	if a.tty {
		cmd.Stderr, cmd.Resize = cmd.Stdout, sizes
	}
	in, typed := io.Pipe()
	if a.stdin {
		cmd.Stdin = in
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		s.read(typed, a, sizes)
		s.cancel() // the client has left
		typed.CloseWithError(io.ErrUnexpectedEOF)
	})
	code, err := s.executor.Exec(s.ctx, cmd)
	s.finish(code, err)
	s.cancel()
	in.Close()
	s.conn.Close()
	reader.Wait()
}

// read takes what the client sends until it leaves.
func (s *execSession) read(stdin *io.PipeWriter, a *announced, sizes chan<- TerminalSize) {
	for {
		_, message, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		switch kind, payload, size := s.wire.decode(message); kind {
		case clientStdin:
			if a.stdin {
				_, _ = stdin.Write(payload) // a command that has closed it does not care
			}
		case clientEnd:
			stdin.Close()
		case clientResize:
			if !a.tty {
				continue
			}
			select {
			case sizes <- size:
			case <-s.ctx.Done():
				return
			}
		case clientNonsense:
			return
		}
	}
}

// finish tells the exit, where the framing can, and closes.
func (s *execSession) finish(code int32, err error) {
	switch gone := errors.Is(err, context.Canceled); {
	case gone && s.buried.Err() != nil:
		code, err = killedCode, nil
	case gone:
		return // the client has left
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, m := range s.wire.exit(code, err) {
		_ = s.conn.WriteMessage(m.kind, m.data) // a client that is gone has its reasons
	}
	farewell := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, farewell, time.Now().Add(farewellTime))
}

// execWriter sends output on one channel.
type execWriter struct {
	session *execSession
	channel byte
}

func (w *execWriter) Write(p []byte) (int, error) {
	w.session.writing.Lock()
	defer w.session.writing.Unlock()
	m := w.session.wire.output(w.channel, p)
	if err := w.session.conn.WriteMessage(m.kind, m.data); err != nil {
		return 0, err
	}
	return len(p), nil
}
