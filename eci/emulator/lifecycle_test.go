package emulator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// stage is an emulator on a fake clock with realistic delays.
type stage struct {
	*caller
	em    *emulator.Emulator
	clock *emulator.FakeClock
}

func newStage(t testing.TB, changes ...func(*emulator.Config)) *stage {
	cfg := emulator.DefaultConfig()
	cfg.Delays = emulator.RealisticDelays()
	for _, change := range changes {
		change(&cfg)
	}
	clock := emulator.NewFakeClock(start)
	em, endpoint := mustServe(t, cfg, emulator.WithClock(clock))
	return &stage{newCaller(t, endpoint), em, clock}
}

func (s *stage) advance(d time.Duration) { s.clock.Advance(d) }

// status is the one group in the shape of a pod.
func (s *stage) status() eci.ContainerGroupStatus {
	s.t.Helper()
	var resp eci.DescribeContainerGroupStatusResponse
	if err := s.call(eci.ActionDescribeContainerGroupStatus, &resp); err != nil {
		s.t.Fatal(err)
	}
	if len(resp.Data) != 1 {
		s.t.Fatalf("there are %d statuses, not one", len(resp.Data))
	}
	return resp.Data[0]
}

func (s *stage) condition(kind string) eci.PodCondition {
	for _, c := range s.status().PodStatus.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return eci.PodCondition{}
}

func (s *stage) wantStatus(want string) {
	s.t.Helper()
	if got := s.only().Status; got != want {
		s.t.Errorf("at %s the group is %s, want %s", s.clock.Now().Sub(start), got, want)
	}
}

func (s *stage) reasons() []string {
	var all []string
	for _, ev := range s.only().Events {
		all = append(all, ev.Reason)
	}
	return all
}

func command(argv ...string) []string {
	var pairs []string
	for i, arg := range argv {
		pairs = append(pairs, "Container.1.Command."+string(rune('1'+i)), arg)
	}
	return pairs
}

func TestAGroupGoesFromSchedulingToRunningInTime(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate()
	if g := s.only(); g.Status != eci.StatusScheduling || g.IntranetIP != "" || g.ENIInstanceID != "" || g.CreationTime != "2026-11-21T12:00:00Z" {
		t.Errorf("a new group is %+v", g)
	}
	if c := s.condition("ContainerInstanceCreated"); c.Status != "False" || c.Reason != "Creating" {
		t.Errorf("its condition is %+v", c)
	}
	s.advance(2 * time.Second)
	if g := s.only(); g.Status != eci.StatusPending || g.IntranetIP == "" || !strings.HasPrefix(g.ENIInstanceID, "eni-") {
		t.Errorf("a scheduled group is %+v", g)
	}
	if st := s.status().PodStatus.ContainerStatuses[0].State.Waiting; st == nil || st.Reason != "ContainerCreating" {
		t.Errorf("its container is %+v", st)
	}
	s.advance(3500 * time.Millisecond)
	st := s.status()
	if st.Status != eci.StatusRunning || st.PodStatus.Phase != "Running" || st.PodStatus.HostIP != st.PodStatus.PodIP || st.ContainerGroupID != id {
		t.Errorf("a running group is %+v", st)
	}
	if run := st.PodStatus.ContainerStatuses[0]; !run.Ready || !run.Started || run.State.Running == nil || run.State.Running.StartedAt != "2026-11-21T12:00:05Z" {
		t.Errorf("its container is %+v", run)
	}
	if c := s.condition("Ready"); c.Status != "True" || c.LastTransitionTime != "2026-11-21T12:00:05Z" {
		t.Errorf("its condition is %+v", c)
	}
	if got, want := s.reasons(), []string{"SuccessfulScheduled", "Pulling", "Pulled", "Created", "Started"}; !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
}

