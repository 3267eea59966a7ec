package emulator_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestAClientTokenMakesOneGroup(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	first := c.mustCreate("ClientToken", "pod-1")
	var wait sync.WaitGroup
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var resp eci.CreateContainerGroupResponse
			if err := newCaller(t, endpoint).call(eci.ActionCreateContainerGroup, &resp, group("ClientToken", "pod-1")...); err != nil || resp.ContainerGroupID != first || resp.RequestID == "" {
				t.Errorf("a replay answers %+v, %v", resp, err)
			}
		}()
	}
	wait.Wait()
	if n := len(em.Groups()); n != 1 {
		t.Errorf("there are %d groups", n)
	}
	wantCode(t, "other parameters", c.call(eci.ActionCreateContainerGroup, nil, group("ClientToken", "pod-1", "ContainerGroupName", "other")...), 400, eci.CodeIdempotentMismatch)
	if second := c.mustCreate("ClientToken", "pod-2"); second == first {
		t.Error("another token gave the same group")
	}
}

func TestARefusedCreateDoesNotSpendItsToken(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	fault := em.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{}})
	wantCode(t, "without stock", c.call(eci.ActionCreateContainerGroup, nil, group("ClientToken", "t")...), 403, eci.CodeNoStock)
	fault.Remove()
	c.mustCreate("ClientToken", "t")
}

func TestADeleteReplaysUnderItsToken(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	id := c.mustCreate()
	for range 2 {
		if err := c.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", id, "ClientToken", "d"); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, "without the token", c.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", id), 404, eci.CodeNotFound)
}

func TestFaultsHitTheCallsTheyName(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	hit := em.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, Error: emulator.Throttled(), Skip: 1, Times: 2})
	create := func() error { return c.call(eci.ActionCreateContainerGroup, nil, group()...) }
	if err := create(); err != nil {
		t.Errorf("the skipped one: %v", err)
	}
	wantCode(t, "the second", create(), 400, eci.CodeThrottling)
	wantCode(t, "the third", create(), 400, eci.CodeThrottling)
	if err := create(); err != nil || hit.Hits() != 2 {
		t.Errorf("after its times: %v, %d hits", err, hit.Hits())
	}
	em.Faults().Inject(emulator.Fault{Error: emulator.Unavailable(), When: func(_ string, params map[string]string) bool { return params["ContainerGroupName"] == "bad" }})
	wantCode(t, "the bad one", c.call(eci.ActionCreateContainerGroup, nil, group("ContainerGroupName", "bad")...), 503, eci.CodeServiceUnavailable)
	if err := create(); err != nil {
		t.Error(err)
	}
	em.Faults().Inject(emulator.Fault{Error: emulator.Refusal(500, eci.CodeInternalError)})
	wantCode(t, "any", c.call(eci.ActionListUsage, nil), 500, eci.CodeInternalError)
	em.Faults().Clear()
	if err := create(); err != nil {
		t.Error(err)
	}
	if got := em.Calls()[eci.ActionCreateContainerGroup]; got != 7 {
		t.Errorf("%d creates are counted, want 7", got)
	}
}

func TestADroppedAnswerHasActedAndADroppedRequestHasNot(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	for i, fault := range []emulator.Fault{{DropRequest: true, Times: 1}, {DropAnswer: true, Times: 1}} {
		em.Faults().Inject(fault)
		err := c.call(eci.ActionCreateContainerGroup, nil, group("ClientToken", "t")...)
		if err == nil || eci.CodeOf(err) != "" {
			t.Errorf("an answer came: %v", err)
		}
		if n := len(em.Groups()); n != i {
			t.Errorf("after %+v there are %d groups, want %d", fault, n, i)
		}
	}
	c.mustCreate("ClientToken", "t")
	if n := len(em.Groups()); n != 1 {
		t.Errorf("the replay made %d groups", n)
	}
}

