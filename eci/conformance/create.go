package conformance

import (
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var createContracts = []contract{
	{"a new group is found by its id, its tags and its name", newGroupIsFound},
	{"the same ClientToken is the same group", sameTokenIsOneGroup},
	{"names are not unique", namesAreNotUnique},
	{"a dry run makes no group", dryRunMakesNothing},
}

func newGroupIsFound(t *testing.T, s *suite) {
	req := s.request()
	id := s.mustCreate(t, req)
	for by, filter := range map[string]*eci.DescribeContainerGroupsRequest{
		"id":   {ContainerGroupIDs: eci.JSONList{id, unknownID}},
		"tags": {Tags: req.Tags},
		"name": {ContainerGroupName: req.ContainerGroupName},
	} {
		s.eventually(t, "the group is found by "+by, func() (bool, any) {
			found := s.mustList(t, filter)
			return len(found) == 1 && found[0].ContainerGroupID == id, found
		})
	}
	for by, filter := range map[string]*eci.DescribeContainerGroupsRequest{
		"another tag value": {Tags: []eci.Tag{req.Tags[0], {Key: "case", Value: "another"}}},
		"another name":      {ContainerGroupName: req.ContainerGroupName + "-x"},
		"an unknown id":     {ContainerGroupIDs: eci.JSONList{unknownID}},
	} {
		if found := s.mustList(t, filter); len(found) != 0 {
			t.Errorf("%s finds %d groups", by, len(found))
		}
	}
	group := s.mustDescribe(t, id)
	if group.ContainerGroupName != req.ContainerGroupName || group.RegionID != s.Region {
		t.Errorf("described as %q in %q", group.ContainerGroupName, group.RegionID)
	}
	mustParse(t, "CreationTime", group.CreationTime)
	if group.CPU != req.CPU || group.Memory != req.Memory {
		t.Errorf("asked for %v vCPU and %v GiB, got %v and %v", req.CPU, req.Memory, group.CPU, group.Memory)
	}
}

func sameTokenIsOneGroup(t *testing.T, s *suite) {
	req := s.request()
	first := s.mustCreate(t, req)
	for range 3 {
		if again := s.mustCreate(t, req); again != first {
			t.Errorf("the same token made %s after %s", again, first)
		}
	}
	s.eventually(t, "one group carries the tag", func() (bool, any) {
		found := s.mustList(t, &eci.DescribeContainerGroupsRequest{Tags: req.Tags})
		return len(found) == 1, found
	})
}

func namesAreNotUnique(t *testing.T, s *suite) {
	req := s.request()
	first := s.mustCreate(t, req)
	req.ClientToken += "-second"
	if second := s.mustCreate(t, req); second == first {
		t.Errorf("another token gave the same group %s", first)
	}
}

func dryRunMakesNothing(t *testing.T, s *suite) {
	req := s.request()
	req.DryRun = pointer(true)
	resp, err := s.Client.CreateContainerGroup(t.Context(), req)
	switch {
	case err == nil && resp.ContainerGroupID != "":
		t.Errorf("a dry run made %s", resp.ContainerGroupID)
	case err != nil && !eci.IsDryRunOK(err):
		t.Errorf("a dry run of a good request: %v", err)
	}
	if found := s.mustList(t, &eci.DescribeContainerGroupsRequest{Tags: req.Tags}); len(found) != 0 {
		t.Errorf("a dry run made %d groups", len(found))
	}
	req.Containers[0].Name = ""
	if _, err := s.Client.CreateContainerGroup(t.Context(), req); err == nil || eci.IsDryRunOK(err) {
		t.Errorf("a dry run of a bad request: %v", err)
	}
}
