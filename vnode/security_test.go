package vnode

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// endpoints are all of the kubelet API, and some that only a kubelet has.
var endpoints = []string{
	"GET /healthz", "GET /configz", "GET /metrics", "GET /metrics/resource", "GET /stats/summary", "GET /pods", "GET /runningpods/",
	"GET /containerLogs/default/a/main", "GET /exec/default/a/main?command=id&output=1", "POST /exec/default/a/main?command=id&output=1",
	"GET /attach/default/a/main?output=1", "POST /attach/default/a/main?output=1", "GET /portForward/default/a", "POST /portForward/default/a",
	"GET /logs/", "POST /run/default/a/main", "GET /debug/pprof/", "GET /", "GET /stats/../pods", "CONNECT /exec/default/a/main", "DELETE /pods",
}

// newSecured is a node whose client CA is ca.
func newSecured(t *testing.T, ca *authority) (startedNode, *reviewed) {
	t.Helper()
	r := newReviewed(t)
	cfg := quickConfig()
	cfg.Kubelet.ClientCAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cfg.Kubelet.ClientCAFile, ca.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	v := mustStart(t, cfg, r, talkative{newTestProvider()})
	mustBeReady(t, v)
	return v, r
}

func TestNoEndpointAnswersWhoMayNotAsk(t *testing.T) {
	ca, foreign := newAuthority(t), newAuthority(t)
	v, _ := newSecured(t, ca)
	for name, tc := range map[string]struct {
		certs []tls.Certificate
		token string
		code  int
		body  string
	}{
		"without credentials":                     {code: http.StatusUnauthorized, body: "Unauthorized\n"},
		"with an unknown token":                   {token: "bad", code: http.StatusUnauthorized, body: "Unauthorized\n"},
		"with a foreign certificate":              {certs: []tls.Certificate{foreign.client(t, "admin")}, code: http.StatusUnauthorized, body: "Unauthorized\n"},
		"with a token without rights":             {token: "weak", code: http.StatusForbidden, body: "Forbidden\n"},
		"with a certificate without rights":       {certs: []tls.Certificate{ca.client(t, "mallory")}, code: http.StatusForbidden, body: "Forbidden\n"},
		"with a foreign certificate and no token": {certs: []tls.Certificate{foreign.client(t, "alice")}, token: "bad", code: http.StatusUnauthorized, body: "Unauthorized\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newKubeletClient(t, v, tc.certs...)
			for _, endpoint := range endpoints {
				method, path, _ := strings.Cut(endpoint, " ")
				code, body := c.do(method, path, tc.token)
				twoWays := path == "/stats/../pods" && code == http.StatusBadRequest // known, and no further
				if (code != tc.code || body != tc.body) && !twoWays {
					t.Errorf("%s: %d %q, want %d %q", endpoint, code, body, tc.code, tc.body)
				}
			}
		})
	}
}

func TestNobodyGetsInWithoutTLS(t *testing.T) {
	v, _ := newSecured(t, newAuthority(t))
	resp, err := http.Get("http://" + v.kubelet.listener.Addr().String() + "/pods")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %d", resp.StatusCode)
	}
}

func TestAReaderStartsNoStream(t *testing.T) {
	v, _ := newSecured(t, newAuthority(t))
	c := newKubeletClient(t, v)
	for _, path := range []string{"/exec/default/a/main?command=id&output=1", "/attach/default/a/main?output=1", "/portForward/default/a"} {
		if code, body := c.do("GET", path, "reader"); code != http.StatusForbidden {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	if code, body := c.do("GET", "/containerLogs/default/a/main", "reader"); code != http.StatusOK {
		t.Errorf("logs: %d %q", code, body)
	}
}

func TestEveryPathAsksForItsSubresourceOfTheNode(t *testing.T) {
	v, r := newSecured(t, newAuthority(t))
	for endpoint, want := range map[string]string{
		"GET /healthz": "get healthz proxy", "GET /configz": "get configz proxy", "GET /metrics": "get metrics", "GET /metrics/resource": "get metrics",
		"GET /stats/summary": "get stats", "GET /logs/": "get log", "GET /pods": "get pods proxy", "GET /runningpods/": "get pods proxy",
		"GET /containerLogs/default/a/main": "get proxy", "GET /exec/default/a/main": "create proxy", "POST /portForward/default/a": "create proxy",
		"GET /statsandmore": "get proxy", "DELETE /pods": "delete pods proxy",
	} {
		r.mu.Lock()
		r.asked = nil
		r.mu.Unlock()
		method, path, _ := strings.Cut(endpoint, " ")
		// Denials are remembered by user: there is a new one for each path.
		newKubeletClient(t, v).do(method, path, "weak-"+strings.ReplaceAll(endpoint, " ", "-"))
		r.mu.Lock()
		var got []string
		for _, a := range r.asked {
			if a.Resource != "nodes" || a.Name != "vk" {
				t.Errorf("%s asked for %+v", endpoint, a)
			}
			if got = append(got, a.Subresource); len(got) == 1 {
				got = slices.Insert(got, 0, a.Verb)
			}
		}
		r.mu.Unlock()
		if strings.Join(got, " ") != want {
			t.Errorf("%s asked for %v, want %s", endpoint, got, want)
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	v, _ := newSecured(t, newAuthority(t))
	c := newKubeletClient(t, v)
	if code, _ := c.do("GET", "/exec/default/a/main?command="+strings.Repeat("x", maxHeaderBytes+8192), "good"); code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long command: %d", code)
	}
}

func TestTheNodeShowsItsMetricsAndItsConfiguration(t *testing.T) {
	r := newReviewed(t)
	v := mustStart(t, quickConfig(), r, talkative{newTestProvider()})
	mustBeReady(t, v)
	c := newKubeletClient(t, v)
	if code, body := c.do("GET", "/metrics", "good"); code != http.StatusOK || !strings.Contains(body, metricsNamespace+"_provider_call_duration_seconds") {
		t.Errorf("metrics: %d %.200q", code, body)
	}
	var shown map[string]kubeletv1beta1.KubeletConfiguration
	code, body := c.do("GET", "/configz", "good")
	if err := json.Unmarshal([]byte(body), &shown); code != http.StatusOK || err != nil || shown["kubeletconfig"].Kind != "KubeletConfiguration" || *shown["kubeletconfig"].Authentication.Anonymous.Enabled {
		t.Errorf("configz: %d %s %v", code, body, err)
	}
}
