package execstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// serve runs handler and returns the URI of it.
func serve(t *testing.T, handler http.HandlerFunc) eci.Secret {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return eci.Secret("ws" + strings.TrimPrefix(server.URL, "http") + "/exec/?s=secret-token")
}

// kubelet is a server of Kubernetes' own code: it reads a line and a size, and
// answers on all channels.
func kubelet(t *testing.T, code int) http.HandlerFunc {
	types := []wsstream.ChannelType{wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel}
	return func(w http.ResponseWriter, r *http.Request) {
		conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
			"": {Binary: true, Channels: types}, "v4.channel.k8s.io": {Binary: true, Channels: types},
		})
		_, streams, err := conn.Open(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		var size struct{ Width, Height uint16 }
		if err := json.NewDecoder(streams[4]).Decode(&size); err != nil {
			t.Error(err)
		}
		line := make([]byte, 6)
		if _, err := io.ReadFull(streams[0], line); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(streams[1], "out %s%dx%d", line, size.Width, size.Height)
		fmt.Fprint(streams[2], "err")
		status := metav1.Status{Status: metav1.StatusSuccess}
		if code != 0 {
			status = metav1.Status{
				Status: metav1.StatusFailure, Reason: remotecommandconsts.NonZeroExitCodeReason,
				Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: remotecommandconsts.ExitCodeCauseType, Message: fmt.Sprint(code)}}},
			}
		}
		text, _ := json.Marshal(status)
		streams[3].Write(text)
	}
}

func TestAutoAgreesOnV4WithAServerOfKubernetes(t *testing.T) {
	for _, code := range []int{0, 3, 137} {
		stream, err := new(execstream.Dialer).Dial(t.Context(), serve(t, kubelet(t, code)), execstream.Auto)
		if err != nil {
			t.Fatal(err)
		}
		if stream.Framing() != execstream.V4 {
			t.Errorf("agreed on %s", stream.Framing())
		}
		if err := stream.Resize(120, 40); err != nil {
			t.Error(err)
		}
		if _, err := stream.Write([]byte("hello\n")); err != nil {
			t.Error(err)
		}
		if err := stream.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("V4 ends stdin: %v", err)
		}
		var out, errOut bytes.Buffer
		exit, err := stream.Copy(t.Context(), &out, &errOut)
		if err != nil || exit != (execstream.Exit{Known: true, Code: code}) || out.String() != "out hello\n120x40" || errOut.String() != "err" {
			t.Errorf("exit %+v, error %v, out %q, err %q", exit, err, out.String(), errOut.String())
		}
		stream.Close()
	}
}

// scripted is a server that says one thing and goes.
func scripted(protocol string, say func(*websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{}
		if protocol != "" {
			upgrader.Subprotocols = []string{protocol}
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		say(conn)
	}
}

func TestWithoutAnAgreementTheStreamIsRaw(t *testing.T) {
	uri := serve(t, scripted("", func(c *websocket.Conn) {
		_, line, _ := c.ReadMessage()
		c.WriteMessage(websocket.TextMessage, append([]byte("got "), line...))
	}))
	stream, err := new(execstream.Dialer).Dial(t.Context(), uri, execstream.Auto)
	if err != nil || stream.Framing() != execstream.Raw {
		t.Fatal(err, stream)
	}
	defer stream.Close()
	if _, err := stream.Write([]byte("hi")); err != nil {
		t.Error(err)
	}
	if err := stream.Resize(1, 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Raw takes a size: %v", err)
	}
	var out bytes.Buffer
	exit, err := stream.Copy(t.Context(), &out, nil)
	if err != nil || exit.Known || out.String() != "got hi" {
		t.Errorf("exit %+v, error %v, out %q", exit, err, out.String())
	}
}

func TestAStreamWithoutItsStatusWasCut(t *testing.T) {
	uri := serve(t, scripted("v4.channel.k8s.io", func(c *websocket.Conn) { c.WriteMessage(websocket.BinaryMessage, []byte("\x01out")) }))
	stream, err := new(execstream.Dialer).Dial(t.Context(), uri, execstream.Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := stream.Copy(t.Context(), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "cut") {
		t.Errorf("got %v", err)
	}
}

func TestAFailureAndNonsenseAreToldApart(t *testing.T) {
	for message, want := range map[string]string{
		"\x03" + `{"status":"Failure","reason":"InternalError","message":"no such file"}`: "failure no such file",
		"\x03" + `{"status":"Failure"}`: "failure the server gave no reason",
		"\x03oops":                      "error exec stream: the status is no JSON",
		"plain text":                    "error exec stream: a message on channel 112",
	} {
		uri := serve(t, scripted("v5.channel.k8s.io", func(c *websocket.Conn) { c.WriteMessage(websocket.BinaryMessage, []byte(message)) }))
		stream, err := new(execstream.Dialer).Dial(t.Context(), uri, execstream.Auto)
		if err != nil {
			t.Fatal(err)
		}
		exit, err := stream.Copy(t.Context(), io.Discard, io.Discard)
		if got := fmt.Sprintf("error %v", err); err != nil && !strings.HasPrefix(got, want) || err == nil && "failure "+exit.Failure != want {
			t.Errorf("%q: %+v, %v", message, exit, err)
		}
		stream.Close()
	}
}

func TestTheContextEndsAStream(t *testing.T) {
	gone := make(chan struct{})
	uri := serve(t, scripted("", func(c *websocket.Conn) {
		c.ReadMessage()
		close(gone)
	}))
	stream, err := new(execstream.Dialer).Dial(t.Context(), uri, execstream.Raw)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stream.Copy(ctx, io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestNoErrorShowsTheURI(t *testing.T) {
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	for _, uri := range []eci.Secret{
		refusing, "", "ws://example.com/exec/?s=secret-token", "http://127.0.0.1/?s=secret-token", "wss://127.0.0.1:1/?s=secret-token",
		"wss://secret-token%zz", "wss://exa mple/?s=secret-token",
	} {
		_, err := new(execstream.Dialer).Dial(t.Context(), uri, execstream.Auto)
		if err == nil || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%s: got %v", uri.Reveal(), err)
		}
	}
	if _, err := new(execstream.Dialer).Dial(t.Context(), refusing, "v9"); err == nil {
		t.Error("an unknown framing is taken")
	}
}
