package eip

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// handling is what a refusal leads to.
type handling string

const (
	// passes: the same call is made again within seconds.
	passes handling = "tried again soon"
	// stops: the pod says why, and the call is made again after the longest wait.
	stops handling = "told, and tried again later"
	// isDone: what was asked for is so already.
	isDone handling = "done"
	// buysAnew: the EIP is gone, and the pod gets another one.
	buysAnew handling = "another EIP is bought"
)

// documented has every code of the error lists of the VPC documents for the calls
// of this package, in their spelling, with the reason that the pod shows where it
// stops.
var documented = []struct {
	action string
	status int
	code   string
	want   handling
	reason string
}{
	{vpc.ActionAllocateEipAddress, 400, vpc.CodeQuotaExceededEIP, stops, ReasonQuota},
	{vpc.ActionAllocateEipAddress, 400, vpc.CodeInsufficientBalance, stops, ReasonBalance},
	{vpc.ActionAllocateEipAddress, 400, vpc.CodeReserveIPFail, passes, ""},
	{vpc.ActionAllocateEipAddress, 400, vpc.CodeInvalidRegion, stops, ReasonFailed},
	{vpc.ActionAllocateEipAddress, 400, vpc.CodeInvalidResourceGroup, stops, ReasonFailed},
	{vpc.ActionAllocateEipAddress, 400, eci.CodeInvalidParameter, stops, ReasonFailed},
	{vpc.ActionAllocateEipAddress, 403, vpc.CodeForbidden, stops, ReasonFailed},
	{vpc.ActionAllocateEipAddress, 409, eci.CodeOperationConflict, passes, ""},

	{vpc.ActionAssociateEipAddress, 400, vpc.CodeIncorrectEIPStatus, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeIncorrectInstance, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeDuplicated, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeBindInstanceHasEIP, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeInvalidBindingStatus, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeInstanceTypeUnknown, stops, ReasonFailed},
	{vpc.ActionAssociateEipAddress, 400, eci.CodeInvalidParameter, stops, ReasonFailed},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeParameterMismatch, stops, ReasonFailed},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeOperationDenied, stops, ReasonFailed},
	{vpc.ActionAssociateEipAddress, 404, vpc.CodeAssociateNotFound, passes, ""},
	{vpc.ActionAssociateEipAddress, 404, vpc.CodeAllocationNotFound, buysAnew, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeParamsNotFound, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, vpc.CodeBindInstanceOwner, stops, ReasonFailed},
	{vpc.ActionAssociateEipAddress, 503, eci.CodeServiceUnavailable, passes, ""},

	{vpc.ActionUnassociateEipAddress, 400, vpc.CodeIncorrectEIPStatus, passes, ""},
	{vpc.ActionUnassociateEipAddress, 404, vpc.CodeAllocationNotFound, isDone, ""},
	{vpc.ActionUnassociateEipAddress, 400, vpc.CodeUnassociateNotFound, passes, ""},
	{vpc.ActionUnassociateEipAddress, 400, vpc.CodeIncorrectInstance, passes, ""},
	{vpc.ActionUnassociateEipAddress, 400, vpc.CodeInvalidBindingStatus, passes, ""},

	{vpc.ActionReleaseEipAddress, 400, vpc.CodeIncorrectEIPStatus, passes, ""},
	{vpc.ActionReleaseEipAddress, 404, vpc.CodeAllocationNotFound, isDone, ""},
	{vpc.ActionReleaseEipAddress, 400, vpc.CodePrePaid, stops, ""},
	{vpc.ActionReleaseEipAddress, 400, vpc.CodeTooFrequent, passes, ""},
	{vpc.ActionReleaseEipAddress, 500, eci.CodeInternalError, passes, ""},

	{vpc.ActionAllocateEipAddress, 400, eci.CodeThrottlingUser, passes, ""},
	{vpc.ActionAssociateEipAddress, 400, eci.CodeThrottlingUser, passes, ""},
	{vpc.ActionUnassociateEipAddress, 400, eci.CodeThrottlingUser, passes, ""},
	{vpc.ActionReleaseEipAddress, 400, eci.CodeThrottlingUser, passes, ""},
	{vpc.ActionDescribeEipAddresses, 400, eci.CodeThrottlingUser, passes, ""},
}

func TestEveryDocumentedCodeIsHandled(t *testing.T) {
	for _, tc := range documented {
		t.Run(tc.action+" "+tc.code, func(t *testing.T) {
			w := newWorld(t, 1)
			refused := emulator.Refusal(tc.status, tc.code)
			switch tc.action {
			case vpc.ActionAllocateEipAddress, vpc.ActionAssociateEipAddress:
				w.checkComing(tc.action, refused, tc.want, tc.reason)
			case vpc.ActionUnassociateEipAddress, vpc.ActionReleaseEipAddress:
				w.checkGoing(tc.action, refused, tc.want)
			default: // a read is made both ways
				w.checkComing(tc.action, refused, tc.want, tc.reason)
				w.checkGoing(tc.action, refused, tc.want)
			}
		})
	}
}