func TestInitContainersRunInOrderBeforeTheOthers(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	s.mustCreate("InitContainer.1.Name", "one", "InitContainer.1.Image", "i", "InitContainer.1.Command.1", "sleep", "InitContainer.1.Command.2", "5",
		"InitContainer.2.Name", "two", "InitContainer.2.Image", "i", "InitContainer.2.Command.1", "sleep", "InitContainer.2.Command.2", "5")
	states := func() (all []string) {
		g := s.only()
		for _, c := range g.InitContainers {
			all = append(all, c.CurrentState.State)
		}
		return append(all, g.Containers[0].CurrentState.State, g.Status)
	}
	for _, want := range [][]string{
		{"Running", "Waiting", "Waiting", "Pending"},
		{"Terminated", "Running", "Waiting", "Pending"},
		{"Terminated", "Terminated", "Running", "Running"},
	} {
		if got := states(); !slices.Equal(got, want) {
			t.Errorf("states are %v, want %v", got, want)
		}
		s.advance(5 * time.Second)
	}
	if c := s.condition("Initialized"); c.Status != "True" {
		t.Errorf("condition is %+v", c)
	}
}

func TestAGroupEndsByItsContainersAndRestartPolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		policy string
		argv   []string
		init   string
		want   string
		code   int32
	}{
		"never, success":         {policy: "Never", argv: []string{"sleep", "3"}, want: eci.StatusSucceeded},
		"never, failure":         {policy: "Never", argv: []string{"exit", "3"}, want: eci.StatusFailed, code: 3},
		"never, false":           {policy: "Never", argv: []string{"false"}, want: eci.StatusFailed, code: 1},
		"on failure, success":    {policy: "OnFailure", argv: []string{"sh", "-c", "sleep 1; true"}, want: eci.StatusSucceeded},
		"on failure, failure":    {policy: "OnFailure", argv: []string{"exit", "3"}, want: eci.StatusRunning},
		"always, success":        {policy: "Always", argv: []string{"sleep", "1"}, want: eci.StatusRunning},
		"never, a failing init":  {policy: "Never", argv: []string{"true"}, init: "false", want: eci.StatusFailed},
		"always, a failing init": {policy: "Always", argv: []string{"true"}, init: "false", want: eci.StatusPending},
	} {
		s := newStage(t)
		changes := append(command(tc.argv...), "RestartPolicy", tc.policy)
		if tc.init != "" {
			changes = append(changes, "InitContainer.1.Name", "init", "InitContainer.1.Image", "i", "InitContainer.1.Command.1", tc.init)
		}
		s.mustCreate(changes...)
		s.advance(15 * time.Second)
		g := s.only()
		if g.Status != tc.want {
			t.Errorf("%s: the group is %s, want %s", name, g.Status, tc.want)
		}
		if eci.IsTerminal(tc.want) && tc.init == "" && (g.Containers[0].CurrentState.ExitCode != tc.code || g.Containers[0].CurrentState.FinishTime == "") {
			t.Errorf("%s: the container is %+v", name, g.Containers[0].CurrentState)
		}
	}
}

func TestACrashingContainerBacksOffAsUnderTheKubelet(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	s.mustCreate(command("exit", "7")...)
	type seen struct {
		restarts int32
		waiting  string
		last     int32
	}
	look := func() seen {
		c := s.status().PodStatus.ContainerStatuses[0]
		var got seen
		got.restarts = c.RestartCount
		if c.State.Waiting != nil {
			got.waiting = c.State.Waiting.Reason
		}
		if c.LastState.Terminated != nil {
			got.last = c.LastState.Terminated.ExitCode
		}
		return got
	}
	for _, step := range []struct {
		after    time.Duration
		restarts int32
	}{{0, 1}, {9 * time.Second, 1}, {time.Second, 2}, {19 * time.Second, 2}, {time.Second, 3}, {40 * time.Second, 4}} {
		s.advance(step.after)
		if got, want := look(), (seen{step.restarts, "CrashLoopBackOff", 7}); got != want {
			t.Errorf("at %s: %+v, want %+v", s.clock.Now().Sub(start), got, want)
		}
	}
	s.wantStatus(eci.StatusRunning)
	if c := s.condition("Ready"); c.Status != "False" || c.Reason != "ContainersNotReady" {
		t.Errorf("condition is %+v", c)
	}
}

