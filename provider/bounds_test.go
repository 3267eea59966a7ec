package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

const (
	// flood is how many bytes a hostile container prints in these tests.
	flood = 1 << 30
	// maxHeld is how much of them may be on the heap.
	maxHeld = 64 << 20
)

// floodSize is flood, or less where memory is watched by the race detector.
func floodSize() int {
	if testing.Short() || raceEnabled {
		return 128 << 20
	}
	return flood
}

// heap watches how much more is allocated than at its start.
type heap struct {
	*testing.T
	before, most uint64
	writes       int
}

func watchHeap(t *testing.T) *heap {
	runtime.GC()
	h := &heap{T: t}
	h.before = h.read()
	return h
}

func (*heap) read() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// look is for calling after every write: it looks at every 64th.
func (h *heap) look() {
	if h.writes++; h.writes%64 == 0 {
		h.most = max(h.most, h.read())
	}
}

func (h *heap) expectSmall() {
	h.Helper()
	if h.most > h.before+maxHeld {
		h.Errorf("%d MB were held of %d MB", (h.most-h.before)>>20, floodSize()>>20)
	}
}

// written counts what is written.
type written struct{ n int }

func (c *written) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

func TestMarkReader_HoldsLittleOfAnyOutput(t *testing.T) {
	const mark = "eci:TOKEN"
	piece := bytes.Repeat([]byte("x"), 32<<10)
	digits := bytes.Repeat([]byte("0"), 32<<10)
	for name, tc := range map[string]struct {
		begin  string
		piece  []byte
		passed bool
	}{
		"before the mark":                 {begin: "", piece: piece},
		"a process number without an end": {begin: mark + ":+", piece: digits},
		"no process number":               {begin: mark + ":+", piece: piece},
		"a command's output":              {begin: mark + ":+1;", piece: piece, passed: true},
		"an exit code without an end":     {begin: mark + ":+1;" + mark + ":", piece: digits, passed: true},
		"no exit code":                    {begin: mark + ":+1;" + mark + ":", piece: piece, passed: true},
	} {
		t.Run(name, func(t *testing.T) {
			heap, out := watchHeap(t), &written{}
			m := newMarkReader(out, mark, func() {}, func() { t.Error("it has ended") }, nil)
			if _, err := io.WriteString(m, tc.begin); err != nil {
				t.Fatal(err)
			}
			size := floodSize() / 2 // six of them
			for range size / len(tc.piece) {
				if _, err := m.Write(tc.piece); err != nil {
					t.Fatal(err)
				}
				heap.look()
				if len(m.held) > 1<<20 {
					t.Fatalf("%d bytes are held", len(m.held))
				}
			}
			if err := m.flush(); err != nil || tc.passed && out.n < size || !tc.passed && out.n > 0 {
				t.Errorf("%d bytes of %d came through, %v", out.n, size, err)
			}
			heap.expectSmall()
		})
	}
}

func TestMarkReader_ReadsOnAfterMarksThatAreNone(t *testing.T) {
	const mark = "eci:TOKEN"
	for name, begin := range map[string]string{
		"no number":       mark + ":+x;",
		"without plus":    mark + ":5;",
		"an endless one":  mark + ":+" + strings.Repeat("0", 100) + ";",
		"one after other": mark + ":+" + mark + ":",
	} {
		var out bytes.Buffer
		m := newMarkReader(&out, mark, func() {}, func() {}, nil)
		for _, b := range []byte(begin + mark + ":+12;out" + mark + ":7;") {
			if _, err := m.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if started, _, ended, code, _ := m.result(); !started || !ended || code != 7 || m.pid != 12 || out.String() != "out" {
			t.Errorf("%s: started %v, ended %v, code %d, process %d, %q", name, started, ended, code, m.pid, out.String())
		}
	}
}

// floodingCloud runs every command in a container that prints without end.
type floodingCloud struct {
	Cloud
	uri eci.Secret
}

func (c floodingCloud) ExecContainerCommand(context.Context, *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	return &eci.ExecContainerCommandResponse{WebSocketURI: c.uri}, nil
}

// mustFlood returns a provider of which every command prints size bytes, and the
// place of one.
func mustFlood(t *testing.T, size int, after func()) (*Provider, place) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		message := append([]byte{1}, bytes.Repeat([]byte("x"), 256<<10)...)
		for range size / len(message) {
			if conn.WriteMessage(websocket.BinaryMessage, message) != nil {
				return // the reader has had enough
			}
			after()
		}
		_ = conn.WriteMessage(websocket.BinaryMessage, []byte("\x03{\"status\":\"Success\"}"))
	}))
	t.Cleanup(server.Close)
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	pod.Namespace, pod.Name, pod.UID = "default", "a", "uid-a"
	p := &Provider{
		cfg: Config{ExecFraming: execstream.V5}, store: newStore(), routes: newRoutes(clock),
		cloud: newWatchedCloud(floodingCloud{uri: eci.Secret("ws" + strings.TrimPrefix(server.URL, "http"))}, clock),
		deps:  Deps{Clock: clock, Streams: &execstream.Dialer{}},
	}
	p.store.remember(pod)
	p.store.update(pod.UID, func(e *entry) { e.stage, e.groupID = stageLive, "eci-1" })
	e, _ := p.store.get(pod.UID)
	return p, place{entry: e, container: "app"}
}

