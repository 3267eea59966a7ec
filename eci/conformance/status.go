package conformance

import (
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var statusContracts = []contract{
	{"the state of a running group has the shape of a pod status", stateHasPodShape},
	{"unknown ids are absent from the states", unknownIDsAreAbsent},
	{"SinceSecond tells what changed and has bounds", sinceSecondTellsChanges},
	{"usage of a running group can be read", usageIsRead},
}

func stateHasPodShape(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	var state eci.ContainerGroupStatus
	s.eventually(t, "the status call says Running and Ready", func() (bool, any) {
		state = s.mustState(t, group.ContainerGroupID)
		return state.Status == eci.StatusRunning && conditionOf(state, "Ready") == "True", state
	})
	if state.Name != group.ContainerGroupName || state.UUID == "" || state.Namespace == "" {
		t.Errorf("named %q, uuid %q, namespace %q", state.Name, state.UUID, state.Namespace)
	}
	pod := state.PodStatus
	if pod.Phase != "Running" || pod.PodIP != group.IntranetIP || pod.PodIP == "" {
		t.Errorf("phase %q, address %q, want that of %q", pod.Phase, pod.PodIP, group.IntranetIP)
	}
	if len(pod.PodIPs) == 0 || pod.PodIPs[0].IP != pod.PodIP {
		t.Errorf("addresses %+v", pod.PodIPs)
	}
	mustParse(t, "StartTime", pod.StartTime)
	for _, condition := range []string{"PodScheduled", "Initialized", "ContainersReady", "Ready"} {
		if got := conditionOf(state, condition); got != "True" {
			t.Errorf("%s is %q", condition, got)
		}
	}
	for _, condition := range pod.Conditions {
		mustParse(t, "lastTransitionTime of "+condition.Type, condition.LastTransitionTime)
	}
	if len(pod.ContainerStatuses) != 1 {
		t.Fatalf("containers: %+v", pod.ContainerStatuses)
	}
	c := pod.ContainerStatuses[0]
	if c.Name != "main" || c.Image != s.Image || !c.Ready || !c.Started || c.State.Running == nil || c.State.Waiting != nil || c.State.Terminated != nil {
		t.Fatalf("container: %+v", c)
	}
	mustParse(t, "the start of the container", c.State.Running.StartedAt)
}

func conditionOf(state eci.ContainerGroupStatus, kind string) string {
	for _, c := range state.PodStatus.Conditions {
		if c.Type == kind {
			return c.Status
		}
	}
	return ""
}

func unknownIDsAreAbsent(t *testing.T, s *suite) {
	id := s.mustCreate(t, s.request())
	s.eventually(t, "the known one of two ids is told", func() (bool, any) {
		resp, err := s.Client.DescribeContainerGroupStatus(t.Context(), &eci.DescribeContainerGroupStatusRequest{
			ContainerGroupIDs: eci.JSONList{id, unknownID}, Limit: eci.MaxStatusesPerPage,
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(resp.Data) == 1 && resp.Data[0].ContainerGroupID == id, resp.Data
	})
}

func sinceSecondTellsChanges(t *testing.T, s *suite) {
	req := s.request()
	id := s.mustCreate(t, req)
	since := func(seconds int32) ([]eci.ContainerGroupStatus, error) {
		resp, err := s.Client.DescribeContainerGroupStatus(t.Context(), &eci.DescribeContainerGroupStatusRequest{
			Tags: req.Tags, SinceSecond: seconds, Limit: eci.MaxStatusesPerPage,
		})
		if err != nil {
			return nil, err
		}
		return resp.Data, nil
	}
	for _, seconds := range []int32{eci.MinSinceSecond, eci.MaxSinceSecond} {
		s.eventually(t, "a new group is told as changed", func() (bool, any) {
			found, err := since(seconds)
			if err != nil {
				t.Fatal(err)
			}
			return len(found) == 1 && found[0].ContainerGroupID == id, found
		})
	}
	for _, seconds := range []int32{eci.MinSinceSecond - 1, eci.MaxSinceSecond + 1} {
		if _, err := since(seconds); err == nil || eci.IsRetryable(err) {
			t.Errorf("SinceSecond %d: %v", seconds, err)
		}
	}
}

func usageIsRead(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	s.eventually(t, "the group has a usage record", func() (bool, any) {
		resp, err := s.Client.DescribeMultiContainerGroupMetric(t.Context(), &eci.DescribeMultiContainerGroupMetricRequest{
			ContainerGroupIDs: eci.JSONList{group.ContainerGroupID}, MetricType: eci.MetricTypeSummary,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range resp.MonitorDatas {
			if data.ContainerGroupID == group.ContainerGroupID && len(data.Records) == 1 {
				mustParse(t, "Timestamp", data.Records[0].Timestamp)
				return len(data.Records[0].Containers) == 1 && data.Records[0].Containers[0].Name == "main", data
			}
		}
		return false, resp.MonitorDatas
	})
}
