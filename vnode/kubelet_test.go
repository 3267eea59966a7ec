package vnode

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// reviewed is a cluster that answers token and access reviews over HTTP, as the
// webhook client asks them: token "good" is user alice, "reader" and what
// begins with "weak" a user of that name; alice and the client certificate of
// admin may do everything, reader what is get, weak nothing, anonymous see stats.
type reviewed struct {
	*cluster
	reviews kubernetes.Interface

	tokenReviews atomic.Int32

	mu    sync.Mutex
	asked []authorizationv1.ResourceAttributes
}

func (r *reviewed) AuthenticationV1() authenticationclient.AuthenticationV1Interface {
	return r.reviews.AuthenticationV1()
}

func (r *reviewed) AuthorizationV1() authorizationclient.AuthorizationV1Interface {
	return r.reviews.AuthorizationV1()
}

func newReviewed(t *testing.T) *reviewed {
	t.Helper()
	r := &reviewed{cluster: newCluster(t)}
	server := httptest.NewServer(http.HandlerFunc(r.review))
	t.Cleanup(server.Close)
	var err error
	if r.reviews, err = kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: -1}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reviewed) review(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(req.URL.Path, "/tokenreviews"):
		r.tokenReviews.Add(1)
		var review authenticationv1.TokenReview
		if json.NewDecoder(req.Body).Decode(&review) == nil {
			user := map[string]string{"good": "alice", "reader": "reader", "scraper": "scraper"}[review.Spec.Token]
			if strings.HasPrefix(review.Spec.Token, "weak") {
				user = review.Spec.Token
			}
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: user != "", User: authenticationv1.UserInfo{Username: user}}
		}
		_ = json.NewEncoder(w).Encode(review)
	case strings.HasSuffix(req.URL.Path, "/subjectaccessreviews"):
		var review authorizationv1.SubjectAccessReview
		if json.NewDecoder(req.Body).Decode(&review) == nil {
			attributes := *review.Spec.ResourceAttributes
			r.mu.Lock()
			r.asked = append(r.asked, attributes)
			r.mu.Unlock()
			user := review.Spec.User
			review.Status.Allowed = user == "alice" || user == "admin" || (user == "system:anonymous" || user == "scraper") && attributes.Subresource == "stats" ||
				user == "reader" && attributes.Verb == "get"
		}
		_ = json.NewEncoder(w).Encode(review)
	default:
		http.NotFound(w, req)
	}
}

// talkative is a provider with every part of the kubelet API.
type talkative struct{ *testProvider }

func (talkative) GetContainerLogs(_ context.Context, namespace, pod, container string, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	if pod == "broken" {
		return nil, errors.New("cloud unreachable")
	}
	return io.NopCloser(strings.NewReader(namespace + "/" + pod + "/" + container + " tail=" + strconv.Itoa(opts.Tail) + "\n")), nil
}

func (talkative) RunInContainer(context.Context, string, string, string, []string, api.AttachIO) error {
	return nil
}

func (talkative) AttachToContainer(context.Context, string, string, string, api.AttachIO) error {
	return nil
}

func (talkative) PortForward(context.Context, string, string, int32, io.ReadWriteCloser) error {
	return nil
}

func (talkative) GetStatsSummary(context.Context) (*statsv1alpha1.Summary, error) {
	return &statsv1alpha1.Summary{Node: statsv1alpha1.NodeStats{NodeName: "vk"}}, nil
}

func (talkative) GetMetricsResource(context.Context) ([]*dto.MetricFamily, error) {
	return []*dto.MetricFamily{{
		Name: ptr.To("pod_cpu_usage_seconds_total"), Type: dto.MetricType_COUNTER.Enum(),
		Metric: []*dto.Metric{{
			Label:   []*dto.LabelPair{{Name: ptr.To("namespace"), Value: ptr.To("default")}, {Name: ptr.To("pod"), Value: ptr.To("a")}},
			Counter: &dto.Counter{Value: ptr.To(1.5)},
		}},
	}}, nil
}

type kubeletClient struct {
	t    *testing.T
	base string
	http *http.Client
}

func newKubeletClient(t *testing.T, v startedNode, certs ...tls.Certificate) kubeletClient {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certs}}
	t.Cleanup(transport.CloseIdleConnections)
	return kubeletClient{t, "https://" + v.kubelet.listener.Addr().String(), &http.Client{Transport: transport}}
}

