package vnode

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// following is a provider whose logs go on until their reader leaves: a line, and
// another for each that the test sends.
type following struct {
	talkative
	lines chan string
}

func (f following) GetContainerLogs(ctx context.Context, _, _, _ string, _ api.ContainerLogOpts) (io.ReadCloser, error) {
	reader, writer := io.Pipe()
	go func() {
		line, more := "first", true
		for more {
			if _, err := fmt.Fprintln(writer, line); err != nil {
				return
			}
			select {
			case line, more = <-f.lines:
			case <-ctx.Done():
				more = false
			}
		}
		writer.Close()
	}()
	return reader, nil
}

// mustStartLimited starts a node with limits.
func mustStartLimited(t *testing.T, p Provider, edit func(*KubeletLimits)) (startedNode, *reviewed) {
	t.Helper()
	r, cfg := newReviewed(t), quickConfig()
	edit(&cfg.Kubelet.Limits)
	v := mustStart(t, cfg, r, p)
	mustBeReady(t, v)
	return v, r
}

func forever(l *KubeletLimits) {
	long := metav1.Duration{Duration: time.Hour}
	l.RequestTimeout, l.AnswerTimeout, l.IdleTimeout = long, long, long
}

func mustDial(t *testing.T, v startedNode) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", v.kubelet.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func mustDialTLS(t *testing.T, v startedNode) net.Conn {
	t.Helper()
	conn := tls.Client(mustDial(t, v), &tls.Config{InsecureSkipVerify: true})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// mustBeEnded returns what a connection brings until the server ends it.
func mustBeEnded(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if isTimeout(err) {
		t.Fatalf("the connection is still open after a minute; it brought %q", got)
	}
	return string(got)
}

// mustOpenStream starts to follow a log and returns after its first line.
func (c kubeletClient) mustOpenStream(namespace string) *http.Response {
	c.t.Helper()
	resp := c.open(namespace)
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); resp.StatusCode != http.StatusOK || err != nil {
		c.t.Fatalf("stream of namespace %s: %d %q %v", namespace, resp.StatusCode, line, err)
	}
	return resp
}

func (c kubeletClient) open(namespace string) *http.Response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+"/containerLogs/"+namespace+"/a/main?follow=true", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer good")
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestKubeletAPI_EndsWhatStrangersHold(t *testing.T) {
	v, _ := mustStartLimited(t, talkative{newTestProvider()}, func(l *KubeletLimits) {
		forever(l)
		l.RequestTimeout = metav1.Duration{Duration: 2 * time.Second}
	})
	for name, hold := range map[string]func(t *testing.T) net.Conn{
		"no TLS handshake": func(t *testing.T) net.Conn { return mustDial(t, v) },
		"half a TLS handshake": func(t *testing.T) net.Conn {
			conn := mustDial(t, v)
			fmt.Fprint(conn, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
			return conn
		},
		"nothing after the handshake": func(t *testing.T) net.Conn { return mustDialTLS(t, v) },
		"half a header": func(t *testing.T) net.Conn {
			conn := mustDialTLS(t, v)
			fmt.Fprint(conn, "GET /pods HTTP/1.1\r\nHost: vk\r\nAuthor")
			return conn
		},
		"a byte at a time": func(t *testing.T) net.Conn {
			conn := mustDialTLS(t, v)
			go func() {
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for range tick.C {
					if _, err := fmt.Fprint(conn, "G"); err != nil {
						return
					}
				}
			}()
			return conn
		},
		"a request that is never complete": func(t *testing.T) net.Conn {
			conn := mustDialTLS(t, v)
			fmt.Fprint(conn, "POST /exec/default/a/main HTTP/1.1\r\nHost: vk\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
			return conn
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := hold(t)
			eventually(t, "an authorized client is served meanwhile", func() bool {
				code, _ := newKubeletClient(t, v).do("GET", "/pods", "good")
				return code == http.StatusOK
			})
			mustBeEnded(t, conn)
		})
	}
}

func TestKubeletAPI_WaitsForNoBody(t *testing.T) {
	v, _ := mustStartLimited(t, talkative{newTestProvider()}, forever)
	for _, endpoint := range append(servedEndpoints(t), foreignEndpoints...) {
		for header, want := range map[string]string{
			"Content-Length: 5\r\n":                                                       "401",
			"Content-Length: 500000\r\n":                                                  "401",
			"Transfer-Encoding: chunked\r\n":                                              "401",
			"Authorization: Bearer weak\r\nContent-Length: 5\r\n":                         "403",
			"Authorization: Bearer good\r\nContent-Length: 5\r\n":                         "413",
			"Authorization: Bearer good\r\nContent-Length: 5\r\nExpect: 100-continue\r\n": "413",
			"Authorization: Bearer good\r\nTransfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n": "413",
		} {
			conn := mustDialTLS(t, v)
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: vk\r\n%s\r\n", endpoint, header)
			if got := mustBeEnded(t, conn); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
				t.Errorf("%s with %q and no body: %q, want %s", endpoint, header, got, want)
			}
		}
	}
}

