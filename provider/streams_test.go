package provider

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	utilexec "k8s.io/utils/exec"

	"github.com/eci-vnode/eci-vnode/provider/status"
)

// client is what the kubelet's handlers pass for a kubectl.
type client struct {
	in       io.Reader
	out, err buffer
}

// buffer is read while it is written, and closed by nobody.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (*buffer) Close() error { return nil }

func (c *client) Stdin() io.Reader          { return c.in }
func (c *client) Stdout() io.WriteCloser    { return &c.out }
func (c *client) Stderr() io.WriteCloser    { return &c.err }
func (*client) TTY() bool                   { return false }
func (*client) Resize() <-chan api.TermSize { return nil }

// serving is a pod whose container has a port.
func serving(pod *corev1.Pod) {
	pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}}
}

func (w *world) mustExec(stdin string, argv ...string) (string, error) {
	w.Helper()
	c := &client{}
	if stdin != "" {
		c.in = strings.NewReader(stdin)
	}
	err := w.RunInContainer(w.Context(), "default", "a", "", argv, c)
	return c.out.String(), err
}

func TestExecCarriesBytesAndTheExitCode(t *testing.T) {
	w := newWorld(t)
	w.mustRun("a")
	if out, err := w.mustExec("", "echo", "a  b", "", "$HOME"); err != nil || out != "a  b  $HOME\n" {
		t.Errorf("echo: %q, %v", out, err)
	}
	data := strings.Repeat("\x00\xff0\n12\n", 50_000)
	if out, err := w.mustExec(data, "cat"); err != nil || out != data {
		t.Errorf("cat gave %d bytes of %d, %v", len(out), len(data), err)
	}
	var exit utilexec.CodeExitError
	if _, err := w.mustExec("", "sh", "-c", "exit 3"); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("exit 3: %v", err)
	}
}

func TestExecSaysWhyItCannot(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("a")
	for container, want := range map[string]string{"other": "container other is not in pod default/a", "debugger": "ECI cannot add a container to a running group"} {
		if container == "debugger" {
			debugged := pod.DeepCopy()
			debugged.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: container}}}
			if err := w.UpdatePod(t.Context(), debugged); err != nil {
				t.Fatal(err)
			}
			shown := w.told[pod.UID].Status.EphemeralContainerStatuses
			if len(shown) != 1 || shown[0].State.Terminated == nil || shown[0].State.Terminated.Message != status.EphemeralRefused {
				t.Errorf("the status of %s is %+v", container, shown)
			}
		}
		if err := w.RunInContainer(t.Context(), "default", "a", container, []string{"true"}, &client{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", container, err, want)
		}
	}
}

func TestAttachShowsTheOutputUntilTheEnd(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("a", func(pod *corev1.Pod) {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo first; sleep 20; echo last"}
	})
	c, done := &client{}, make(chan error, 1)
	go func() { done <- w.AttachToContainer(t.Context(), "default", "a", "app", c) }()
	w.eventually("the first line", func() bool { return c.out.String() == "first\n" })
	w.pass(30 * time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodSucceeded)
	w.eventually("attach ends", func() bool {
		w.clock.Step(followEvery)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return true
		default:
			return false
		}
	})
	if got := c.out.String(); got != "first\nlast\n" {
		t.Errorf("got %q", got)
	}
}

func TestAttachRefusesAStdin(t *testing.T) {
	w := newWorld(t)
	w.mustRun("a")
	if err := w.AttachToContainer(t.Context(), "default", "a", "app", &client{in: strings.NewReader("")}); !errors.Is(err, errNoAttach) {
		t.Errorf("got %v", err)
	}
}

// mustGet asks for a page over a forwarded connection.
func (w *world) mustGet(port int32) (string, error) {
	w.Helper()
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- w.PortForward(w.Context(), "default", "a", port, far)
		far.Close()
	}()
	go io.WriteString(near, "GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	var body []byte
	if resp, err := http.ReadResponse(bufio.NewReader(near), nil); err == nil {
		if body, err = io.ReadAll(resp.Body); err != nil {
			w.Fatal(err)
		}
	}
	near.Close()
	return string(body), <-done
}

func TestPortForwardTakesACommandWhereNoRouteLeads(t *testing.T) {
	w := newWorld(t)
	w.mustRun("a", serving)
	for range 2 { // the second time with what was learned
		if got, err := w.mustGet(80); err != nil || !strings.Contains(got, "GET /page") {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := w.mustGet(81); err == nil || !strings.Contains(err.Error(), "no route") || !strings.Contains(err.Error(), "could not connect to port 81") {
		t.Errorf("a closed port: %v", err)
	}
}

func TestPortForwardConnectsWhereARouteLeadsAndPassesHalfCloses(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("a", serving)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	asked := make(chan string, 1)
	w.dial = func(address string) (net.Conn, error) {
		asked <- address
		return net.Dial("tcp", listener.Addr().String())
	}
	go func() { // answers only once the client has sent all
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		all, _ := io.ReadAll(conn)
		conn.Write(bytes.ToUpper(all))
	}()
	var out buffer
	err = w.PortForward(t.Context(), "default", "a", 80, readWriter{strings.NewReader("hello"), &out})
	if err != nil || out.String() != "HELLO" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	if got, want := <-asked, w.told[pod.UID].Status.PodIP+":80"; got != want {
		t.Errorf("dialled %s, want %s", got, want)
	}
}

type readWriter struct {
	io.Reader
	*buffer
}

func TestAnAddressThatDoesNotAnswerIsNotDialledAgainSoon(t *testing.T) {
	w := newWorld(t)
	w.mustRun("a", serving)
	dialled := 0
	w.deps.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialled++
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for range 3 {
		if _, err := w.mustGet(80); err != nil {
			t.Error(err)
		}
	}
	if dialled != 1 {
		t.Errorf("dialled %d times", dialled)
	}
	w.clock.Step(routeMemory + 1)
	if _, err := w.mustGet(80); err != nil || dialled != 2 {
		t.Errorf("later: dialled %d times, %v", dialled, err)
	}
}

func (w *world) eventually(what string, true func() bool) {
	w.Helper()
	timeout, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !true() {
		select {
		case <-tick.C:
		case <-timeout:
			w.Fatalf("%s: not yet", what)
		}
	}
}
