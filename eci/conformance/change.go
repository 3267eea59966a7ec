package conformance

import (
	"slices"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var changeContracts = []contract{
	{"tags of a running group can be replaced", tagsAreReplaced},
	{"a container of a running group can be given another image and environment", containerIsUpdated},
	{"a running group can be restarted", groupIsRestarted},
	{"changes of an unknown group are refused", unknownChangesAreRefused},
}

func tagsAreReplaced(t *testing.T, s *suite) {
	req := s.request()
	id := s.mustRun(t, req).ContainerGroupID
	added := eci.Tag{Key: "added", Value: "yes"}
	_, err := s.Client.UpdateContainerGroup(t.Context(), &eci.UpdateContainerGroupRequest{
		ContainerGroupID: id, ClientToken: req.ClientToken + "-tags", Tags: append(req.Tags, added),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "the group carries the new tag and runs", func() (bool, any) {
		group := s.mustDescribe(t, id)
		return slices.Contains(group.Tags, added) && group.Status == eci.StatusRunning, group.Tags
	})
}

func containerIsUpdated(t *testing.T, s *suite) {
	req := s.request()
	id := s.mustRun(t, req).ContainerGroupID
	base := req.Containers[0].ContainerBase
	base.EnvironmentVars = []eci.EnvironmentVar{{Key: "UPDATED", Value: "yes"}}
	_, err := s.Client.UpdateContainerGroup(t.Context(), &eci.UpdateContainerGroupRequest{
		ContainerGroupID: id, ClientToken: req.ClientToken + "-update", Containers: []eci.UpdateContainer{{ContainerBase: base}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "the container runs with the new variable", func() (bool, any) {
		group := s.mustDescribe(t, id)
		c := containerNamed(t, group, "main")
		updated := len(c.EnvironmentVars) == 1 && c.EnvironmentVars[0].Key == "UPDATED" && c.EnvironmentVars[0].Value == "yes"
		return updated && group.Status == eci.StatusRunning && c.CurrentState != nil && c.CurrentState.State == eci.ContainerRunning, group
	})
}

func groupIsRestarted(t *testing.T, s *suite) {
	req := s.request()
	before := s.mustRun(t, req)
	id := before.ContainerGroupID
	_, err := s.Client.RestartContainerGroup(t.Context(), &eci.RestartContainerGroupRequest{
		ContainerGroupID: id, ClientToken: req.ClientToken + "-restart",
	})
	if err != nil {
		t.Fatal(err)
	}
	old := before.Containers[0]
	s.eventually(t, "the group runs anew, with its address", func() (bool, any) {
		group := s.mustDescribe(t, id)
		c := containerNamed(t, group, "main")
		running := group.Status == eci.StatusRunning && c.CurrentState != nil && c.CurrentState.State == eci.ContainerRunning
		// Start times have whole seconds, so that a fast restart shows only in
		// the count.
		anew := running && (c.RestartCount > old.RestartCount || c.CurrentState.StartTime != old.CurrentState.StartTime)
		return anew && group.IntranetIP == before.IntranetIP, group
	})
}

func unknownChangesAreRefused(t *testing.T, s *suite) {
	_, err := s.Client.UpdateContainerGroup(t.Context(), &eci.UpdateContainerGroupRequest{
		ContainerGroupID: unknownID, Tags: []eci.Tag{{Key: runTag, Value: s.runID}},
	})
	if err == nil || eci.IsRetryable(err) {
		t.Errorf("update: %v", err)
	}
	if _, err := s.Client.RestartContainerGroup(t.Context(), &eci.RestartContainerGroupRequest{ContainerGroupID: unknownID}); err == nil || eci.IsRetryable(err) {
		t.Errorf("restart: %v", err)
	}
}
