package execstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// handshakeTimeout is well below the 30 seconds that a URI is good for.
	handshakeTimeout = 15 * time.Second
	bufferSize       = 32 << 10
	// maxHandshake bounds what the server sends until the handshake is over, TLS
	// included, in bytes: neither net/http nor the WebSocket library bounds the
	// headers of an answer.
	maxHandshake = 256 << 10
)

// Dialer opens streams. The zero Dialer is ready for use.
type Dialer struct {
	// TLS is for wss URIs; nil trusts the system's roots.
	TLS *tls.Config
}

// Dial opens the stream of a command, which begins with it. ctx bounds the
// handshake only. wss is required but for loopback hosts.
func (d *Dialer) Dial(ctx context.Context, uri eci.Secret, framing Framing) (*Stream, error) {
	if err := framing.Validate(); err != nil {
		return nil, fmt.Errorf("exec stream: framing: %w", err)
	}
	if err := checkURI(uri.Reveal()); err != nil {
		return nil, fmt.Errorf("exec stream: %w", err)
	}
	var shaking *handshakeConn
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: handshakeTimeout, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			shaking = &handshakeConn{Conn: conn, left: maxHandshake}
			return shaking, nil
		},
		TLSClientConfig:  d.TLS,
		HandshakeTimeout: handshakeTimeout,
		Subprotocols:     framing.offers(),
		ReadBufferSize:   bufferSize,
		WriteBufferSize:  bufferSize,
	}
	conn, resp, err := dialer.DialContext(ctx, uri.Reveal(), nil)
	if err != nil {
		if errors.Is(err, websocket.ErrBadHandshake) && resp != nil {
			return nil, fmt.Errorf("exec stream: the server answered HTTP %d instead of opening it", resp.StatusCode)
		}
		return nil, fmt.Errorf("exec stream: %w", err)
	}
	shaking.left = math.MaxInt64
	agreed := framing.agreed(conn.Subprotocol())
	return &Stream{conn: conn, framing: agreed, codec: newCodec(agreed), pingEvery: pingEvery}, nil
}

// handshakeConn reads no more than left bytes. It has one reader at a time.
type handshakeConn struct {
	net.Conn
	left int64
}

// Read reports an error once all that may be read was.
func (c *handshakeConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the answer of the handshake is longer than %d bytes", maxHandshake)
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// checkURI also keeps the text of the URI out of what url.Parse would say.
func checkURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the answer of the cloud has no URI of a stream")
	case u.Scheme == "wss" || u.Scheme == "ws" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "ws":
		return errors.New("ws:// is for loopback hosts only, as the stream may carry secrets")
	}
	return fmt.Errorf("the scheme %q is not wss", u.Scheme)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
