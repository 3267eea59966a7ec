package eip

import (
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

func TestAnEIPThatSomebodyElseReleasedIsReplaced(t *testing.T) {
	w := newWorld(t, 1)
	p := w.mustAdd("auto-0", "uid-1", wantAuto)
	w.turns(4)
	first := w.expectReady(p)
	// The ENI is gone for a moment, and with it the binding.
	w.em.RemoveGroup(p.groupID)
	w.em.ReleaseEIP(first.AllocationID)
	w.expectBought(0)
	w.pass(time.Minute)
	w.unsteadyTurns(2)
	if state := w.reports[p.object.UID]; state.Ready() && state.AllocationID == first.AllocationID {
		t.Errorf("it is told %+v", state)
	}
	p.ended = true
	w.unsteadyTurns(4)
	w.expectBought(0)
}

func TestAGivenEIPIsNotTakenFromItsHolder(t *testing.T) {
	w := newWorld(t, 1)
	holder := w.mustAdd("given-0", "uid-1", wantGiven)
	w.turns(3)
	held := w.expectReady(holder)
	second := w.mustAdd("late-0", "uid-2", wantAuto)
	second.want = &request.EIP{Candidate: held.AllocationID, Permitted: true, Network: true}
	w.turns(3)
	if state := w.reports[second.object.UID]; state.Reason != ReasonInUse || !strings.Contains(state.Message, w.eni(holder)) {
		t.Errorf("it is told %+v", state)
	}
	if n := w.em.Calls()[vpc.ActionUnassociateEipAddress]; n != 0 {
		t.Errorf("%d calls took it away", n)
	}
	w.expectBought(0)
}

func TestAPodOfTheSameNameGetsTheFixedAddressOnlyOnceItsPredecessorHasLetGo(t *testing.T) {
	w := newWorld(t, 1)
	first := w.mustAdd("never-0", "uid-1", wantNever)
	w.turns(4)
	had := w.expectReady(first)
	delete(w.pods, first.object.UID) // by force: its group runs on
	next := w.mustAdd("never-0", "uid-2", wantNever)
	w.turns(3)
	if state := w.reports[next.object.UID]; state.Ready() {
		t.Fatalf("it is told %+v while the predecessor has the address", state)
	}
	w.em.RemoveGroup(first.groupID)
	w.unsteadyTurns(6)
	if got := w.expectReady(next); got.AllocationID != had.AllocationID {
		t.Errorf("it has %s, want %s", got.AllocationID, had.AllocationID)
	}
	w.expectBought(1)
}
