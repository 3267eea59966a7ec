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

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// foreignEndpoints are some that only a kubelet has, or nobody.
var foreignEndpoints = []string{
	"GET /logs/", "POST /run/default/a/main", "GET /debug/pprof/", "GET /", "CONNECT /exec/default/a/main", "DELETE /pods", "PUT /configz",
	"GET /checkpoint/default/a/main", "OPTIONS /exec/default/a/main", "TRACE /pods", "HEAD /metrics",
}

// oddPaths could be authorized as one thing and served as another.
var oddPaths = []string{
	"/stats/../pods", "/stats/%2e%2e/pods", "/stats/..%2fpods", "/stats/summary/../../pods", "/metrics/../exec/default/a/main?command=id&output=1",
	"//pods", "/./pods", "/%70ods", "/stats//../pods", "/stats/summary//", "//stats/summary", "/stats%2f..%2fpods", "/stats/..;/pods", "/stats/..\\pods",
}

// servedEndpoints are all methods and paths of the routes, those of the library's
// routers included, so that a new one is among them.
func servedEndpoints(t *testing.T) []string {
	t.Helper()
	deps := Deps{Provider: talkative{newTestProvider()}, Gatherer: prometheus.NewRegistry(), Pods: NewPodInformer(newCluster(t), "vk")}
	var endpoints []string
	add := func(path string, methods ...string) {
		path = strings.NewReplacer("{namespace}", "default", "{pod}", "a", "{container}", "main").Replace(path)
		for _, method := range methods {
			endpoints = append(endpoints, method+" "+path)
		}
	}
	for _, r := range routes(quickConfig(), deps, newStreamLimiter(DefaultKubeletLimits())) {
		library, is := r.handler.(*mux.Router)
		if !is {
			method, path, found := strings.Cut(r.pattern, " ")
			if !found {
				t.Fatalf("%s serves every method", r.pattern)
			}
			add(path, method)
			continue
		}
		err := library.Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			path, err := r.GetPathTemplate()
			if err != nil {
				return err
			}
			methods, err := r.GetMethods()
			add(path, methods...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(endpoints)
	return slices.Compact(endpoints)
}

// newSecured is a node whose client CA is ca.
func newSecured(t *testing.T, ca *authority) (startedNode, *reviewed) {
	t.Helper()
	r := newReviewed(t)
	cfg := quickConfig()
	cfg.Kubelet.Limits.TokenReviewsPerSecond = 1000 // each test has many tokens
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
			for _, endpoint := range append(servedEndpoints(t), foreignEndpoints...) {
				method, path, _ := strings.Cut(endpoint, " ")
				body := tc.body
				if method == http.MethodHead {
					body = ""
				}
				if code, got := c.do(method, path, tc.token); code != tc.code || got != body {
					t.Errorf("%s: %d %q, want %d %q", endpoint, code, got, tc.code, body)
				}
			}
			for _, path := range oddPaths {
				code, got := c.do("GET", path, tc.token)
				if known := tc.code == http.StatusForbidden; known && code == http.StatusBadRequest && got == oddPathBody {
					continue // known, and no further
				}
				if code != tc.code || got != tc.body {
					t.Errorf("GET %s: %d %q, want %d %q", path, code, got, tc.code, tc.body)
				}
			}
		})
	}
}

// oddPathBody tells nothing of what is behind a path.
const oddPathBody = "the path is not in its shortest form\n"

func TestWhoMaySeeStatsSeesNothingElseByAnOddPath(t *testing.T) {
	v, _ := newSecured(t, newAuthority(t))
	c := newKubeletClient(t, v)
	if code, body := c.do("GET", "/stats/summary", "scraper"); code != http.StatusOK {
		t.Fatalf("stats: %d %q", code, body)
	}
	for _, path := range oddPaths {
		code, body := c.do("GET", path, "scraper")
		want, refused := map[int]string{
			http.StatusBadRequest: oddPathBody, http.StatusForbidden: "Forbidden\n",
			http.StatusNotFound: "404 request not found\n", // under /stats/ by its letters, where nothing is
		}[code]
		if !refused || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
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
	asked := map[string]string{
		"GET /healthz": "get healthz proxy", "GET /configz": "get configz proxy", "GET /metrics": "get metrics",
		"GET /metrics/resource": "get metrics", "GET /metrics/resource/": "get metrics", "GET /stats/summary": "get stats", "GET /stats/summary/": "get stats",
		"GET /pods": "get pods proxy", "GET /runningpods/": "get pods proxy", "GET /containerLogs/default/a/main": "get proxy",
		"GET /exec/default/a/main": "create proxy", "POST /exec/default/a/main": "create proxy",
		"GET /attach/default/a/main": "create proxy", "POST /attach/default/a/main": "create proxy",
		"GET /portForward/default/a": "create proxy", "POST /portForward/default/a": "create proxy",
		"GET /logs/": "get log", "GET /statsandmore": "get proxy", "DELETE /pods": "delete pods proxy",
	}
	for _, endpoint := range servedEndpoints(t) {
		if asked[endpoint] == "" {
			t.Errorf("nobody has thought of who may ask for %s", endpoint)
		}
	}
	for endpoint, want := range asked {
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