func TestAnImageThatCannotBePulledKeepsTheGroupPending(t *testing.T) {
	s := newStage(t)
	s.mustCreate("Container.1.Image", "nginx:missing", "MaxPendingMinute", "10")
	s.advance(5 * time.Second)
	if w := s.status().PodStatus.ContainerStatuses[0].State.Waiting; w == nil || w.Reason != "ErrImagePull" || w.Message == "" {
		t.Errorf("first it is %+v", w)
	}
	s.advance(2 * time.Second)
	if w := s.status().PodStatus.ContainerStatuses[0].State.Waiting; w == nil || w.Reason != "ImagePullBackOff" {
		t.Errorf("then it is %+v", w)
	}
	s.wantStatus(eci.StatusPending)
	s.advance(10 * time.Minute)
	s.wantStatus(eci.StatusFailed)
}

func TestADeleteWaitsForTheContainersAndNotForTheGracePeriod(t *testing.T) {
	for name, tc := range map[string]struct {
		argv  []string
		extra []string
		force string
		// alive and gone are times after the delete.
		alive, gone time.Duration
	}{
		"one that ends on TERM":       {argv: []string{"nginx"}, alive: 500 * time.Millisecond, gone: time.Second},
		"one that is deaf":            {argv: []string{"sh", "-c", "trap '' TERM; sleep 1000"}, alive: 20 * time.Second, gone: 21 * time.Second},
		"one that is deaf, by force":  {argv: []string{"sh", "-c", "trap '' TERM; sleep 1000"}, force: "true", alive: 500 * time.Millisecond, gone: time.Second},
		"one with a preStop of 5 s":   {argv: []string{"nginx"}, extra: []string{"Container.1.LifecyclePreStopHandlerExec.1", "sleep", "Container.1.LifecyclePreStopHandlerExec.2", "5"}, alive: 5 * time.Second, gone: 6 * time.Second},
		"one with a preStop too long": {argv: []string{"nginx"}, extra: []string{"Container.1.LifecyclePreStopHandlerExec.1", "sleep", "Container.1.LifecyclePreStopHandlerExec.2", "500"}, alive: 20 * time.Second, gone: 21 * time.Second},
	} {
		s := newStage(t)
		id := s.mustCreate(append(append(command(tc.argv...), "TerminationGracePeriodSeconds", "20"), tc.extra...)...)
		s.advance(10 * time.Second)
		pairs := []string{"ContainerGroupId", id}
		if tc.force != "" {
			pairs = append(pairs, "Force", tc.force)
		}
		if err := s.call(eci.ActionDeleteContainerGroup, nil, pairs...); err != nil {
			t.Fatal(err)
		}
		s.wantStatus(eci.StatusTerminating)
		s.advance(tc.alive)
		if len(s.mustDescribe()) != 1 {
			t.Errorf("%s: gone before %s", name, tc.alive)
		}
		s.advance(tc.gone - tc.alive)
		if len(s.mustDescribe()) != 0 {
			t.Errorf("%s: still there after %s", name, tc.gone)
		}
	}
}

func TestADeleteInEveryStateEndsWithNoGroup(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Second, 5 * time.Second, 10 * time.Second, time.Minute} {
		s := newStage(t)
		id := s.mustCreate(append(command("sleep", "20"), "RestartPolicy", "Never")...)
		s.advance(after)
		if err := s.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", id); err != nil {
			t.Fatal(err)
		}
		s.advance(5 * time.Second)
		if left := s.em.Groups(); len(left) != 0 {
			t.Errorf("deleted after %s the group is still %s", after, left[0].Status)
		}
		s.advance(24 * time.Hour)
	}
}

func TestADeleteOfAnUnknownGroupIsConfigurable(t *testing.T) {
	s := newStage(t)
	wantCode(t, "by default", s.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", "eci-none"), 404, eci.CodeNotFound)
	s = newStage(t, func(c *emulator.Config) { c.DeleteUnknownSucceeds = true })
	if err := s.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", "eci-none"); err != nil {
		t.Error(err)
	}
}

