package conformance

import (
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var lifecycleContracts = []contract{
	{"a group comes to run with an address, an interface, a zone and its vSwitch", groupComesToRun},
	{"a group whose containers end with 0 succeeds", groupSucceeds},
	{"a group with a container that ends otherwise fails with its exit code", groupFails},
	{"init containers run to their end before the others start", initContainersRunFirst},
	{"a container that ends is run again unless the policy forbids it", containerIsRunAgain},
	{"an image that cannot be pulled keeps the group pending and tells why", badImageIsTold},
}

func groupComesToRun(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	for field, value := range map[string]string{
		"IntranetIp": group.IntranetIP, "EniInstanceId": group.ENIInstanceID, "ZoneId": group.ZoneID, "VpcId": group.VPCID,
	} {
		if value == "" {
			t.Errorf("a running group has no %s", field)
		}
	}
	if group.VSwitchID != s.VSwitchID || group.SecurityGroupID != s.SecurityGroupID {
		t.Errorf("it is in %s and %s", group.VSwitchID, group.SecurityGroupID)
	}
	if group.RestartPolicy != "Always" {
		t.Errorf("the restart policy is %q by default, want Always", group.RestartPolicy)
	}
	if len(group.Containers) != 1 {
		t.Fatalf("it has %d containers", len(group.Containers))
	}
	state := group.Containers[0].CurrentState
	if state == nil || state.State != eci.ContainerRunning || !group.Containers[0].Ready {
		t.Fatalf("its container is %+v, ready %v", state, group.Containers[0].Ready)
	}
	mustParse(t, "StartTime", state.StartTime)
}

func groupSucceeds(t *testing.T, s *suite) {
	req := s.request()
	req.RestartPolicy = "Never"
	req.Containers[0].ContainerBase = s.container("main", "exit 0")
	group := s.mustReach(t, s.mustCreate(t, req), eci.StatusSucceeded)
	mustParse(t, "SucceededTime", group.SucceededTime)
	mustHaveEnded(t, group.Containers[0].CurrentState, 0)
	state := s.mustState(t, group.ContainerGroupID)
	if state.Status != eci.StatusSucceeded || state.PodStatus.Phase != "Succeeded" {
		t.Errorf("the status call says %s, phase %s", state.Status, state.PodStatus.Phase)
	}
	_, err := s.Client.RestartContainerGroup(t.Context(), &eci.RestartContainerGroupRequest{ContainerGroupID: group.ContainerGroupID})
	if err == nil || eci.IsRetryable(err) {
		t.Errorf("an ended group must not start again: %v", err)
	}
}

func groupFails(t *testing.T, s *suite) {
	req := s.request()
	req.RestartPolicy = "Never"
	req.Containers = []eci.Container{
		{ContainerBase: s.container("bad", "exit 3")},
		{ContainerBase: s.container("good", "exit 0")},
	}
	group := s.mustReach(t, s.mustCreate(t, req), eci.StatusFailed)
	mustParse(t, "FailedTime", group.FailedTime)
	mustHaveEnded(t, containerNamed(t, group, "bad").CurrentState, 3)
	mustHaveEnded(t, containerNamed(t, group, "good").CurrentState, 0)

	state := s.mustState(t, group.ContainerGroupID)
	if state.PodStatus.Phase != "Failed" {
		t.Errorf("the phase is %q", state.PodStatus.Phase)
	}
	for _, c := range state.PodStatus.ContainerStatuses {
		ended := c.State.Terminated
		if ended == nil {
			t.Errorf("the status call says that %s did not end: %+v", c.Name, c.State)
			continue
		}
		if want := map[string]int32{"bad": 3, "good": 0}[c.Name]; ended.ExitCode != want {
			t.Errorf("the status call says that %s ended with %d", c.Name, ended.ExitCode)
		}
		mustParse(t, "FinishedAt", ended.FinishedAt)
	}
}

func initContainersRunFirst(t *testing.T, s *suite) {
	req := s.request()
	req.InitContainers = []eci.InitContainer{
		{ContainerBase: s.container("first", "sleep 1")},
		{ContainerBase: s.container("second", "exit 0")},
	}
	group := s.mustRun(t, req)
	if len(group.InitContainers) != 2 || group.InitContainers[0].Name != "first" || group.InitContainers[1].Name != "second" {
		t.Fatalf("init containers: %+v", group.InitContainers)
	}
	for _, c := range group.InitContainers {
		mustHaveEnded(t, c.CurrentState, 0)
	}
	if t.Failed() {
		return
	}
	before := mustParse(t, "FinishTime", group.InitContainers[0].CurrentState.FinishTime)
	if after := mustParse(t, "StartTime", group.Containers[0].CurrentState.StartTime); after.Before(before) {
		t.Errorf("the container started at %s, before the init container ended at %s", after, before)
	}
}

func containerIsRunAgain(t *testing.T, s *suite) {
	req := s.request()
	req.RestartPolicy = "OnFailure"
	req.Containers[0].ContainerBase = s.container("main", "echo here-i-was; exit 7")
	id := s.mustCreate(t, req)
	var group eci.ContainerGroup
	s.eventually(t, "the container has been run again", func() (bool, any) {
		group = s.mustDescribe(t, id)
		c := containerNamed(t, group, "main")
		return c.RestartCount > 0 && c.PreviousState != nil, c
	})
	mustHaveEnded(t, group.Containers[0].PreviousState, 7)
	s.eventually(t, "the log of the run before can be read", func() (bool, any) {
		log, err := s.Client.DescribeContainerLog(t.Context(), &eci.DescribeContainerLogRequest{
			ContainerGroupID: id, ContainerName: "main", LastTime: pointer(true),
		})
		return err == nil && log.Content == "here-i-was\n", []any{log, err}
	})
}

func badImageIsTold(t *testing.T, s *suite) {
	req := s.request()
	req.Containers[0].Image = "invalid.example.com/no/image:1"
	id := s.mustCreate(t, req)
	s.eventually(t, "the container waits for its image", func() (bool, any) {
		group := s.mustDescribe(t, id)
		state := containerNamed(t, group, "main").CurrentState
		told := state != nil && state.State == eci.ContainerWaiting &&
			(state.Reason == "ErrImagePull" || state.Reason == "ImagePullBackOff")
		return told && group.Status == eci.StatusPending, []any{group.Status, state}
	})
}

func containerNamed(t *testing.T, group eci.ContainerGroup, name string) eci.GroupContainer {
	t.Helper()
	for _, c := range group.Containers {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the group has no container %s: %+v", name, group.Containers)
	return eci.GroupContainer{}
}

func mustHaveEnded(t *testing.T, state *eci.ContainerState, code int32) {
	t.Helper()
	if state == nil || state.State != eci.ContainerTerminated || state.ExitCode != code {
		t.Errorf("got %+v, want an end with %d", state, code)
		return
	}
	mustParse(t, "FinishTime", state.FinishTime)
}
