package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/vnode"
)

// mustServe serves h within limits and returns its address.
func mustServe(t *testing.T, h http.Handler, limits metricsLimits) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serveLimited(ctx, listener, h, limits) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serveLimited: %v", err)
		}
	})
	return listener.Addr().String()
}

// mustBeEnded returns what a connection brings until the server ends it.
func mustBeEnded(t *testing.T, address, send string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, send)
	got, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("%q holds its connection for a minute; it brought %q", send, got)
	}
	return string(got)
}

func answering(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

func TestServeLimited_EndsWhatClientsHold(t *testing.T) {
	limits := defaultMetricsLimits()
	limits.readTimeout, limits.writeTimeout, limits.idleTimeout = time.Second, time.Second, time.Second
	address := mustServe(t, http.HandlerFunc(answering), limits)
	for _, send := range []string{"", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: x\r\nX", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"} {
		t.Run(fmt.Sprintf("%q", send), func(t *testing.T) {
			t.Parallel()
			mustBeEnded(t, address, send)
		})
	}
}

func TestServeLimited_WaitsForNoBody(t *testing.T) {
	limits := defaultMetricsLimits()
	limits.readTimeout, limits.writeTimeout, limits.idleTimeout = time.Hour, time.Hour, time.Hour
	address := mustServe(t, http.HandlerFunc(answering), limits)
	for _, header := range []string{"Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: 5\r\nExpect: 100-continue"} {
		got := mustBeEnded(t, address, "POST /metrics HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 413 ") {
			t.Errorf("%s: %q", header, got)
		}
	}
}

func TestServeLimited_ManyConnectionsTakeNobodysPlace(t *testing.T) {
	limits := defaultMetricsLimits()
	limits.connections = 4
	limits.readTimeout, limits.idleTimeout = time.Hour, time.Hour
	address := mustServe(t, http.HandlerFunc(answering), limits)
	for range 40 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("beside 40 silent connections: %s", resp.Status)
	}
}

func TestServeLimited_AnswersMayTakeLongerThanRequests(t *testing.T) {
	limits := defaultMetricsLimits()
	limits.readTimeout = 500 * time.Millisecond
	entered, finish := make(chan struct{}), make(chan struct{})
	address := mustServe(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-finish
			if err := r.Context().Err(); err != nil {
				fmt.Fprint(w, err)
				return
			}
		}
		fmt.Fprint(w, "ok")
	}), limits)
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + address + "/slow")
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		got, _ := io.ReadAll(resp.Body)
		body <- string(got)
	}()
	<-entered
	// The read timeout of a connection that came later is over.
	mustBeEnded(t, address, "GET /")
	close(finish)
	if got := <-body; got != "ok" {
		t.Errorf("a slow answer: %q", got)
	}
}

func TestLimitsOfTheKubeletAPI_ComeFromTheFile(t *testing.T) {
	c, err := load(t, "kubelet: {limits: {maxStreamsPerNamespace: 7, requestTimeout: 3s}}\n", firstProvidersEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := vnode.DefaultKubeletLimits()
	want.MaxStreamsPerNamespace, want.RequestTimeout.Duration = 7, 3*time.Second
	if got := vnodeConfig(c).Kubelet.Limits; got != want {
		t.Errorf("limits: %+v, want %+v", got, want)
	}
	_, err = load(t, "kubelet: {limits: {maxConnections: 1, maxUnauthenticatedConnections: 0, maxStreamsPerNamespace: 0, tokenReviewsPerSecond: 0, requestTimeout: 0s, answerTimeout: -1s, idleTimeout: 0s}}\n", firstProvidersEnvironment)
	for _, name := range []string{"maxConnections", "maxUnauthenticatedConnections", "maxStreamsPerNamespace", "tokenReviewsPerSecond", "requestTimeout", "answerTimeout", "idleTimeout"} {
		if err == nil || !strings.Contains(err.Error(), "kubelet.limits."+name) {
			t.Errorf("%s is not named by %v", name, err)
		}
	}
}

func TestWithNameAdvice_SaysHowTheNameIsSet(t *testing.T) {
	err := withNameAdvice(&vnode.ForeignNodeError{Node: "vk", Keeper: "a kubelet"})
	if err == nil || !strings.Contains(err.Error(), "--nodename") {
		t.Errorf("got %v", err)
	}
	if err := withNameAdvice(nil); err != nil {
		t.Errorf("got %v", err)
	}
}