// checkComing gives a pod its EIP while the cloud refuses an action.
func (w *world) checkComing(action string, refused *eci.Error, want handling, reason string) {
	w.Helper()
	times := 2
	if want == buysAnew {
		times = maxUnseen
	}
	if want == stops {
		times = 0 // until it is taken away
	}
	w.em.Faults().Inject(emulator.Fault{Action: action, Times: times, Error: refused})
	p := w.mustAdd("auto-0", "uid-1", wantAuto)
	before := w.em.Calls()[action]
	switch want {
	case stops:
		w.expectStop(p, action, refused.Code, reason)
		w.em.Faults().Clear()
		w.pass(longestWait)
		w.unsteadyTurns(4)
	case buysAnew:
		w.unsteadyTurns(1)
		first := w.expectBought(1)[0]
		w.em.ReleaseEIP(first.AllocationID)
		w.unsteadyTurns(8)
	default:
		w.unsteadyTurns(4)
		if n := w.em.Calls()[action] - before; n < 3 {
			w.Errorf("%d calls within seconds, two of which were refused", n)
		}
	}
	w.expectReady(p)
	w.expectBought(1)
}

// expectStop wants the pod to say why it has no EIP, once, and the cloud to be
// left alone.
func (w *world) expectStop(p *testPod, action, code, reason string) {
	w.Helper()
	before := w.em.Calls()[action]
	w.turns(5)
	if n := w.em.Calls()[action] - before; n != 1 {
		w.Errorf("%d calls, want the one that was refused", n)
	}
	if state := w.reports[p.object.UID]; state.Ready() || state.Reason != reason || !strings.Contains(state.Message, code) {
		w.Errorf("the pod is told %+v", state)
	}
	if event := <-w.events.Events; !strings.HasPrefix(event, "Warning "+reason) || !strings.Contains(event, code) {
		w.Errorf("the event is %q", event)
	}
	if n := len(w.events.Events); n != 0 {
		w.Errorf("%d more events", n)
	}
}

// checkGoing takes the EIP from a pod that wants none any more while the cloud
// refuses an action.
func (w *world) checkGoing(action string, refused *eci.Error, want handling) {
	w.Helper()
	if len(w.pods) == 0 {
		w.mustAdd("auto-0", "uid-1", wantAuto)
	}
	w.unsteadyTurns(4)
	p := w.pods["uid-1"]
	w.expectReady(p)
	times := 2
	if want == stops || want == isDone {
		times = 0
	}
	w.em.Faults().Inject(emulator.Fault{Action: action, Times: times, Error: refused})
	p.want = nil
	before := w.em.Calls()[action]
	switch want {
	case stops:
		w.unsteadyTurns(3)
		w.expectBought(1)
		if pace := w.Pace(); pace != w.cfg.CollectionPeriod {
			w.Errorf("the next try is in %s", pace)
		}
		w.em.Faults().Clear()
	case isDone: // the refusal is the truth
		if action == vpc.ActionReleaseEipAddress {
			w.unsteadyTurns(2)
		}
		w.em.ReleaseEIP(w.expectBought(1)[0].AllocationID)
	default:
		w.unsteadyTurns(4)
		if n := w.em.Calls()[action] - before; n < 3 {
			w.Errorf("%d calls within seconds, two of which were refused", n)
		}
	}
	w.unsteadyTurns(4)
	w.expectBought(0)
	if w.pass(time.Minute); w.Turn(w.Context()) != nil || w.isMoving() {
		w.Error("it is still at it")
	}
}

// unsteadyTurns takes turns that may fail to read, with time for every wait.
func (w *world) unsteadyTurns(n int) {
	for range n {
		_ = w.Turn(w.Context())
		w.pass(20 * time.Second)
	}
}

// TestTheListOfCodesIsWhole looks for codes of package vpc that no case has.
func TestTheListOfCodesIsWhole(t *testing.T) {
	covered := map[string]bool{
		// These belong to calls whose refusals mean that nothing is to be done, or
		// that settings are wrong: they have tests of their own.
		vpc.CodePackageNotFound: true, vpc.CodeNotInPackage: true, vpc.CodeAlreadyInPackage: true, vpc.CodeResourceNotFound: true,
	}
	for _, tc := range documented {
		covered[tc.code] = true
	}
	for _, code := range vpcCodes(t) {
		if !covered[code] {
			t.Errorf("no case has %s", code)
		}
	}
}

// vpcCodes reads the constants of package vpc.
func vpcCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "../../eci/vpc/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) < 20 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	return codes
}
