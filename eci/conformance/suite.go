package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// runTag marks the groups of one run.
const runTag = "eci-vnode-conformance"

// unknownID has the form of an id and is nobody's.
const unknownID = "eci-00000000000000000000"

// suite is one run.
type suite struct {
	Target
	runID string
	made  atomic.Int64
}

func newSuite(target Target) *suite {
	return &suite{Target: target, runID: strings.ToLower(rand.Text()[:10])}
}

// request is a small group that sleeps, with a name, a token and a tag "case" of
// its own.
func (s *suite) request() *eci.CreateContainerGroupRequest {
	name := fmt.Sprintf("conformance-%s-%d", s.runID, s.made.Add(1))
	return &eci.CreateContainerGroupRequest{
		ContainerGroupName: name,
		ClientToken:        name,
		VSwitchID:          s.VSwitchID,
		SecurityGroupID:    s.SecurityGroupID,
		CPU:                0.25,
		Memory:             0.5,
		Containers:         []eci.Container{{ContainerBase: s.container("main", "sleep 3600")}},
		Tags:               []eci.Tag{{Key: runTag, Value: s.runID}, {Key: "case", Value: name}},
		// Most tests end their group without Force.
		TerminationGracePeriodSeconds: pointer[int64](1),
	}
}

func (s *suite) container(name, script string) eci.ContainerBase {
	return eci.ContainerBase{Name: name, Image: s.Image, Command: []string{"sh", "-c", script}}
}

// mustCreate makes a group, which ends with the test.
func (s *suite) mustCreate(t *testing.T, req *eci.CreateContainerGroupRequest) (id string) {
	t.Helper()
	resp, err := s.Client.CreateContainerGroup(t.Context(), req)
	if err != nil {
		t.Fatalf("creating a group: %v", err)
	}
	if resp.ContainerGroupID == "" || resp.RequestID == "" {
		t.Fatalf("create answered no id: %+v", resp)
	}
	t.Cleanup(func() { s.delete(t, resp.ContainerGroupID) })
	return resp.ContainerGroupID
}

// mustRun makes a group and waits until it runs.
func (s *suite) mustRun(t *testing.T, req *eci.CreateContainerGroupRequest) eci.ContainerGroup {
	t.Helper()
	return s.mustReach(t, s.mustCreate(t, req), eci.StatusRunning)
}

// mustReach waits until the group has the status.
func (s *suite) mustReach(t *testing.T, id, status string) (group eci.ContainerGroup) {
	t.Helper()
	s.eventually(t, "group "+id+" is "+status, func() (bool, any) {
		group = s.mustDescribe(t, id)
		return group.Status == status, group.Status
	})
	return group
}

// mustDescribe waits until the group can be seen, as reads may be stale, and
// returns it.
func (s *suite) mustDescribe(t *testing.T, id string) (group eci.ContainerGroup) {
	t.Helper()
	s.eventually(t, "group "+id+" is described", func() (bool, any) {
		found := s.mustList(t, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{id}})
		if len(found) == 1 {
			group = found[0]
		}
		return len(found) == 1, found
	})
	if group.ContainerGroupID != id {
		t.Fatalf("asked for %s, got %s", id, group.ContainerGroupID)
	}
	return group
}

// mustList returns the first page.
func (s *suite) mustList(t *testing.T, req *eci.DescribeContainerGroupsRequest) []eci.ContainerGroup {
	t.Helper()
	resp, err := s.Client.DescribeContainerGroups(t.Context(), req)
	if err != nil {
		t.Fatalf("listing groups: %v", err)
	}
	return resp.ContainerGroups
}

// mustState returns what the status call says of a group, once it says anything.
func (s *suite) mustState(t *testing.T, id string) (state eci.ContainerGroupStatus) {
	t.Helper()
	s.eventually(t, "the state of "+id+" is told", func() (bool, any) {
		resp, err := s.Client.DescribeContainerGroupStatus(t.Context(), &eci.DescribeContainerGroupStatusRequest{
			ContainerGroupIDs: eci.JSONList{id}, Limit: eci.MaxStatusesPerPage,
		})
		if err != nil {
			t.Fatalf("reading states: %v", err)
		}
		if len(resp.Data) == 1 {
			state = resp.Data[0]
		}
		return len(resp.Data) == 1, resp.Data
	})
	return state
}

// mustVanish waits until the group is gone or has ended.
func (s *suite) mustVanish(t *testing.T, id string) {
	t.Helper()
	s.eventually(t, "group "+id+" is gone", func() (bool, any) {
		found := s.mustList(t, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{id}})
		return len(found) == 0 || eci.IsTerminal(found[0].Status), found
	})
}

// eventually looks until the condition holds; seen is shown when it never does.
func (s *suite) eventually(t *testing.T, what string, condition func() (holds bool, seen any)) {
	t.Helper()
	deadline := time.NewTimer(s.Timeout)
	defer deadline.Stop()
	tick := time.NewTicker(s.Poll)
	defer tick.Stop()
	for {
		holds, seen := condition()
		if holds {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s; seen last: %+v", s.Timeout, what, seen)
		case <-t.Context().Done():
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// delete ends a group after its test, when t.Context() has ended.
func (s *suite) delete(t *testing.T, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), s.Timeout)
	defer cancel()
	_, err := s.Client.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: id, Force: pointer(true)})
	if err != nil && !eci.IsNotFound(err) {
		t.Logf("deleting %s: %v (the sweep tries again)", id, err)
	}
}

// sweep deletes whatever still carries the tag of this run, until nothing that
// is billed is left.
func (s *suite) sweep(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), s.Timeout)
	defer cancel()
	for {
		left, err := s.leftover(ctx)
		if err == nil && len(left) == 0 {
			return
		}
		for _, id := range left {
			s.delete(t, id)
		}
		select {
		case <-ctx.Done():
			t.Errorf("groups with the tag %s=%s may be left and billed: %v, %v", runTag, s.runID, left, err)
			return
		case <-time.After(s.Poll):
		}
	}
}

// leftover is one page of the groups of this run that are still alive.
func (s *suite) leftover(ctx context.Context) (ids []string, err error) {
	resp, err := s.Client.DescribeContainerGroupStatus(ctx, &eci.DescribeContainerGroupStatusRequest{
		Tags: []eci.Tag{{Key: runTag, Value: s.runID}}, Limit: eci.MaxStatusesPerPage,
	})
	if err != nil {
		return nil, err
	}
	for _, group := range resp.Data {
		if !eci.IsTerminal(group.Status) {
			ids = append(ids, group.ContainerGroupID)
		}
	}
	return ids, nil
}

func pointer[T any](v T) *T { return &v }

// mustParse reads a time as the API writes it.
func mustParse(t *testing.T, what, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Errorf("%s %q is not RFC 3339", what, text)
	}
	return at
}
