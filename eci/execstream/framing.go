package execstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gorilla/websocket"
)

// Framing is how bytes travel in the messages of a stream.
type Framing string

const (
	// Auto takes the newest framing that the server agrees to in the handshake,
	// and Raw when it agrees to none.
	Auto Framing = "auto"
	// Raw has plain bytes in text messages: no channels, no exit code, no size
	// of a terminal, no end of stdin; the end is the close.
	Raw Framing = "raw"
	// V4 puts the number of a channel before the bytes of each message. It has
	// an exit code and sizes, but no end of stdin.
	V4 Framing = "v4.channel.k8s.io"
	// V5 is V4 with a message for the end of stdin.
	V5 Framing = "v5.channel.k8s.io"
)

// Validate refuses an unknown name.
func (f Framing) Validate() error {
	switch f {
	case Auto, Raw, V4, V5:
		return nil
	}
	return fmt.Errorf("%q is none of %s, %s, %s, %s", string(f), Auto, Raw, V4, V5)
}

// EndsStdin says whether the framing can tell that stdin has ended.
func (f Framing) EndsStdin() bool { return f == V5 }

// TellsExit says whether the framing carries the exit code.
func (f Framing) TellsExit() bool { return f == V4 || f == V5 }

// offers are the subprotocols of the handshake, the best first.
func (f Framing) offers() []string {
	switch f {
	case Auto:
		return []string{string(V5), string(V4)}
	case V4, V5:
		return []string{string(f)}
	}
	return nil
}

// agreed is what is spoken after the server's answer. A framing that was asked
// for by name is believed in without one.
func (f Framing) agreed(answer string) Framing {
	switch {
	case f != Auto:
		return f
	case answer == string(V5) || answer == string(V4):
		return Framing(answer)
	}
	return Raw
}

// Channels of V4 and V5. Source: k8s.io/apimachinery remotecommand constants.
const (
	channelStdin byte = iota
	channelStdout
	channelStderr
	channelStatus
	channelResize
	// channelClose is followed by the number of the channel that has ended.
	channelClose byte = 255
)

// codec turns streams into messages and back. A nil message is one that the
// framing does not have.
type codec interface {
	stdin(p []byte) (kind int, message []byte)
	endStdin() []byte
	resize(cols, rows uint16) []byte
	// channel reads which channel a message belongs to; the rest of the message is
	// what was sent there. The error may be errWrongFraming.
	channel(message io.Reader) (byte, error)
}

func newCodec(f Framing) codec {
	if f == Raw {
		return raw{}
	}
	return channels{ends: f.EndsStdin()}
}

type raw struct{}

func (raw) stdin(p []byte) (int, []byte)    { return websocket.TextMessage, p }
func (raw) endStdin() []byte                { return nil }
func (raw) resize(uint16, uint16) []byte    { return nil }
func (raw) channel(io.Reader) (byte, error) { return channelStdout, nil }

type channels struct{ ends bool }

func (channels) stdin(p []byte) (int, []byte) {
	return websocket.BinaryMessage, append([]byte{channelStdin}, p...)
}

func (c channels) endStdin() []byte {
	if !c.ends {
		return nil
	}
	return []byte{channelClose, channelStdin}
}

func (channels) resize(cols, rows uint16) []byte {
	size, _ := json.Marshal(struct{ Width, Height uint16 }{cols, rows})
	return append([]byte{channelResize}, size...)
}

// errWrongFraming is the error of a message on a channel that does not exist.
var errWrongFraming = errors.New("does the server speak another framing?")

func (channels) channel(message io.Reader) (byte, error) {
	var first [1]byte
	switch _, err := io.ReadFull(message, first[:]); {
	case errors.Is(err, io.EOF):
		return channelStdout, nil // an empty message
	case err != nil:
		return 0, err
	}
	switch first[0] {
	case channelStdout, channelStderr, channelStatus, channelClose:
		return first[0], nil
	}
	return 0, fmt.Errorf("a message on channel %d: %w", first[0], errWrongFraming)
}
