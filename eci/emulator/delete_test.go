package emulator_test

import (
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Terminate takes a second here, and the delete comes again sooner.
func TestADeleteThatIsAskedForAgainIsNotPutOff(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate(command("sleep", "1000")...)
	s.advance(10 * time.Second)
	for range 2 {
		if err := s.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", id, "Force", "true"); err != nil {
			t.Fatal(err)
		}
		s.advance(600 * time.Millisecond)
	}
	if left := s.em.Groups(); len(left) != 0 {
		t.Errorf("1.2 s after the first delete the group is still %s", left[0].Status)
	}
}
