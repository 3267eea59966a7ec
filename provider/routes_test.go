package provider

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// dialled notes which addresses are dialled; it answers as told, or stays silent.
type dialled struct {
	addresses []string
	answer    map[string]error
}

func (d *dialled) dial(_ context.Context, _, address string) (net.Conn, error) {
	d.addresses = append(d.addresses, address)
	if err, told := d.answer[address]; told {
		return nil, err
	}
	return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
}

// expectDials forwards to a port of a pod and checks how often the pod was dialled.
func (w *world) expectDials(d *dialled, pod *corev1.Pod, port int32, want int) {
	w.Helper()
	d.addresses = nil
	at, err := w.place(pod.Namespace, pod.Name, "")
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.Provider.dialPod(w.Context(), at, port); err == nil || len(d.addresses) != want {
		w.Errorf("port %d of %s: dialled %v, want %d, %v", port, pod.Name, d.addresses, want, err)
	}
}

func TestDialPod_RemembersASilentPortAndNoOther(t *testing.T) {
	w := newWorld(t)
	a, b := w.mustRun("a", serving), w.mustRun("b", serving)
	d := &dialled{}
	w.deps.Dial = d.dial
	w.expectDials(d, a, 80, 1)
	w.expectDials(d, a, 80, 0)
	w.expectDials(d, a, 81, 1)
	w.expectDials(d, b, 80, 1)
	w.clock.Step(routeMemory + 1)
	w.expectDials(d, a, 80, 1)
}

func TestDialPod_RemembersAnAddressWithoutARouteAndNoOther(t *testing.T) {
	w := newWorld(t)
	a, b := w.mustRun("a", serving), w.mustRun("b", serving)
	d := &dialled{answer: map[string]error{}}
	w.deps.Dial = d.dial
	unreachable := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	d.answer[w.told[a.UID].Status.PodIP+":80"] = unreachable
	d.answer[w.told[b.UID].Status.PodIP+":80"] = refused
	w.expectDials(d, a, 80, 1)
	w.expectDials(d, a, 81, 0)
	w.expectDials(d, b, 80, 1)
	w.expectDials(d, b, 80, 1)
}

func TestDialPod_NeverDialsAnAddressThatMayBeAnothers(t *testing.T) {
	for name, change := range map[string]func(*entry){
		"ended":           func(e *entry) { e.stage = stageEnded },
		"being deleted":   func(e *entry) { e.stage = stageDeleting },
		"group ended":     func(e *entry) { e.group = &facts{status: eci.StatusFailed} },
		"group restarts":  func(e *entry) { e.group = &facts{status: eci.StatusRestarting} },
		"pod failed":      func(e *entry) { e.status = &corev1.PodStatus{Phase: corev1.PodFailed, PodIP: e.status.PodIP} },
		"pod pending":     func(e *entry) { e.status = &corev1.PodStatus{Phase: corev1.PodPending, PodIP: e.status.PodIP} },
		"made anew":       func(e *entry) { e.stage, e.groupID = stageNew, "" },
		"state says so":   func(e *entry) { e.live = &eci.ContainerGroupStatus{Status: eci.StatusSucceeded} },
		"another's group": func(e *entry) { e.groupID = "eci-another" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pod := w.mustRun("a", serving)
			d := &dialled{}
			w.deps.Dial = d.dial
			before, err := w.place("default", "a", "")
			if err != nil {
				t.Fatal(err)
			}
			w.store.update(pod.UID, change)
			if name != "another's group" { // whose address is as good as any
				// A group that goes on running is reached by a command.
				err = w.PortForward(t.Context(), "default", "a", 80, readWriter{strings.NewReader(""), &buffer{}})
				if len(d.addresses) > 0 {
					t.Errorf("port-forward: dialled %v, %v", d.addresses, err)
				}
			}
			execs := w.calls(eci.ActionExecContainerCommand)
			_, err = w.open(t.Context(), before, execPlan{command: []string{"true"}, framing: execstream.Raw}, false)
			now, _ := w.store.get(pod.UID)
			if enterable := now.groupID == before.entry.groupID && !now.hasEnded(); enterable != (err == nil) || !enterable && w.calls(eci.ActionExecContainerCommand) != execs {
				t.Errorf("exec: %v, of a pod that can be entered: %v", err, enterable)
			}
		})
	}
}

// pacedConn is a connection whose pod sends a byte every so often, on a clock that
// its reads move.
type pacedConn struct {
	net.Conn
	now, deadline time.Time
	every         time.Duration
	left          int
}

func (c *pacedConn) Read(p []byte) (int, error) {
	if c.left--; c.left < 0 {
		return 0, io.EOF
	}
	c.now = c.now.Add(c.every)
	if !c.deadline.IsZero() && c.now.After(c.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	p[0] = 'x'
	return 1, nil
}

func (c *pacedConn) CloseWrite() error                  { return nil }
func (c *pacedConn) SetReadDeadline(at time.Time) error { c.deadline = at; return nil }

func TestHalfClosable_EndsSilenceAndNoDownload(t *testing.T) {
	for every, want := range map[time.Duration]int{halfClosedIdle - 1: 100, halfClosedIdle + 1: 0} {
		conn := &pacedConn{now: time.Unix(0, 0), every: every, left: 100}
		c := &halfClosable{podConn: conn, now: func() time.Time { return conn.now }}
		c.endWrite()
		all, err := io.ReadAll(c)
		if len(all) != want || (err != nil) != (want == 0) {
			t.Errorf("a byte every %s: %d bytes, %v", every, len(all), err)
		}
	}
	conn := &pacedConn{now: time.Unix(0, 0), every: time.Hour, left: 100}
	if all, err := io.ReadAll(&halfClosable{podConn: conn, now: func() time.Time { return conn.now }}); len(all) != 100 || err != nil {
		t.Errorf("a connection that is open on both sides: %d bytes, %v", len(all), err)
	}
}

// hangingCloud announces no command in the group eci-1.
type hangingCloud struct {
	Cloud
	asked chan struct{}
}

func (c hangingCloud) ExecContainerCommand(ctx context.Context, r *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	if r.ContainerGroupID == "eci-1" {
		c.asked <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.Cloud.ExecContainerCommand(ctx, r)
}

func TestFraming_IsNotHeldUpByAnotherThatHangs(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("a")
	stuck := w.mustRun("b")
	w.store.update(stuck.UID, func(e *entry) { e.groupID = "eci-1" })
	hanging := hangingCloud{Cloud: w.Provider.cloud.cloud, asked: make(chan struct{}, 10)}
	w.Provider.cloud = newWatchedCloud(hanging, w.clock)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	first := make(chan error, 1)
	go func() {
		first <- w.RunInContainer(ctx, "default", "b", "", []string{"true"}, &client{})
	}()
	<-hanging.asked
	if _, err := w.mustExec("", "echo", pod.Name); err != nil {
		t.Error(err)
	}
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that hangs: %v", err)
	}
}