func TestProbesDecideReadinessAndRestarts(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	s.mustCreate("Container.1.ReadinessProbe.HttpGet.Port", "80", "Container.1.ReadinessProbe.InitialDelaySeconds", "5")
	if s.status().PodStatus.ContainerStatuses[0].Ready {
		t.Error("it is ready before its probe")
	}
	s.advance(5 * time.Second)
	if !s.status().PodStatus.ContainerStatuses[0].Ready || s.condition("ContainersReady").Status != "True" {
		t.Error("it is not ready after its probe")
	}
	s = newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	s.mustCreate("Container.1.LivenessProbe.Exec.Command.1", "false", "Container.1.LivenessProbe.PeriodSeconds", "2")
	s.advance(4 * time.Second)
	if c := s.status().PodStatus.ContainerStatuses[0]; c.RestartCount != 1 || c.LastState.Terminated == nil || c.LastState.Terminated.ExitCode != 137 {
		t.Errorf("after a failing liveness probe it is %+v", c)
	}
	if !slices.Contains(s.reasons(), "Unhealthy") {
		t.Errorf("events are %v", s.reasons())
	}
}

func TestADeadlineEndsTheGroup(t *testing.T) {
	s := newStage(t)
	s.mustCreate("ActiveDeadlineSeconds", "30")
	s.advance(31 * time.Second)
	s.wantStatus(eci.StatusRunning)
	s.advance(time.Second)
	s.wantStatus(eci.StatusFailed)
}

func TestARestartRunsAllContainersAgain(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate()
	s.advance(10 * time.Second)
	if err := s.call(eci.ActionRestartContainerGroup, nil, "ContainerGroupId", id); err != nil {
		t.Fatal(err)
	}
	s.wantStatus(eci.StatusRestarting)
	wantCode(t, "another restart", s.call(eci.ActionRestartContainerGroup, nil, "ContainerGroupId", id), 400, eci.CodeIncorrectStatus)
	s.advance(10 * time.Second)
	s.wantStatus(eci.StatusRunning)
	if c := s.only().Containers[0]; c.RestartCount != 1 || c.PreviousState == nil || c.PreviousState.ExitCode != 143 {
		t.Errorf("the container is %+v", c)
	}
}

func TestAnUpdateReplacesContainersAndKeepsTheRest(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate("Tag.1.Key", "a", "Tag.1.Value", "1")
	s.advance(10 * time.Second)
	before := s.only()
	update := func(pairs ...string) error {
		return s.call(eci.ActionUpdateContainerGroup, nil, append([]string{"ContainerGroupId", id}, pairs...)...)
	}
	wantCode(t, "nothing new", update("RestartPolicy", "Always"), 400, eci.CodeNoNeedUpdate)
	wantCode(t, "a bad size", update("Cpu", "3"), 400, eci.CodeInvalidCPUMemory)
	wantCode(t, "an unknown group", s.call(eci.ActionUpdateContainerGroup, nil, "ContainerGroupId", "eci-none"), 404, eci.CodeNotFound)
	if err := update("Tag.1.Key", "b"); err != nil {
		t.Fatal(err)
	}
	s.wantStatus(eci.StatusRunning)
	if err := update("Container.1.Name", "app", "Container.1.Image", "nginx:2"); err != nil {
		t.Fatal(err)
	}
	s.wantStatus(eci.StatusUpdating)
	s.advance(10 * time.Second)
	after := s.only()
	if after.Status != eci.StatusRunning || after.Containers[0].Image != "nginx:2" || after.IntranetIP != before.IntranetIP || after.Tags[0].Key != "b" {
		t.Errorf("after the update it is %+v", after)
	}
}

func TestATerminationMessageComesFromItsFileOrTheLog(t *testing.T) {
	for name, tc := range map[string]struct {
		script, policy, want string
	}{
		"the file":                     {"echo why > /dev/termination-log; exit 1", "File", "why\n"},
		"the log on an error":          {"echo line; exit 1", "FallbackToLogsOnError", "line\n"},
		"the file before the log":      {"echo line; echo why > /dev/termination-log; exit 1", "FallbackToLogsOnError", "why\n"},
		"not the log on success":       {"echo line; exit 0", "FallbackToLogsOnError", ""},
		"not the log by default":       {"echo line; exit 1", "", ""},
		"an unfinished line as a line": {"echo -n line; exit 1", "FallbackToLogsOnError", "line\n"},
	} {
		s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
		s.mustCreate(append(command("sh", "-c", tc.script), "RestartPolicy", "Never", "Container.1.TerminationMessagePolicy", tc.policy)...)
		if got := s.only().Containers[0].CurrentState.Message; got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
