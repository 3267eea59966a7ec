package conformance

import (
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

var deleteContracts = []contract{
	{"a delete with Force ends a group at once", forcedDeleteEndsTheGroup},
	{"a delete without Force waits for the grace period", deleteHonoursGrace},
	{"a delete that is sent again does no harm", deleteTwiceIsHarmless},
	{"a delete of an unknown group is success or not found", deleteOfUnknown},
}

func forcedDeleteEndsTheGroup(t *testing.T, s *suite) {
	req := s.request()
	req.TerminationGracePeriodSeconds = pointer[int64](600)
	req.Containers[0].ContainerBase = s.container("main", "trap '' TERM; sleep 3600")
	id := s.mustRun(t, req).ContainerGroupID
	_, err := s.Client.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{
		ContainerGroupID: id, ClientToken: req.ClientToken + "-delete", Force: pointer(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mustVanish(t, id)
}

func deleteHonoursGrace(t *testing.T, s *suite) {
	const grace = 2 * time.Second
	req := s.request()
	req.TerminationGracePeriodSeconds = pointer(int64(grace.Seconds()))
	req.Containers[0].ContainerBase = s.container("main", "trap '' TERM; while true; do sleep 1; done")
	id := s.mustRun(t, req).ContainerGroupID
	start := time.Now()
	_, err := s.Client.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{
		ContainerGroupID: id, ClientToken: req.ClientToken + "-delete",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mustVanish(t, id)
	if took := time.Since(start); took < grace {
		t.Errorf("a container that ignores SIGTERM was given %s, want %s", took, grace)
	}
}

func deleteTwiceIsHarmless(t *testing.T, s *suite) {
	req := s.request()
	id := s.mustCreate(t, req)
	for range 2 {
		_, err := s.Client.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{
			ContainerGroupID: id, ClientToken: req.ClientToken + "-delete", Force: pointer(true),
		})
		if err != nil {
			t.Errorf("with one ClientToken: %v", err)
		}
	}
	s.mustVanish(t, id)
}

func deleteOfUnknown(t *testing.T, s *suite) {
	_, err := s.Client.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{ContainerGroupID: unknownID})
	if err != nil && !eci.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}