func (c kubeletClient) do(method, path, token string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if refused := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden; refused && !resp.Close {
		c.t.Errorf("%s %s: the connection stays open after %s", method, path, resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (c kubeletClient) pods(path string) []string {
	c.t.Helper()
	code, body := c.do("GET", path, "good")
	var list corev1.PodList
	if err := json.Unmarshal([]byte(body), &list); code != http.StatusOK || err != nil || list.Kind != "PodList" {
		c.t.Fatalf("%s: %d %s %v", path, code, body, err)
	}
	var names []string
	for _, pod := range list.Items {
		names = append(names, pod.Name)
	}
	return names
}

func TestKubeletAPIServesWhatTheProviderHas(t *testing.T) {
	r := newReviewed(t)
	v := mustStart(t, quickConfig(), r, talkative{newTestProvider()})
	mustBeReady(t, v)
	c := newKubeletClient(t, v)
	for path, want := range map[string]string{
		"/containerLogs/default/a/main?tailLines=7": "default/a/main tail=7",
		"/containerLogs/default/a/main?tailLines=0": "default/a/main tail=-1",
		"/containerLogs/default/a/main":             "default/a/main tail=0",
		"/stats/summary":                            `"nodeName":"vk"`,
		"/metrics/resource":                         `pod_cpu_usage_seconds_total{namespace="default",pod="a"} 1.5`,
	} {
		if code, body := c.do("GET", path, "good"); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q, want %q", path, code, body, want)
		}
	}
	if code, body := c.do("GET", "/containerLogs/default/broken/main", "good"); code != http.StatusInternalServerError || !strings.Contains(body, "cloud unreachable") {
		t.Errorf("failing logs: %d %q", code, body)
	}
	// Without the headers of a stream these are refused, but not as unimplemented.
	for _, path := range []string{"/exec/default/a/main?command=ls&output=1", "/attach/default/a/main?output=1", "/portForward/default/a"} {
		if code, body := c.do("POST", path, "good"); code == http.StatusNotImplemented || code == http.StatusNotFound {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

func TestKubeletAPISaysWhatTheProviderCannotDo(t *testing.T) {
	r := newReviewed(t)
	v := mustStart(t, quickConfig(), r, newTestProvider())
	mustBeReady(t, v)
	c := newKubeletClient(t, v)
	for path, what := range map[string]string{
		"GET /containerLogs/default/a/main":   "container logs",
		"POST /exec/default/a/main?command=x": "exec",
		"POST /attach/default/a/main":         "attach",
		"POST /portForward/default/a":         "port-forward",
		"GET /stats/summary":                  "stats",
		"GET /metrics/resource":               "resource metrics",
	} {
		method, path, _ := strings.Cut(path, " ")
		code, body := c.do(method, path, "good")
		if code != http.StatusNotImplemented || !strings.HasPrefix(body, what+" is not supported") {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

func TestRunningPodsLeaveOutADeletedPodAtOnceAndPodsDoNot(t *testing.T) {
	r, p := newReviewed(t), newTestProvider()
	v := mustStart(t, quickConfig(), r, p)
	mustBeReady(t, v)
	c := newKubeletClient(t, v)
	for _, name := range []string{"a", "b", "c"} {
		pod := r.mustCreate(t, newPod(name))
		eventually(t, name+" is created", func() bool { return hasPod(p, pod) })
	}
	if got := c.pods("/runningpods/"); len(got) != 3 {
		t.Errorf("running pods = %v", got)
	}
	r.mustDelete(t, "a", 30) // the provider takes its time
	r.mustDelete(t, "b", 0)
	eventually(t, "deleted pods are not running", func() bool {
		got := c.pods("/runningpods/")
		return len(got) == 1 && got[0] == "c"
	})
	if got := c.pods("/pods"); len(got) != 2 {
		t.Errorf("pods = %v, want a, which ends, and c", got)
	}
}

func TestRequestsAreAuthenticatedAndAuthorized(t *testing.T) {
	for _, anonymous := range []bool{false, true} {
		t.Run("anonymous="+strconv.FormatBool(anonymous), func(t *testing.T) {
			r := newReviewed(t)
			cfg := quickConfig()
			cfg.Kubelet.AnonymousAuth = anonymous
			v := mustStart(t, cfg, r, talkative{newTestProvider()})
			mustBeReady(t, v)
			c := newKubeletClient(t, v)
			anonymousPods, anonymousStats := http.StatusUnauthorized, http.StatusUnauthorized
			if anonymous {
				anonymousPods, anonymousStats = http.StatusForbidden, http.StatusOK
			}
			for _, q := range []struct {
				path, token string
				want        int
			}{
				{"/pods", "good", http.StatusOK},
				{"/healthz", "", anonymousPods},
				{"/pods", "bad", http.StatusUnauthorized},
				{"/pods", "", anonymousPods},
				{"/stats/summary", "", anonymousStats},
			} {
				if code, body := c.do("GET", q.path, q.token); code != q.want {
					t.Errorf("%s with token %q: %d %q, want %d", q.path, q.token, code, body, q.want)
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if a := r.asked[0]; a.Resource != "nodes" || a.Name != "vk" || a.Subresource != "pods" || a.Verb != "get" {
				t.Errorf("asked for %+v", a)
			}
		})
	}
}

func TestClientCertificatesOfTheClusterAreBelieved(t *testing.T) {
	r := newReviewed(t)
	ca, other := newAuthority(t), newAuthority(t)
	v := mustStart(t, quickConfig(), r, newTestProvider())
	mustBeReady(t, v)
	admin := newKubeletClient(t, v, ca.client(t, "admin"))
	if code, _ := admin.do("GET", "/pods", ""); code != http.StatusUnauthorized {
		t.Errorf("before the CA is known: %d", code)
	}
	published := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication"},
		Data:       map[string]string{"client-ca-file": string(ca.pem)},
	}
	if _, err := r.CoreV1().ConfigMaps("kube-system").Create(t.Context(), published, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "certificate is believed", func() bool {
		code, _ := newKubeletClient(t, v, ca.client(t, "admin")).do("GET", "/pods", "")
		return code == http.StatusOK
	})
	if code, _ := newKubeletClient(t, v, ca.client(t, "mallory")).do("GET", "/pods", ""); code != http.StatusForbidden {
		t.Errorf("mallory: %d", code)
	}
	if code, _ := newKubeletClient(t, v, other.client(t, "admin")).do("GET", "/pods", ""); code != http.StatusUnauthorized {
		t.Errorf("certificate of another CA: %d", code)
	}
}

func TestCertificatesFromFilesAreReadAgainWhenTheyChange(t *testing.T) {
	r, ca := newReviewed(t), newAuthority(t)
	dir := t.TempDir()
	cfg := quickConfig()
	cfg.Kubelet.ClientCAFile = filepath.Join(dir, "ca.pem")
	cfg.Kubelet.TLSCertFile, cfg.Kubelet.TLSPrivateKeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writePair := func(commonName string) {
		certPEM, keyPEM := ca.issue(t, commonName)
		write("key.pem", keyPEM)
		write("cert.pem", certPEM)
	}
	write("ca.pem", ca.pem)
	writePair("first")
	v := mustStart(t, cfg, r, newTestProvider())
	mustBeReady(t, v)
	if code, _ := newKubeletClient(t, v, ca.client(t, "admin")).do("GET", "/pods", ""); code != http.StatusOK {
		t.Errorf("client certificate: %d", code)
	}
	serves := func(commonName string) func() bool {
		return func() bool {
			conn, err := tls.Dial("tcp", v.kubelet.listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return false
			}
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0].Subject.CommonName == commonName
		}
	}
	eventually(t, "first certificate is served", serves("first"))
	writePair("second")
	eventually(t, "second certificate is served", serves("second"))
}

func TestMadeUpCertificateNamesTheNode(t *testing.T) {
	v := mustStart(t, quickConfig(), newReviewed(t), newTestProvider())
	mustBeReady(t, v)
	conn, err := tls.Dial("tcp", v.kubelet.listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	leaf := conn.ConnectionState().PeerCertificates[0]
	if err := leaf.VerifyHostname("vk"); err != nil {
		t.Error(err)
	}
	if err := leaf.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
	if leaf.NotAfter.Before(time.Now().AddDate(5, 0, 0)) {
		t.Errorf("expires on %s", leaf.NotAfter)
	}
}
