package provider

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

const (
	// chunkSize is the most that is read of a client's stdin at once, and that goes
	// in one message, in bytes: kubectl sends 32 KiB.
	chunkSize = 64 << 10
	// blockSize is the most that goes in one block, in bytes: a dd is run in the
	// container for each.
	blockSize = 1 << 20
	// bigChunk is a read that shows bytes on their way, where a person types few.
	bigChunk = 8 << 10
	// linger is how long a block with room is held after a big chunk: most of what
	// is on its way comes sooner.
	linger = 10 * time.Millisecond
	// readAhead is how many chunks are read while a block is sent.
	readAhead = 4
)

// readChunks reads until the end of stdin or of ctx. Nothing can break a read off
// but the end of the client's connection, so that nobody waits for this: it holds
// one buffer until the kubelet API closes that connection.
func readChunks(ctx context.Context, stdin io.Reader, chunks chan<- []byte) {
	defer close(chunks)
	buf := make([]byte, chunkSize)
	for {
		n, err := stdin.Read(buf)
		if n > 0 {
			select {
			case chunks <- slices.Clone(buf[:n]):
			case <-ctx.Done():
				return
			}
		}
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}

// passStdin sends what the client types until its end, or that of the stream. It
// reads nothing before the command is ready: another one may be tried.
func (c *carrier) passStdin(ctx context.Context) {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return
	}
	chunks := make(chan []byte, readAhead)
	go func() {
		defer utilruntime.HandleCrashWithContext(ctx, c.broken)
		readChunks(ctx, c.session.stdin, chunks)
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case chunk, more := <-chunks:
			switch {
			case ctx.Err() != nil:
				return // no end was told
			case !more:
				c.endStdin()
				return
			case c.plan.blocks:
				chunk = c.gather(ctx, chunk, chunks)
			}
			if c.send(chunk) != nil {
				return // Copy tells why
			}
		}
	}
}

// gather makes a block of a chunk and of those that follow closely. What a person
// types is not held.
func (c *carrier) gather(ctx context.Context, block []byte, chunks <-chan []byte) []byte {
	last := len(block)
	for len(block)+chunkSize <= blockSize {
		chunk := c.following(ctx, chunks, last >= bigChunk)
		if chunk == nil {
			break
		}
		block, last = append(block, chunk...), len(chunk)
	}
	return block
}

// following is the next chunk, nil at the end and when it does not come soon.
func (c *carrier) following(ctx context.Context, chunks <-chan []byte, wait bool) []byte {
	select {
	case chunk := <-chunks:
		return chunk
	default:
	}
	if !wait {
		return nil
	}
	timer := c.clock.NewTimer(linger)
	defer timer.Stop()
	select {
	case chunk := <-chunks:
		return chunk
	case <-timer.C():
	case <-ctx.Done():
	}
	return nil
}

// send sends p as what the plan wants, in messages of chunkSize.
func (c *carrier) send(p []byte) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.plan.blocks {
		p = slices.Concat(strconv.AppendInt(nil, int64(len(p)), 10), []byte{'\n'}, p)
	}
	for piece := range slices.Chunk(p, chunkSize) {
		if _, err := c.stream.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// endStdin tells the command that no more comes, once. A stream that is over does
// not care.
func (c *carrier) endStdin() {
	c.endOnce.Do(func() {
		c.sending.Lock()
		defer c.sending.Unlock()
		switch {
		case c.plan.blocks:
			_, _ = io.WriteString(c.stream, "0\n")
		case c.session.tty:
			_, _ = io.WriteString(c.stream, ctrlD)
		case c.plan.framing.EndsStdin():
			_ = c.stream.CloseWrite()
		}
	})
}
