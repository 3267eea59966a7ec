package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/gorilla/websocket"
)

// Framings of the exec stream, for Config.ExecFraming. The cloud's own is not
// documented.
const (
	// ExecRaw is text messages of plain bytes: no channels, no exit code, no
	// end of stdin. The end is the close.
	ExecRaw = "raw"
	// ExecV4 and ExecV5 are those of Kubernetes; only V5 has an end of stdin.
	ExecV4 = "v4.channel.k8s.io"
	ExecV5 = "v5.channel.k8s.io"
)

// Channels of V4 and V5: the first byte of each message.
const (
	channelStdin  byte = 0
	channelStdout byte = 1
	channelStderr byte = 2
	channelStatus byte = 3
	channelResize byte = 4
	channelClose  byte = 255
)

// wireMessage is one message to the client.
type wireMessage struct {
	kind int
	data []byte
}

// clientMessage is what a client may send.
type clientMessage int

const (
	clientNonsense clientMessage = iota
	clientStdin
	clientEnd
	clientResize
	clientIgnored
)

// execWire is one framing, from the server's side.
type execWire interface {
	// subprotocols are those that are agreed to in the handshake.
	subprotocols() []string
	output(channel byte, p []byte) wireMessage
	exit(code int32, err error) []wireMessage
	decode(message []byte) (clientMessage, []byte, TerminalSize)
}

// newExecWire returns nil for an unknown framing.
func newExecWire(framing string) execWire {
	switch framing {
	case ExecRaw:
		return rawWire{}
	case ExecV4, ExecV5:
		return channelWire{framing}
	}
	return nil
}

type rawWire struct{}

func (rawWire) subprotocols() []string { return nil }

func (rawWire) output(_ byte, p []byte) wireMessage {
	return wireMessage{websocket.TextMessage, p}
}

// exit shows why a command was not started as text, and no code.
func (w rawWire) exit(_ int32, err error) []wireMessage {
	if err == nil {
		return nil
	}
	return []wireMessage{w.output(channelStdout, []byte(startFailure(err)+"\r\n"))}
}

func (rawWire) decode(m []byte) (clientMessage, []byte, TerminalSize) {
	return clientStdin, m, TerminalSize{}
}

type channelWire struct{ name string }

func (w channelWire) subprotocols() []string {
	if w.name == ExecV5 {
		return []string{ExecV5, ExecV4}
	}
	return []string{w.name}
}

func (channelWire) output(channel byte, p []byte) wireMessage {
	return wireMessage{websocket.BinaryMessage, append([]byte{channel}, p...)}
}

func (w channelWire) exit(code int32, err error) []wireMessage {
	return []wireMessage{w.output(channelStatus, exitStatus(code, err))}
}

func (w channelWire) decode(m []byte) (clientMessage, []byte, TerminalSize) {
	if len(m) == 0 {
		return clientIgnored, nil, TerminalSize{}
	}
	switch m[0] {
	case channelStdin:
		return clientStdin, m[1:], TerminalSize{}
	case channelResize:
		var size struct{ Width, Height uint16 }
		if json.Unmarshal(m[1:], &size) != nil {
			return clientIgnored, nil, TerminalSize{}
		}
		return clientResize, nil, TerminalSize{Cols: size.Width, Rows: size.Height}
	case channelClose:
		if w.name == ExecV5 && slices.Equal(m[1:], []byte{channelStdin}) {
			return clientEnd, nil, TerminalSize{}
		}
	}
	return clientNonsense, nil, TerminalSize{}
}

// exitStatus is the Kubernetes Status that ends a stream.
func exitStatus(code int32, err error) []byte {
	type cause struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	status := map[string]any{"metadata": map[string]any{}, "status": "Success"}
	switch {
	case err != nil:
		status["status"], status["reason"], status["code"] = "Failure", "InternalError", 500
		status["message"] = startFailure(err)
	case code != 0:
		status["status"], status["reason"] = "Failure", "NonZeroExitCode"
		status["message"] = fmt.Sprintf("command terminated with non-zero exit code: %d", code)
		status["details"] = map[string]any{"causes": []cause{{"ExitCode", strconv.Itoa(int(code))}}}
	}
	text, _ := json.Marshal(status)
	return text
}

func startFailure(err error) string {
	return "OCI runtime exec failed: exec failed: unable to start container process: " + err.Error()
}