func TestForwarderOf_EndsASearchThatPrintsTooMuch(t *testing.T) {
	heap := watchHeap(t)
	p, at := mustFlood(t, floodSize(), heap.look)
	if f, err := p.forwarderOf(t.Context(), at, 80); !errors.Is(err, errTextTooLong) {
		t.Errorf("found %+v, %v", f, err)
	}
	heap.expectSmall()
}

func TestExec_HoldsLittleOfTheOutput(t *testing.T) {
	heap, out := watchHeap(t), &written{}
	size := floodSize()
	p, at := mustFlood(t, size, func() {})
	err := p.exec(t.Context(), at, terminalSession{argv: []string{"cat"}, stdout: writerFunc(func(b []byte) {
		out.n += len(b)
		heap.look()
	})})
	if err != nil || out.n < size-(1<<20) {
		t.Errorf("%d bytes of %d, %v", out.n, size, err)
	}
	heap.expectSmall()
}

// largeLogCloud answers with one endless line of what the cloud promises to keep to.
type largeLogCloud struct {
	Cloud
	bytes int
}

func (c largeLogCloud) DescribeContainerLog(context.Context, *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return &eci.DescribeContainerLogResponse{Content: strings.Repeat("x", c.bytes)}, nil
}

func TestReadLog_RefusesPagesThatAreTooLong(t *testing.T) {
	p := &Provider{cloud: newWatchedCloud(largeLogCloud{bytes: 2*eci.MaxLogBytes + 1}, clocktesting.NewFakeClock(time.Unix(0, 0)))}
	if text, err := p.readLog(t.Context(), &eci.DescribeContainerLogRequest{}); err == nil || !strings.Contains(err.Error(), fmt.Sprint(eci.MaxLogBytes)) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// longCloud has an answer that is too long whenever more than most groups are in it.
type longCloud struct {
	Cloud
	most int
}

func (c longCloud) DescribeContainerGroups(ctx context.Context, r *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	resp, err := c.Cloud.DescribeContainerGroups(ctx, r)
	if err == nil && len(resp.ContainerGroups) > c.most {
		return nil, fmt.Errorf("%w: it has %d groups", eci.ErrAnswerTooLong, len(resp.ContainerGroups))
	}
	return resp, err
}

func TestReadDetails_AsksForFewerWhereAnAnswerIsTooLong(t *testing.T) {
	w := newWorld(t)
	var pods []*corev1.Pod
	for i := range 10 {
		pod := w.mustAddPod(fmt.Sprint("p", i))
		w.mustCreatePod(pod)
		pods = append(pods, pod)
	}
	w.Provider.cloud = newWatchedCloud(longCloud{Cloud: w.Provider.cloud.cloud, most: 3}, w.clock)
	w.pass(time.Second)
	w.tick()
	for _, pod := range pods {
		w.expectPhase(pod, corev1.PodRunning)
	}
	groups, err := w.describe(t.Context(), &eci.DescribeContainerGroupsRequest{Tags: w.nodeTags()})
	if err != nil || len(groups) != len(pods) {
		t.Errorf("%d groups are listed, %v", len(groups), err)
	}
}
