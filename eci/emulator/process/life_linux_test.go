package process_test

import (
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func (c *cloud) mustDelete(t *testing.T, id string) {
	t.Helper()
	if _, err := c.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{ContainerGroupID: id}); err != nil {
		t.Fatal(err)
	}
}

// mustBeGone waits until the cloud does not know the group.
func (c *cloud) mustBeGone(t *testing.T, id string) {
	t.Helper()
	waitFor(t, "group "+id+" is gone", func() bool {
		for _, g := range c.emulator.Groups() {
			if g.ContainerGroupID == id {
				return false
			}
		}
		return true
	})
}

// mustExec runs a command in a container and returns what it printed.
func (c *cloud) mustExec(t *testing.T, id, container string, argv ...string) string {
	t.Helper()
	no := false
	answer, err := c.ExecContainerCommand(t.Context(), &eci.ExecContainerCommandRequest{
		ContainerGroupID: id, ContainerName: container, Command: argv, Stdin: &no, Sync: yes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.SyncResponse
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

func TestAContainerEndsOnTermByItsTrapAndItsPreStopHookRunsBefore(t *testing.T) {
	c := mustCloud(t)
	request := group("graceful", shell("main", "trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 60; done"))
	request.Containers[0].PreStopExec = []string{"sh", "-c", "echo hooked > /proc/1/fd/1"}
	id := c.mustCreate(t, request)
	c.eventually(t, id, "up", func(emulator.Group) bool { return c.mustLog(t, id, "main") == "up\n" })
	restart := &eci.RestartContainerGroupRequest{ContainerGroupID: id}
	if _, err := c.RestartContainerGroup(t.Context(), restart); err != nil {
		t.Fatal(err)
	}
	got := c.eventually(t, id, "restarted", func(g emulator.Group) bool { return g.Containers[0].PreviousState != nil && isReady(g) })
	if code := got.Containers[0].PreviousState.ExitCode; code != 3 {
		t.Errorf("exit code %d, want that of the trap", code)
	}
	last, err := c.DescribeContainerLog(t.Context(), &eci.DescribeContainerLogRequest{ContainerGroupID: id, ContainerName: "main", LastTime: yes()})
	if err != nil || last.Content != "up\nhooked\nbye\n" {
		t.Errorf("the log of the first run is %q (%v)", last.Content, err)
	}
}

func TestAContainerThatIsDeafIsKilledAfterItsGrace(t *testing.T) {
	c := mustCloud(t)
	request := group("deaf", shell("main", "trap '' TERM; echo up; while true; do sleep 60; done"))
	grace := int64(1)
	request.TerminationGracePeriodSeconds = &grace
	id := c.mustCreate(t, request)
	c.eventually(t, id, "up", func(emulator.Group) bool { return c.mustLog(t, id, "main") == "up\n" })
	start := time.Now()
	c.mustDelete(t, id)
	c.mustBeGone(t, id)
	if took := time.Since(start); took < time.Second || took > 10*time.Second {
		t.Errorf("it took %s, want a little more than 1 s", took)
	}
}

func TestACrashingContainerIsRestartedAndATerminationMessageIsKept(t *testing.T) {
	c := mustCloud(t)
	request := group("crash", shell("main", "echo why > /dev/termination-log; exit 9"))
	request.RestartPolicy = "Always"
	id := c.mustCreate(t, request)
	got := c.eventually(t, id, "restarted twice", func(g emulator.Group) bool { return g.Containers[0].RestartCount >= 2 })
	if last := got.Containers[0].PreviousState; last == nil || last.ExitCode != 9 || last.Message != "why\n" {
		t.Errorf("the last state is %+v", last)
	}
}

func TestReadinessFollowsItsProbe(t *testing.T) {
	c := mustCloud(t)
	main := shell("main", "echo up; sleep 3600")
	main.ReadinessProbe = &eci.Probe{Exec: &eci.ExecAction{Command: []string{"test", "-e", "/tmp/ready"}}, PeriodSeconds: 1, FailureThreshold: 1, TimeoutSeconds: 30}
	main.PostStartExec = []string{"sh", "-c", "echo started > /tmp/hook"}
	helper := shell("helper", "sleep 3600")
	request := group("probed", main, helper)
	id := c.mustCreate(t, request)
	c.eventually(t, id, "unhealthy", func(g emulator.Group) bool { return hasEvent(g, "Unhealthy") })
	if isReady(c.mustGet(t, id)) {
		t.Error("it is ready before its probe succeeds")
	}
	c.mustExec(t, id, "main", "test", "-e", "/tmp/hook")
	c.mustExec(t, id, "main", "touch", "/tmp/ready")
	c.eventually(t, id, "ready", isReady)
	c.mustExec(t, id, "main", "rm", "/tmp/ready")
	c.eventually(t, id, "unready", func(g emulator.Group) bool { return !isReady(g) })
}

func TestAContainerThatFailsItsLivenessProbeIsRestarted(t *testing.T) {
	c := mustCloud(t)
	main := shell("main", "sleep 3600")
	main.LivenessProbe = &eci.Probe{TCPSocket: &eci.TCPSocketAction{Port: 81}, PeriodSeconds: 1, FailureThreshold: 2, TimeoutSeconds: 30}
	request := group("dead", main)
	request.RestartPolicy = "Always"
	id := c.mustCreate(t, request)
	got := c.eventually(t, id, "restarted", func(g emulator.Group) bool { return g.Containers[0].RestartCount >= 1 && hasEvent(g, "Killing") })
	if code := got.Containers[0].PreviousState.ExitCode; code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
}
