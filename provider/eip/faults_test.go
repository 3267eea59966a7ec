package eip

import (
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// TestARefusalThatPassesCostsTimeOnly has the cloud refuse one kind of call twice
// with each code of its documents that says "not now".
func TestARefusalThatPassesCostsTimeOnly(t *testing.T) {
	for _, tc := range []struct {
		action string
		status int
		code   string
	}{
		{vpc.ActionAllocateEipAddress, 400, vpc.CodeReserveIPFail},
		{vpc.ActionAllocateEipAddress, 409, eci.CodeOperationConflict},
		{vpc.ActionAllocateEipAddress, 400, eci.CodeThrottlingUser},
		{vpc.ActionAssociateEipAddress, 400, vpc.CodeIncorrectEIPStatus},
		{vpc.ActionAssociateEipAddress, 400, vpc.CodeIncorrectInstance},
		{vpc.ActionAssociateEipAddress, 400, vpc.CodeInvalidBindingStatus},
		{vpc.ActionAssociateEipAddress, 404, vpc.CodeAssociateNotFound},
		{vpc.ActionAssociateEipAddress, 400, vpc.CodeDuplicated},
		{vpc.ActionAssociateEipAddress, 400, vpc.CodeBindInstanceHasEIP},
		{vpc.ActionAssociateEipAddress, 503, eci.CodeServiceUnavailable},
		{vpc.ActionReleaseEipAddress, 400, vpc.CodeIncorrectEIPStatus},
		{vpc.ActionReleaseEipAddress, 400, vpc.CodeTooFrequent},
		{vpc.ActionReleaseEipAddress, 500, eci.CodeInternalError},
		{vpc.ActionDescribeEipAddresses, 400, eci.CodeThrottlingUser},
	} {
		t.Run(tc.action+" "+tc.code, func(t *testing.T) {
			w := newWorld(t, 1)
			w.em.Faults().Inject(emulator.Fault{Action: tc.action, Times: 2, Error: emulator.Refusal(tc.status, tc.code)})
			p := w.mustAdd("auto-0", "uid-1", wantAuto)
			w.unsteadyTurns(8)
			w.expectReady(p)
			w.expectBought(1)
			w.remove(p)
			w.unsteadyTurns(8)
			w.expectBought(0)
		})
	}
}

// unsteadyTurns takes turns that may fail to read, with time for every wait.
func (w *world) unsteadyTurns(n int) {
	for range n {
		_ = w.Turn(w.Context())
		w.pass(20 * time.Second)
	}
}

func TestQuotaAndBalanceStopWithAnEventAndAreNotAskedAgainAtOnce(t *testing.T) {
	for code, reason := range map[string]string{vpc.CodeQuotaExceededEIP: ReasonQuota, vpc.CodeInsufficientBalance: ReasonBalance} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, 1)
			w.em.Faults().Inject(emulator.Fault{Action: vpc.ActionAllocateEipAddress, Error: emulator.Refusal(400, code)})
			p := w.mustAdd("auto-0", "uid-1", wantAuto)
			w.turns(5)
			if state := w.reports[p.object.UID]; state.Reason != reason || !strings.Contains(state.Message, code) {
				t.Errorf("it is told %+v", state)
			}
			if n := w.em.Calls()[vpc.ActionAllocateEipAddress]; n != 1 {
				t.Errorf("%d purchases were tried", n)
			}
			if event := <-w.events.Events; !strings.HasPrefix(event, "Warning "+reason) {
				t.Errorf("the event is %q", event)
			}
			w.em.Faults().Clear()
			w.pass(longestWait)
			w.turns(4)
			w.expectReady(p)
		})
	}
}

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
	second.want = &request.EIP{Candidate: held.AllocationID, Network: true}
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
