package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

var logContracts = []contract{
	{"the log of a container can be read whole, by its tail and with times", logIsRead},
	{"the log of an unknown container is refused", unknownLogIsRefused},
}

func logIsRead(t *testing.T, s *suite) {
	req := s.request()
	req.Containers[0].ContainerBase = s.container("main", "echo line-1; echo line-2; echo line-3; sleep 3600")
	group := s.mustRun(t, req)
	read := func(change func(*eci.DescribeContainerLogRequest)) string {
		req := &eci.DescribeContainerLogRequest{ContainerGroupID: group.ContainerGroupID, ContainerName: "main"}
		change(req)
		resp, err := s.Client.DescribeContainerLog(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.ContainerName != "main" {
			t.Errorf("the log is that of %q", resp.ContainerName)
		}
		return resp.Content
	}
	s.eventually(t, "all three lines are in the log", func() (bool, any) {
		whole := read(func(*eci.DescribeContainerLogRequest) {})
		return whole == "line-1\nline-2\nline-3\n", whole
	})
	if tail := read(func(r *eci.DescribeContainerLogRequest) { r.Tail = 2 }); tail != "line-2\nline-3\n" {
		t.Errorf("the last two lines are %q", tail)
	}
	if recent := read(func(r *eci.DescribeContainerLogRequest) { r.SinceSeconds = 3600 }); !strings.Contains(recent, "line-3") {
		t.Errorf("the log of the last hour is %q", recent)
	}
	if cut := read(func(r *eci.DescribeContainerLogRequest) { r.LimitBytes = 8 }); len(cut) > 8 {
		t.Errorf("8 bytes of log are %q", cut)
	}
	stamped := strings.Split(strings.TrimSpace(read(func(r *eci.DescribeContainerLogRequest) { r.Timestamps = pointer(true) })), "\n")
	if len(stamped) != 3 {
		t.Fatalf("with times: %q", stamped)
	}
	for _, line := range stamped {
		at, _, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil || !strings.Contains(line, " line-") {
			t.Errorf("the line %q has no time before it", line)
		}
	}
}

func unknownLogIsRefused(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	for name, req := range map[string]*eci.DescribeContainerLogRequest{
		"container": {ContainerGroupID: group.ContainerGroupID, ContainerName: "nobody"},
		"group":     {ContainerGroupID: unknownID, ContainerName: "main"},
	} {
		if resp, err := s.Client.DescribeContainerLog(t.Context(), req); err == nil {
			t.Errorf("an unknown %s has a log: %q", name, resp.Content)
		}
	}
}
