package vnode

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// gate knows one token, and lets its bearer do everything.
type gate struct{}

func (gate) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	return &authenticator.Response{User: &user.DefaultInfo{Name: "alice"}}, r.Header.Get("Authorization") == "Bearer good", nil
}

func (gate) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetUser().GetName() != "alice" || a.GetResource() != "nodes" || a.GetName() != "vk" {
		return authorizer.DecisionDeny, "", nil
	}
	return authorizer.DecisionAllow, "", nil
}

// guest counts what gets through to the provider.
type guest struct {
	talkative
	reached *int
}

func (g guest) GetPods(ctx context.Context) ([]*corev1.Pod, error) {
	*g.reached++
	return g.talkative.GetPods(ctx)
}

func (g guest) RunInContainer(context.Context, string, string, string, []string, api.AttachIO) error {
	*g.reached++
	return nil
}

// connection is an answer whose connection can be taken over, as streams do; its
// client has hung up by then.
type connection struct{ *httptest.ResponseRecorder }

func (connection) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	ours, theirs := net.Pipe()
	return ours, bufio.NewReadWriter(bufio.NewReader(ours), bufio.NewWriter(ours)), theirs.Close()
}

// FuzzKubeletRequest: whatever bytes a connection brings, the handler answers
// them without a panic and within the bounds of time and memory, and nobody
// without a token gets to the provider.
func FuzzKubeletRequest(f *testing.F) {
	const good = "Authorization: Bearer good\r\n"
	for _, line := range []string{
		"GET /pods", "GET /runningpods/?limit=1", "GET /healthz", "GET /configz", "GET /metrics", "GET /metrics/resource", "GET /stats/summary?only_cpu_and_memory=true",
		"GET /containerLogs/default/a/app?tailLines=10&follow=true&sinceSeconds=-1&limitBytes=0&timestamps=x", "GET /containerLogs/default/a/app?sinceTime=2026-01-02T03:04:05Z&previous=true",
		"POST /exec/default/a/app?command=sh&command=-c&input=1&output=1&tty=1", "GET /exec/default/a/app?command=", "POST /attach/default/a/app?output=1", "POST /portForward/default/a?port=80",
		"GET /../pods", "GET /%2e%2e/pods", "GET //pods", "GET /logs/", "PUT /pods", "OPTIONS *", "CONNECT a:1", "GET /containerLogs/%00/a%2Fb/c", "GET /exec/default/a/app?command=%zz&;",
		"GET /containerLogs/default/a/app?tailLines=99999999999999999999&sinceSeconds=9223372036854775807&limitBytes=9223372036854775807",
		"POST /exec/default/a/app?" + strings.Repeat("command=a&", 10000), "POST /portForward/default/a?port=" + strings.Repeat("80,", 10000), "GET /" + strings.Repeat("../", 10000),
	} {
		for _, headers := range []string{"", good, good + strings.Repeat("A: b\r\n", 1000), good + "Content-Length: 9999999999\r\n", good + "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n",
			good + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n",
			good + "Content-Length: 3\r\nAccept-Encoding: gzip\r\n"} {
			f.Add([]byte(line + " HTTP/1.1\r\nHost: node\r\n" + headers + "\r\nabc"))
		}
	}
	reached := 0
	pods := cache.NewSharedIndexInformer(nil, &corev1.Pod{}, 0, cache.Indexers{})
	if err := pods.GetIndexer().Add(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a", UID: "a"}}); err != nil {
		f.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Node.Name = "vk"
	cfg.Kubelet.StreamCreationTimeout, cfg.Kubelet.StreamIdleTimeout = time.Millisecond, time.Millisecond
	handler := newKubeletHandler(gate{}, cfg, Deps{Client: kubefake.NewClientset(), Provider: guest{talkative{newTestProvider()}, &reached}, Pods: pods})
	f.Fuzz(func(t *testing.T, wire []byte) {
		if _, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire))); err != nil {
			return // refused by net/http before us
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var r *http.Request
		var before int
		var answer *httptest.ResponseRecorder
		fuzzbounds.Check(t, func() {
			r, _ = http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
			before, answer = reached, httptest.NewRecorder()
			handler.ServeHTTP(connection{answer}, r.WithContext(ctx))
		})
		if r.Header.Get("Authorization") != "Bearer good" && (answer.Code != http.StatusUnauthorized || reached != before) {
			t.Errorf("%s %s without a token: %d, reached the provider %d times", r.Method, r.URL, answer.Code, reached-before)
		}
		if answer.Code == http.StatusOK && r.URL.RawPath != "" {
			t.Errorf("%s %s has a path that can be read in two ways and is served", r.Method, r.URL)
		}
	})
}
