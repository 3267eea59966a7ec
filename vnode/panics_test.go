package vnode

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// catchCrashes has panics caught as in the program, and returns how many were.
func catchCrashes(t *testing.T) *atomic.Int32 {
	t.Helper()
	caught := &atomic.Int32{}
	handlers := utilruntime.PanicHandlers
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = []func(context.Context, any){func(context.Context, any) { caught.Add(1) }}
	t.Cleanup(func() { utilruntime.ReallyCrash, utilruntime.PanicHandlers = true, handlers })
	return caught
}

// once panics at its first call.
type once struct{ called atomic.Bool }

func (o *once) panics() {
	if !o.called.Swap(true) {
		panic("injected")
	}
}

// expectOne checks that the panic came, and nothing else panicked.
func (o *once) expectOne(t *testing.T, caught *atomic.Int32) {
	t.Helper()
	if !o.called.Load() || caught.Load() != 1 {
		t.Errorf("the call that panics was made: %v, panics caught: %d", o.called.Load(), caught.Load())
	}
}

func TestRun_OutlivesAPanicInACallOfTheAPIServer(t *testing.T) {
	for name, at := range map[string]struct{ verb, resource string }{
		"reading the node":     {"get", "nodes"},
		"making the node":      {"create", "nodes"},
		"renewing the node":    {"patch", "nodes"},
		"the status of a pod":  {"patch", "pods"},
		"removing a pod":       {"delete", "pods"},
		"listing of the pods":  {"list", "pods"},
		"watching of the pods": {"watch", "pods"},
	} {
		t.Run(name, func(t *testing.T) {
			caught, first := catchCrashes(t), &once{}
			c, p := newCluster(t), newTestProvider()
			p.created = func(pod *corev1.Pod) { p.tell(pod, running("10.0.0.1")) }
			p.deleted = func(pod *corev1.Pod) { p.tell(pod, ended(corev1.PodSucceeded, 0)) }
			panics := func(a clienttesting.Action) {
				// The object is removed by us, with a grace of 0; before, by the test.
				if d, ok := a.(clienttesting.DeleteAction); !ok || d.GetDeleteOptions().Preconditions != nil {
					first.panics()
				}
			}
			c.PrependReactor(at.verb, at.resource, func(a clienttesting.Action) (bool, runtime.Object, error) { panics(a); return false, nil, nil })
			if at.verb == "watch" {
				c.PrependWatchReactor(at.resource, func(a clienttesting.Action) (bool, watch.Interface, error) { panics(a); return false, nil, nil })
			}
			v := mustStart(t, quickConfig(), c, p)
			mustBeReady(t, v)
			c.mustCreate(t, newPod("a"))
			eventually(t, "the pod runs", func() bool { return c.pod("a").Status.Phase == corev1.PodRunning })
			c.mustDelete(t, "a", 30)
			eventually(t, "the pod is gone", func() bool { return c.pod("a") == nil })
			eventually(t, "the call was made", first.called.Load)
			v.stop()
			first.expectOne(t, caught)
		})
	}
}

// panicky panics once where it is told to.
type panicky struct {
	*testProvider
	first *once
	where string
}

func (p panicky) at(where string) {
	if p.where == where {
		p.first.panics()
	}
}

func (p panicky) NotifyPods(ctx context.Context, report func(*corev1.Pod)) {
	p.at("notify")
	p.testProvider.NotifyPods(ctx, report)
}

func (p panicky) Recover(context.Context, []*corev1.Pod) error {
	p.at("recover")
	return nil
}

func (p panicky) NodeConditions(context.Context) []corev1.NodeCondition {
	p.at("conditions")
	return nil
}

func (p panicky) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	p.at("create")
	return p.testProvider.CreatePod(ctx, pod)
}

func (p panicky) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	p.at("delete")
	return p.testProvider.DeletePod(ctx, pod)
}

func (p panicky) GetStatsSummary(context.Context) (*statsv1alpha1.Summary, error) {
	p.at("stats")
	return &statsv1alpha1.Summary{}, nil
}

func (p panicky) GetContainerLogs(context.Context, string, string, string, api.ContainerLogOpts) (io.ReadCloser, error) {
	p.at("logs")
	return io.NopCloser(strings.NewReader("")), nil
}

func (p panicky) RunInContainer(context.Context, string, string, string, []string, api.AttachIO) error {
	p.at("exec")
	return nil
}

func (p panicky) AttachToContainer(context.Context, string, string, string, api.AttachIO) error {
	p.at("attach")
	return nil
}

func (p panicky) PortForward(_ context.Context, _, _ string, _ int32, _ io.ReadWriteCloser) error {
	p.at("forward")
	return nil
}

