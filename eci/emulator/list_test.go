package emulator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func ids(groups []eci.ContainerGroup) []string {
	var all []string
	for _, g := range groups {
		all = append(all, g.ContainerGroupID)
	}
	slices.Sort(all)
	return all
}

func TestFiltersAreAllApplied(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	a := c.mustCreate("ContainerGroupName", "one", "Tag.1.Key", "cluster", "Tag.1.Value", "c1", "Tag.2.Key", "pod", "Tag.2.Value", "p1")
	b := c.mustCreate("ContainerGroupName", "two", "Tag.1.Key", "cluster", "Tag.1.Value", "c1", "ZoneId", "cn-hangzhou-i")
	d := c.mustCreate("ContainerGroupName", "two", "RestartPolicy", "Never", "Container.1.Command.1", "true")
	named, _ := json.Marshal([]string{a, d, "eci-unknown"})
	for name, tc := range map[string]struct {
		pairs []string
		want  []string
	}{
		"nothing":           {nil, []string{a, b, d}},
		"a tag":             {[]string{"Tag.1.Key", "cluster", "Tag.1.Value", "c1"}, []string{a, b}},
		"two tags":          {[]string{"Tag.1.Key", "cluster", "Tag.1.Value", "c1", "Tag.2.Key", "pod", "Tag.2.Value", "p1"}, []string{a}},
		"another value":     {[]string{"Tag.1.Key", "cluster", "Tag.1.Value", "c2"}, nil},
		"ids":               {[]string{"ContainerGroupIds", string(named)}, []string{a, d}},
		"ids and a tag":     {[]string{"ContainerGroupIds", string(named), "Tag.1.Key", "pod", "Tag.1.Value", "p1"}, []string{a}},
		"a name":            {[]string{"ContainerGroupName", "two"}, []string{b, d}},
		"a status":          {[]string{"Status", eci.StatusSucceeded}, []string{d}},
		"a zone":            {[]string{"ZoneId", "cn-hangzhou-i"}, []string{b}},
		"a vSwitch":         {[]string{"VSwitchId", "vsw-emulator-h"}, []string{a, d}},
		"another sec group": {[]string{"SecurityGroupId", "sg-none"}, nil},
	} {
		slices.Sort(tc.want)
		if got := ids(c.mustDescribe(tc.pairs...)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
	many, _ := json.Marshal(strings.Fields(strings.Repeat("eci-x ", 21)))
	wantCode(t, "21 ids", c.call(eci.ActionDescribeContainerGroups, nil, "ContainerGroupIds", string(many)), 400, eci.CodeLengthExceeded)
	wantCode(t, "a Limit of 21", c.call(eci.ActionDescribeContainerGroups, nil, "Limit", "21"), 400, eci.CodeValueExceeded)
	wantCode(t, "a Limit of 201", c.call(eci.ActionDescribeContainerGroupStatus, nil, "Limit", "201"), 400, eci.CodeValueExceeded)
	wantCode(t, "a wrong status", c.call(eci.ActionDescribeContainerGroups, nil, "Status", "Asleep"), 400, eci.CodeInvalidParameter)
	wantCode(t, "a wrong token", c.call(eci.ActionDescribeContainerGroups, nil, "NextToken", "x"), 400, eci.CodeInvalidParameter)
}

// drain follows the pages of DescribeContainerGroups; between runs after each.
func (c *caller) drain(limit string, between func()) []string {
	c.t.Helper()
	var seen []string
	token := ""
	for {
		pairs := []string{"Limit", limit}
		if token != "" {
			pairs = append(pairs, "NextToken", token)
		}
		var resp eci.DescribeContainerGroupsResponse
		if err := c.call(eci.ActionDescribeContainerGroups, &resp, pairs...); err != nil {
			c.t.Fatal(err)
		}
		for _, g := range resp.ContainerGroups {
			seen = append(seen, g.ContainerGroupID)
		}
		if token = resp.NextToken; token == "" {
			return seen
		}
		between()
	}
}

func TestPagesShowEachGroupThatStaysOnceWhateverComesAndGoes(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	var made []string
	for range 25 {
		made = append(made, c.mustCreate())
	}
	seen := c.drain("3", func() {
		c.mustCreate()
		// The oldest and the newest of the first ones leave.
		if len(made) > 2 {
			em.RemoveGroup(made[len(made)-1])
			made = made[:len(made)-1]
		}
	})
	for _, id := range made {
		if n := count(seen, id); n != 1 {
			t.Errorf("group %s is shown %d times", id, n)
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) < len(made) {
		t.Errorf("only %d groups are shown", len(seen))
	}
}

func count(list []string, want string) int {
	n := 0
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func TestTotalCountIsThatOfAllPages(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	for range 60 {
		c.mustCreate()
	}
	var resp eci.DescribeContainerGroupStatusResponse
	if err := c.call(eci.ActionDescribeContainerGroupStatus, &resp); err != nil {
		t.Fatal(err)
	}
	if resp.TotalCount != 60 || len(resp.Data) != 50 || resp.NextToken == "" {
		t.Errorf("the first page has %d of %d, token %q", len(resp.Data), resp.TotalCount, resp.NextToken)
	}
	token := resp.NextToken
	resp = eci.DescribeContainerGroupStatusResponse{}
	if err := c.call(eci.ActionDescribeContainerGroupStatus, &resp, "NextToken", token, "Limit", "200"); err != nil {
		t.Fatal(err)
	}
	if len(resp.Data) != 10 || resp.NextToken != "" {
		t.Errorf("the second page has %d, token %q", len(resp.Data), resp.NextToken)
	}
}

func TestSinceSecondTellsOfTheChangedOnly(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	s.mustCreate("ContainerGroupName", "quiet")
	s.mustCreate(append(command("sleep", "150"), "ContainerGroupName", "busy", "RestartPolicy", "Never")...)
	changed := func(since string) (names []string) {
		var resp eci.DescribeContainerGroupStatusResponse
		if err := s.call(eci.ActionDescribeContainerGroupStatus, &resp, "SinceSecond", since); err != nil {
			t.Fatal(err)
		}
		for _, g := range resp.Data {
			names = append(names, g.Name)
		}
		return names
	}
	if got := changed("60"); len(got) != 2 {
		t.Errorf("at the start changed are %v", got)
	}
	s.advance(100 * time.Second)
	if got := changed("60"); got != nil {
		t.Errorf("in a quiet minute changed are %v", got)
	}
	s.advance(60 * time.Second)
	if got := changed("60"); !slices.Equal(got, []string{"busy"}) {
		t.Errorf("after the end changed are %v", got)
	}
	wantCode(t, "59 s", s.call(eci.ActionDescribeContainerGroupStatus, nil, "SinceSecond", "59"), 400, eci.CodeValueExceeded)
	wantCode(t, "an hour and more", s.call(eci.ActionDescribeContainerGroupStatus, nil, "SinceSecond", "3601"), 400, eci.CodeValueExceeded)
}

func TestStatusKeepsTheLetterCaseOfTheWire(t *testing.T) {
	s := newStage(t)
	s.mustCreate(append(command("exit", "2"), "RestartPolicy", "OnFailure")...)
	s.advance(6 * time.Second)
	var raw map[string]any
	if err := s.call(eci.ActionDescribeContainerGroupStatus, &raw); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(raw)
	for _, part := range []string{`"uuid":`, `"type":"Ready"`, `"status":`, `"lastTransitionTime":`, `"Annotations":"{}"`, `"HostIp":`, `"ContainerID":"containerd://`} {
		if !contains(string(text), part) {
			t.Errorf("%s is missing in %s", part, text)
		}
	}
	s = newStage(t)
	s.mustCreate()
	s.advance(time.Minute)
	raw = nil
	if err := s.call(eci.ActionDescribeContainerGroupStatus, &raw); err != nil {
		t.Fatal(err)
	}
	if text, _ = json.Marshal(raw); !contains(string(text), `"StartedAtstartedAt":"2026-11-21T12:00:05Z"`) {
		t.Errorf("the start time is missing in %s", text)
	}
}

func TestEventsAreFilteredBySourceAndTime(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate()
	s.advance(10 * time.Second)
	events := func(pairs ...string) []eci.Event {
		var resp eci.DescribeContainerGroupEventsResponse
		if err := s.call(eci.ActionDescribeContainerGroupEvents, &resp, pairs...); err != nil {
			t.Fatal(err)
		}
		if len(resp.Data) != 1 {
			t.Fatalf("there are events of %d groups", len(resp.Data))
		}
		return resp.Data[0].Events
	}
	if all, service, agent := events(), events("EventSource", "EciService"), events("EventSource", "K8sAgent"); len(all) != 5 || len(service) != 1 || len(agent) != 4 {
		t.Errorf("there are %d events, %d of the service, %d of the agent", len(all), len(service), len(agent))
	}
	first := events()[0]
	if first.InvolvedObject.UID != id || first.Source.Component != "EciService" || first.FirstTimestamp != "2026-11-21T12:00:02Z" {
		t.Errorf("the first event is %+v", first)
	}
	s.advance(5 * time.Minute)
	if late := events("SinceSecond", "60"); len(late) != 0 {
		t.Errorf("%d events in a quiet minute", len(late))
	}
	wantCode(t, "another source", s.call(eci.ActionDescribeContainerGroupEvents, nil, "EventSource", "Me"), 400, eci.CodeInvalidParameter)
}

func TestAGroupShowsWhatItWasMadeFrom(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	c.mustCreate("Container.1.Command.1", "nginx", "Container.1.Arg.1", "-g", "Container.1.EnvironmentVar.1.Key", "A", "Container.1.EnvironmentVar.1.Value", "1",
		"InitContainer.1.Name", "init", "InitContainer.1.Image", "i", "InitContainer.1.Command.1", "true",
		"Volume.1.Name", "v", "Volume.1.Type", "EmptyDirVolume", "Volume.1.EmptyDirVolume.SizeLimit", "256Mi",
		"Container.1.VolumeMount.1.Name", "v", "Container.1.VolumeMount.1.MountPath", "/v", "Container.1.VolumeMount.1.ReadOnly", "true",
		"Container.1.LivenessProbe.Exec.Command.1", "true", "DnsConfig.NameServer.1", "1.1.1.1", "HostAliase.1.Ip", "1.2.3.4", "HostAliase.1.Hostname.1", "h",
		"Container.2.Name", "hidden", "Container.2.Image", "i", "Container.2.EnvironmentVarHide", "true", "Container.2.EnvironmentVar.1.Key", "S")
	g := c.only()
	app := g.Containers[0]
	for what, ok := range map[string]bool{
		"command":    slices.Equal(app.Commands, []string{"nginx"}) && slices.Equal(app.Args, []string{"-g"}),
		"init":       slices.Equal(g.InitContainers[0].Command, []string{"true"}) && g.InitContainers[0].Ready,
		"env":        len(app.EnvironmentVars) == 1 && app.EnvironmentVars[0].Value == "1",
		"hidden env": g.Containers[1].EnvironmentVars == nil,
		"volume":     g.Volumes[0].EmptyDirSizeLimit == "256Mi",
		"mount":      *app.VolumeMounts[0].ReadOnly,
		"probe":      app.LivenessProbe.PeriodSeconds == 10 && slices.Equal(app.LivenessProbe.Execs, []string{"true"}),
		"DNS":        slices.Equal(g.DNSConfig.NameServers, []string{"1.1.1.1"}),
		"aliases":    g.HostAliases[0].IP == "1.2.3.4",
		"network":    g.VPCID == "vpc-emulator" && g.VSwitchID == "vsw-emulator-h" && g.SecurityGroupID == "sg-emulator" && g.ZoneID == "cn-hangzhou-h",
		"policy":     g.RestartPolicy == "Always",
	} {
		if !ok {
			t.Errorf("%s is wrong in %+v", what, g)
		}
	}
}

func TestALogIsCutByLinesBytesAndTime(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	id := s.mustCreate(command("sh", "-c", "while true; do echo tick; sleep 10; done")...)
	s.advance(35 * time.Second)
	log := func(pairs ...string) string {
		var resp eci.DescribeContainerLogResponse
		if err := s.call(eci.ActionDescribeContainerLog, &resp, append([]string{"ContainerGroupId", id, "ContainerName", "app"}, pairs...)...); err != nil {
			t.Fatal(err)
		}
		return resp.Content
	}
	for name, tc := range map[string]struct {
		pairs []string
		want  string
	}{
		"all":          {nil, "tick\ntick\ntick\ntick\n"},
		"a tail":       {[]string{"Tail", "2"}, "tick\ntick\n"},
		"bytes":        {[]string{"LimitBytes", "7"}, "tick\nti"},
		"seconds":      {[]string{"SinceSeconds", "16"}, "tick\ntick\n"},
		"a start time": {[]string{"StartTime", "2026-11-21T12:00:30Z"}, "tick\n"},
		"timestamps":   {[]string{"Tail", "1", "Timestamps", "true"}, "2026-11-21T12:00:30.000000000Z tick\n"},
		"the last run": {[]string{"LastTime", "true"}, ""},
	} {
		if got := log(tc.pairs...); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	call := func(pairs ...string) error { return s.call(eci.ActionDescribeContainerLog, nil, pairs...) }
	wantCode(t, "a Tail of 2001", call("ContainerGroupId", id, "ContainerName", "app", "Tail", "2001"), 400, eci.CodeValueExceeded)
	wantCode(t, "no container", call("ContainerGroupId", id), 400, eci.CodeMissingParameter)
	wantCode(t, "an unknown container", call("ContainerGroupId", id, "ContainerName", "x"), 400, eci.CodeInvalidParameter)
	wantCode(t, "an unknown group", call("ContainerGroupId", "eci-x", "ContainerName", "app"), 404, eci.CodeNotFound)
}

func TestTheLogOfThePreviousRunIsKept(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Delays = emulator.NoDelays() })
	id := s.mustCreate(command("sh", "-c", "date; sleep 20; exit 1")...)
	logs := func() (current, last string) {
		for pair, into := range map[string]*string{"false": &current, "true": &last} {
			var resp eci.DescribeContainerLogResponse
			if err := s.call(eci.ActionDescribeContainerLog, &resp, "ContainerGroupId", id, "ContainerName", "app", "LastTime", pair); err != nil {
				t.Fatal(err)
			}
			*into = resp.Content
		}
		return current, last
	}
	const first, second, third = "Sat Nov 21 12:00:00 UTC 2026\n", "Sat Nov 21 12:00:20 UTC 2026\n", "Sat Nov 21 12:00:50 UTC 2026\n"
	for _, step := range []struct {
		at            time.Duration
		current, last string
	}{
		{10 * time.Second, first, ""},
		{30 * time.Second, second, first},
		{45 * time.Second, second, second}, // it waits: the run that ended is the previous one
		{55 * time.Second, third, second},
	} {
		s.advance(start.Add(step.at).Sub(s.clock.Now()))
		if current, last := logs(); current != step.current || last != step.last {
			t.Errorf("at %s: the logs are %q and %q, want %q and %q", step.at, current, last, step.current, step.last)
		}
	}
}
