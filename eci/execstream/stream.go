package execstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// maxStatus bounds the status that ends a stream, in bytes, and maxFailure what
	// is told of it.
	maxStatus  = 64 << 10
	maxFailure = 2 << 10
	// pingEvery keeps the state of middleboxes alive while nobody types.
	pingEvery = 30 * time.Second
	// controlTimeout bounds the writing of a ping or a close.
	controlTimeout = 5 * time.Second
)

// Stream is one running command. Write, Resize and Close may be called while
// Copy runs.
type Stream struct {
	conn    *websocket.Conn
	framing Framing
	codec   codec

	// pingEvery is the time between two pings.
	pingEvery time.Duration
	// writing keeps messages apart: the connection takes one writer.
	writing sync.Mutex
	// broken is what a goroutine of the stream panicked with, a string.
	broken atomic.Value
}

// Exit is how a command ended.
type Exit struct {
	// Known is false with Raw, which has no exit code.
	Known bool
	Code  int
	// Failure is why a command was not run to its end; empty when it was.
	Failure string
}

// Framing is what the server agreed to.
func (s *Stream) Framing() Framing { return s.framing }

// Write sends stdin, as one message.
func (s *Stream) Write(p []byte) (int, error) {
	kind, message := s.codec.stdin(p)
	if err := s.send(kind, message); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite ends stdin; errors.ErrUnsupported where the framing has no end.
func (s *Stream) CloseWrite() error { return s.sendOptional(s.codec.endStdin()) }

// Resize tells the size of the terminal in characters; errors.ErrUnsupported
// where the framing has none.
func (s *Stream) Resize(cols, rows uint16) error { return s.sendOptional(s.codec.resize(cols, rows)) }

func (s *Stream) sendOptional(message []byte) error {
	if message == nil {
		return fmt.Errorf("the framing %s: %w", s.framing, errors.ErrUnsupported)
	}
	return s.send(websocket.BinaryMessage, message)
}

func (s *Stream) send(kind int, message []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.conn.WriteMessage(kind, message)
}

// Close ends the command, as far as the server cares, and frees the connection.
func (s *Stream) Close() error {
	deadline := time.Now().Add(controlTimeout)
	farewell := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	// A peer that is gone does not take it, which is no matter.
	_ = s.conn.WriteControl(websocket.CloseMessage, farewell, deadline)
	return s.conn.Close()
}

// Copy writes the output until the command has ended. With Raw all of it is
// stdout. It holds no more than a buffer of the output, however long the messages
// are. The error is ctx's when that ended first, which closes the stream; that of a
// writer that failed or panicked; or tells that the stream was cut.
func (s *Stream) Copy(ctx context.Context, stdout, stderr io.Writer) (Exit, error) {
	stop := context.AfterFunc(ctx, func() {
		defer s.closeOnPanic()
		_ = s.Close()
	})
	defer stop()
	var pings sync.WaitGroup
	done := make(chan struct{})
	pings.Go(func() {
		defer s.closeOnPanic()
		s.ping(done)
	})
	defer pings.Wait()
	defer close(done)
	exit, err := s.copy(stdout, stderr)
	if ctx.Err() != nil && !exit.Known {
		err = ctx.Err() // the end of Raw looks like any close
	}
	return exit, err
}

// closeOnPanic turns a panic in a goroutine of the stream into the end of the
// stream, which Copy tells. Defer it first.
func (s *Stream) closeOnPanic() {
	if cause := recover(); cause != nil {
		s.broken.Store(fmt.Sprint(cause))
		_ = s.conn.Close()
	}
}

func (s *Stream) ping(done <-chan struct{}) {
	tick := time.NewTicker(s.pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(controlTimeout)) != nil {
				return // Copy finds out by itself
			}
		case <-done:
			return
		}
	}
}

func (s *Stream) copy(stdout, stderr io.Writer) (exit Exit, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			exit, err = Exit{}, fmt.Errorf("exec stream: panic: %v", cause)
		}
	}()
	buffer := make([]byte, bufferSize)
	for {
		_, message, err := s.conn.NextReader()
		if err != nil {
			return Exit{}, s.ended(err)
		}
		channel, err := s.codec.channel(message)
		if errors.Is(err, errWrongFraming) {
			return Exit{}, fmt.Errorf("exec stream: %w", err)
		}
		switch {
		case err != nil:
		case channel == channelStatus:
			return readStatus(message)
		case channel == channelStdout:
			err = pass(stdout, message, buffer)
		case channel == channelStderr:
			err = pass(stderr, message, buffer)
		}
		var failed *writeError
		switch {
		case errors.As(err, &failed):
			return Exit{}, failed.err
		case err != nil:
			return Exit{}, s.ended(err)
		}
	}
}

// writeError is an error of the writer of the output, not of the stream.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// pass writes a message as it comes. What nobody asked for is dropped.
func pass(w io.Writer, message io.Reader, buffer []byte) error {
	for {
		n, err := message.Read(buffer)
		if n > 0 && w != nil {
			if _, err := w.Write(buffer[:n]); err != nil {
				return &writeError{err}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readStatus reads the message that ends a stream.
func readStatus(message io.Reader) (Exit, error) {
	text, err := io.ReadAll(io.LimitReader(message, maxStatus+1))
	switch {
	case err != nil:
		return Exit{}, fmt.Errorf("exec stream: it was cut before the command ended: %w", err)
	case len(text) > maxStatus:
		return Exit{}, fmt.Errorf("exec stream: the status is longer than %d bytes", maxStatus)
	}
	return parseStatus(text)
}

// ended reads what the end of the connection means: with Raw it is the end of
// the command, however the server closes; else a status had to come before.
func (s *Stream) ended(err error) error {
	if cause, is := s.broken.Load().(string); is {
		return fmt.Errorf("exec stream: panic: %s", cause)
	}
	var closed *websocket.CloseError
	if s.framing == Raw && (errors.As(err, &closed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil
	}
	return fmt.Errorf("exec stream: it was cut before the command ended: %w", err)
}
