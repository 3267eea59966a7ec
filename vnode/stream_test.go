package vnode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

// echoing is a provider whose containers and ports answer what they are told.
type echoing struct{ *testProvider }

func (echoing) RunInContainer(_ context.Context, _, _, _ string, cmd []string, streams api.AttachIO) error {
	in, err := io.ReadAll(streams.Stdin())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(streams.Stdout(), "%s: %s", strings.Join(cmd, " "), in)
	return err
}

func (echoing) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	in := make([]byte, 4)
	if _, err := io.ReadFull(stream, in); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stream, "%d got %s", port, in)
	return err
}

func mustStartEchoing(t *testing.T) (*rest.Config, string) {
	t.Helper()
	cfg := quickConfig()
	// Idle must be able to last longer than the time to open a stream.
	cfg.Kubelet.StreamCreationTimeout = 200 * time.Millisecond
	v := mustStart(t, cfg, newReviewed(t), echoing{newTestProvider()})
	mustBeReady(t, v)
	config := &rest.Config{BearerToken: "good", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	return config, v.kubelet.listener.Addr().String()
}

func TestExecCarriesItsStreams(t *testing.T) {
	config, host := mustStartEchoing(t)
	u := &url.URL{Scheme: "https", Host: host, Path: "/exec/default/a/main", RawQuery: "command=echo&command=a%20b&input=1&output=1"}
	executor, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, u)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("hello"), Stdout: &out})
	if err != nil || out.String() != "echo a b: hello" {
		t.Errorf("output = %q, error = %v", out.String(), err)
	}
}

func TestPortForwardOutlivesTheTimeToOpenAStream(t *testing.T) {
	config, host := mustStartEchoing(t)
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "https", Host: host, Path: "/portForward/default/a"}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, u)
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{":80"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- forwarder.ForwardPorts() }()
	defer func() { close(stop); <-done }()
	<-ready
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A silent connection is idle, which it may be for longer than 200 ms.
	if err := conn.SetReadDeadline(time.Now().Add(600 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !isTimeout(err) {
		t.Fatalf("idle connection gave %d bytes, %v", n, err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "80 got ping" {
		t.Errorf("answer = %q, error = %v", got, err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}