func TestReadsCanLieAboutTheGroups(t *testing.T) {
	s := newStage(t)
	old := s.mustCreate()
	s.advance(time.Minute)
	frozen := s.em.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, Frozen: true})
	s.em.RemoveGroup(old)
	young := s.mustCreate("ContainerGroupName", "young")
	if got := s.mustDescribe(); len(got) != 1 || got[0].ContainerGroupID != old || got[0].Status != eci.StatusRunning {
		t.Errorf("frozen shows %v", ids(got))
	}
	frozen.Remove()
	hidden := s.em.Faults().Inject(emulator.Fault{HideYoung: 10 * time.Second})
	if got := s.mustDescribe(); len(got) != 0 {
		t.Errorf("a lagging read shows %v", ids(got))
	}
	readLog := func() error {
		return s.call(eci.ActionDescribeContainerLog, nil, "ContainerGroupId", young, "ContainerName", "app")
	}
	wantCode(t, "a lagging read by name", readLog(), 404, eci.CodeNotFound)
	s.advance(10 * time.Second)
	if err := readLog(); err != nil {
		t.Error(err)
	}
	if got := s.mustDescribe(); len(got) != 1 || got[0].ContainerGroupID != young {
		t.Errorf("a read that caught up shows %v", ids(got))
	}
	hidden.Remove()
	s.em.Faults().Inject(emulator.Fault{EmptyList: true})
	if got := s.mustDescribe(); len(got) != 0 {
		t.Errorf("an empty list shows %v", ids(got))
	}
	if n := len(s.em.Groups()); n != 1 {
		t.Errorf("in truth there are %d groups", n)
	}
}

func TestAShortageIsOfAZoneOrASize(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	em.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{ZoneID: "cn-hangzhou-h"}})
	wantCode(t, "in the zone", c.call(eci.ActionCreateContainerGroup, nil, group("VSwitchId", "vsw-emulator-h")...), 403, eci.CodeNoStock)
	c.mustCreate("VSwitchId", "vsw-emulator-h,vsw-emulator-i")
	if got := c.only().ZoneID; got != "cn-hangzhou-i" {
		t.Errorf("it went to %s", got)
	}
	em.Faults().Clear()
	em.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{CPU: 2, Memory: 4}})
	c.mustCreate("InstanceType", "2-4Gi,2-8Gi", "Cpu", "", "Memory", "")
	if got := c.mustDescribe()[0]; got.CPU != 2 || got.Memory != 8 {
		t.Errorf("it became %v/%v", got.CPU, got.Memory)
	}
}

func TestLatencyPassesOnTheClock(t *testing.T) {
	s := newStage(t)
	fault := s.em.Faults().Inject(emulator.Fault{Action: eci.ActionListUsage, Latency: time.Minute})
	done := make(chan error, 1)
	go func() { done <- s.call(eci.ActionListUsage, nil) }()
	for fault.Hits() == 0 {
		runtime.Gosched()
	}
	asked := s.clock.Now()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			if passed := s.clock.Now().Sub(asked); passed < time.Minute {
				t.Errorf("it was answered after %s", passed)
			}
			return
		default:
			s.advance(time.Second)
		}
	}
}

func TestARateThrottlesUntilTheNextMinute(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Rates = map[string]int{eci.ActionListUsage: 2} })
	usage := func() error { return s.call(eci.ActionListUsage, nil) }
	for range 2 {
		if err := usage(); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, "the third", usage(), 400, eci.CodeThrottling)
	if err := s.call(eci.ActionDescribeRegions, nil); err != nil {
		t.Errorf("another action: %v", err)
	}
	s.advance(time.Minute)
	if err := usage(); err != nil {
		t.Errorf("in the next minute: %v", err)
	}
}

func TestABucketLetsABurstThroughAndThenItsRate(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) {
		c.Buckets = map[string]emulator.Bucket{eci.ActionListUsage: {PerSecond: 2, Burst: 3}}
	})
	passed := func() (n int) {
		for range 5 {
			if err := s.call(eci.ActionListUsage, nil); err == nil {
				n++
			} else {
				wantCode(t, "beyond the bucket", err, 400, eci.CodeThrottling)
			}
		}
		return n
	}
	if n := passed(); n != 3 {
		t.Errorf("%d of 5 calls passed at once, want the burst of 3", n)
	}
	s.advance(time.Second)
	if n := passed(); n != 2 {
		t.Errorf("%d calls passed a second later, want 2", n)
	}
}

func TestTheAccessLogHasEachCallAndNoParameter(t *testing.T) {
	lines := make(chan emulator.Access, 1)
	_, endpoint := mustServe(t, emulator.DefaultConfig(), emulator.WithAccessLog(func(a emulator.Access) { lines <- a }))
	c := newCaller(t, endpoint)
	wantCode(t, "a bad create", c.call(eci.ActionCreateContainerGroup, nil, group("Cpu", "secret")...), 400, eci.CodeInvalidParameter)
	last := <-lines
	if last.Action != eci.ActionCreateContainerGroup || last.Code != eci.CodeInvalidParameter || last.Status != 400 || last.RequestID == "" || last.Duration <= 0 {
		t.Errorf("the line is %+v", last)
	}
}