func TestRun_OutlivesAPanicOfTheProvider(t *testing.T) {
	for _, where := range []string{"notify", "recover", "conditions", "create", "delete"} {
		t.Run(where, func(t *testing.T) {
			catchCrashes(t)
			c, p := newCluster(t), panicky{newTestProvider(), &once{}, where}
			p.created = func(pod *corev1.Pod) { p.tell(pod, running("10.0.0.1")) }
			p.deleted = func(pod *corev1.Pod) { p.tell(pod, ended(corev1.PodSucceeded, 0)) }
			mustBeReady(t, mustStart(t, quickConfig(), c, p))
			c.mustCreate(t, newPod("a"))
			eventually(t, "the pod runs", func() bool { return c.pod("a").Status.Phase == corev1.PodRunning })
			c.mustDelete(t, "a", 30)
			eventually(t, "the pod is gone", func() bool { return c.pod("a") == nil })
			if !p.first.called.Load() {
				t.Error("the provider was not called")
			}
		})
	}
}

func TestKubeletAPI_AnswersAPanicOfTheProvider(t *testing.T) {
	for where, request := range map[string]struct{ method, path string }{
		"stats":   {"GET", "/stats/summary"},
		"logs":    {"GET", "/containerLogs/default/a/main"},
		"exec":    {"POST", "/exec/default/a/main?command=true&output=1"},
		"attach":  {"POST", "/attach/default/a/main?output=1"},
		"forward": {"POST", "/portForward/default/a"},
	} {
		t.Run(where, func(t *testing.T) {
			caught := catchCrashes(t)
			p := panicky{newTestProvider(), &once{}, where}
			v := mustStart(t, quickConfig(), newReviewed(t), p)
			mustBeReady(t, v)
			client := newKubeletClient(t, v)
			ask := func() string { return mustFail(t, v, client, request.method, request.path) }
			if answer := ask(); strings.HasPrefix(answer, "OK") || answer == "" {
				t.Errorf("the panic is answered with %q", answer)
			}
			if code, _ := client.do("GET", "/healthz", "good"); code != http.StatusOK {
				t.Errorf("afterwards: %d", code)
			}
			p.first.expectOne(t, caught)
		})
	}
}

// mustFail makes a request of the kubelet API, by its stream where it has one, and
// returns what the client is told.
func mustFail(t *testing.T, v startedNode, client kubeletClient, method, path string) string {
	t.Helper()
	config, host := clientConfig(), v.kubelet.listener.Addr().String()
	switch {
	case strings.HasPrefix(path, "/portForward/"):
		return forwardError(t, config, host, path)
	case method == http.MethodPost:
		u, err := url.Parse("https://" + host + path)
		if err != nil {
			t.Fatal(err)
		}
		executor, err := remotecommand.NewSPDYExecutor(config, method, u)
		if err != nil {
			t.Fatal(err)
		}
		if err := executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: io.Discard}); err != nil {
			return err.Error()
		}
		return ""
	}
	code, body := client.do(method, path, "good")
	return http.StatusText(code) + " " + body
}

func clientConfig() *rest.Config {
	return &rest.Config{BearerToken: "good", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
}

// forwardError is what the client of a port-forward is told on its error stream.
func forwardError(t *testing.T, config *rest.Config, host, path string) string {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, &url.URL{Scheme: "https", Host: host, Path: path})
	conn, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, "80")
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	told, err := conn.CreateStream(headers)
	if err != nil {
		t.Fatal(err)
	}
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	if _, err := conn.CreateStream(headers); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 1<<10)
	n, err := told.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

// panickyListener panics at its first Accept.
type panickyListener struct {
	net.Listener
	first *once
}

func (l panickyListener) Accept() (net.Conn, error) {
	l.first.panics()
	return l.Listener.Accept()
}

func TestAccept_ListensAgainAfterAPanic(t *testing.T) {
	caught, first := catchCrashes(t), &once{}
	cfg := quickConfig()
	c := newReviewed(t)
	v, err := New(cfg, Deps{Client: c, Provider: newTestProvider(), Pods: NewPodInformer(c, "vk")})
	if err != nil {
		t.Fatal(err)
	}
	s := v.kubelet
	if _, err := s.listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := s.listener.Addr().String()
	s.listener = panickyListener{s.listener, first}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }()
	eventually(t, "the same port is served again", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil && first.called.Load()
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	first.expectOne(t, caught)
}

func TestEventRecorder_OutlivesAPanic(t *testing.T) {
	caught, first := catchCrashes(t), &once{}
	client := newCluster(t)
	client.PrependReactor("create", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		first.panics()
		return false, nil, nil
	})
	r := mustRecorder(t, client)
	stop := r.Start(t.Context())
	pod := podNumber(1)
	r.Event(pod, corev1.EventTypeNormal, "First", "panics")
	eventually(t, "the first is tried", first.called.Load)
	r.Event(pod, corev1.EventTypeNormal, "Second", "is written")
	stop()
	if events := mustEvents(t, client); len(events) != 1 || events[0].Reason != "Second" {
		t.Errorf("events %v", events)
	}
	first.expectOne(t, caught)
}

func TestCatchPanic_MakesAnErrorOfIt(t *testing.T) {
	catchCrashes(t)
	if err := catchPanic(t.Context(), func() error { panic("injected") }); err == nil || !strings.Contains(err.Error(), "injected") {
		t.Errorf("got %v", err)
	}
}