func TestKubeletAPI_StrangersTakeNobodysPlace(t *testing.T) {
	v, _ := mustStartLimited(t, following{talkative: talkative{newTestProvider()}}, func(l *KubeletLimits) {
		forever(l)
		l.MaxUnauthenticatedConnections = 4
	})
	known := newKubeletClient(t, v)
	stream := known.mustOpenStream("default")
	for range 3 {
		for i := range 20 {
			if i%2 == 0 {
				mustDial(t, v)
				continue
			}
			conn := mustDial(t, v)
			fmt.Fprint(conn, "\x16\x03\x01")
		}
		if code, body := newKubeletClient(t, v).do("GET", "/pods", "good"); code != http.StatusOK {
			t.Errorf("a new client: %d %q", code, body)
		}
		if code, body := known.do("GET", "/pods", "good"); code != http.StatusOK {
			t.Errorf("a known client: %d %q", code, body)
		}
	}
	if displaced := counterValue(t, v.kubelet.displaced); displaced == 0 {
		t.Error("no displaced connection was counted")
	}
	left := make(chan error, 1)
	go func() { _, err := stream.Body.Read(make([]byte, 1)); left <- err }()
	select {
	case err := <-left:
		t.Errorf("the stream ended: %v", err)
	default:
	}
}

func TestKubeletAPI_FollowedLogOutlivesTheTimeouts(t *testing.T) {
	lines := make(chan string)
	timeout := metav1.Duration{Duration: 2 * time.Second}
	v, _ := mustStartLimited(t, following{talkative{newTestProvider()}, lines}, func(l *KubeletLimits) {
		l.RequestTimeout, l.AnswerTimeout, l.IdleTimeout = timeout, timeout, timeout
	})
	stranger := mustDialTLS(t, v)
	c := newKubeletClient(t, v)
	stream := c.mustOpenStream("default")
	mustBeEnded(t, stranger)
	// Its deadline is over, and so is that of a stranger that comes after it.
	mustBeEnded(t, mustDialTLS(t, v))
	lines <- "last"
	close(lines)
	if rest, err := io.ReadAll(stream.Body); string(rest) != "last\n" || err != nil {
		t.Errorf("after the timeouts the log goes on with %q, %v", rest, err)
	}
}

func TestKubeletAPI_BoundsTheStreamsOfANamespace(t *testing.T) {
	v, _ := mustStartLimited(t, following{talkative: talkative{newTestProvider()}}, func(l *KubeletLimits) {
		forever(l)
		l.MaxConnections, l.MaxStreamsPerNamespace = 10, 2
	})
	c := newKubeletClient(t, v)
	refused := func(namespace string, code int, setting string) {
		t.Helper()
		resp := c.open(namespace)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != code || !resp.Close || !strings.Contains(string(body), setting) {
			t.Errorf("stream of namespace %s: %d %q (closed %t, %v), want %d naming %s", namespace, resp.StatusCode, body, resp.Close, err, code, setting)
		}
	}
	greedy := c.mustOpenStream("greedy")
	c.mustOpenStream("greedy")
	refused("greedy", http.StatusTooManyRequests, "kubelet.limits.maxStreamsPerNamespace")
	for i := range 7 {
		c.mustOpenStream(fmt.Sprintf("n%d", i))
	}
	// The tenth connection is for requests that are no streams.
	refused("other", http.StatusServiceUnavailable, "kubelet.limits.maxConnections")
	if code, body := c.do("GET", "/pods", "good"); code != http.StatusOK {
		t.Errorf("pods beside streams: %d %q", code, body)
	}
	greedy.Body.Close()
	eventually(t, "the namespace has a stream again", func() bool {
		resp := c.open("greedy")
		return resp.StatusCode == http.StatusOK
	})
}

func TestKubeletAPI_CountsForwardedConnections(t *testing.T) {
	streams := newStreamLimiter(KubeletLimits{MaxConnections: 10, MaxStreamsPerNamespace: 2})
	entered, leave := make(chan struct{}), make(chan struct{})
	forward := streams.portForward(func(context.Context, string, string, int32, io.ReadWriteCloser) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	done := make(chan error)
	for range 2 {
		go func() { done <- forward(t.Context(), "a", "pod", 80, nil) }()
		<-entered
	}
	if err := forward(t.Context(), "a", "pod", 80, nil); err == nil || !strings.Contains(err.Error(), "maxStreamsPerNamespace") {
		t.Errorf("a third connection: %v", err)
	}
	go func() { done <- forward(t.Context(), "b", "pod", 80, nil) }()
	<-entered
	close(leave)
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(streams.open) != 0 || streams.all != 0 {
		t.Errorf("streams are left: %v, %d", streams.open, streams.all)
	}
}

func TestKubeletAPI_SpeaksHTTP1Only(t *testing.T) {
	v, _ := mustStartLimited(t, talkative{newTestProvider()}, func(l *KubeletLimits) {})
	conn := tls.Client(mustDial(t, v), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
	conn = tls.Client(mustDial(t, v), &tls.Config{InsecureSkipVerify: true})
	fmt.Fprint(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	if got := mustBeEnded(t, conn); got != "" && !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 505") {
		t.Errorf("HTTP/2 without negotiation: %q", got)
	}
}
