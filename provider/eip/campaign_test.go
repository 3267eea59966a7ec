package eip

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

var (
	seeds = flag.Int("seeds", defaultSeeds, "how many campaigns to run")
	seed  = flag.Uint64("seed", 0, "run this one campaign")
)

// TestNoEIPIsLeakedOrBoughtTwiceWhateverHappens lets pods come and go while
// calls fail, answers are lost, reads lag and the program crashes at any call.
// In the end the account holds exactly the EIPs that the strategies say.
func TestNoEIPIsLeakedOrBoughtTwiceWhateverHappens(t *testing.T) {
	first, last := uint64(1), uint64(*seeds)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	handlers := utilruntime.PanicHandlers
	utilruntime.PanicHandlers = nil // crashes are panics here, and each would be logged with its stack
	t.Cleanup(func() { utilruntime.PanicHandlers = handlers })
	const shares = 2
	for share := range uint64(shares) {
		t.Run(fmt.Sprintf("share%d", share), func(t *testing.T) {
			t.Parallel()
			for s := first; s <= last; s++ {
				if s%shares == share && !t.Run(fmt.Sprintf("seed%d", s), func(t *testing.T) { runCampaign(t, s) }) {
					t.Fatalf("replay with -seed %d", s)
				}
			}
		})
	}
}

// campaign is one seeded run.
type campaign struct {
	*world
	rand *rand.Rand
	// calls are left until the crash, 0 for none.
	untilCrash int
	uids       int
	// lostByOthers are the names whose EIP somebody else released.
	lostByOthers map[string]bool
	// first is the address that a fixed name had first.
	first map[string]string
}

// crash is what the program dies of.
type crash struct{}

func runCampaign(t *testing.T, seed uint64) {
	c := &campaign{world: newWorld(t, seed), rand: rand.New(rand.NewPCG(seed, 1)), lostByOthers: map[string]bool{}, first: map[string]string{}}
	c.crashing()
	for range 20 + c.rand.IntN(30) {
		c.happen()
	}
	c.settle()
	c.judge()
}

// crashing lets the program die at any call.
func (c *campaign) crashing() {
	die := func() {
		if c.untilCrash == 0 {
			return
		}
		if c.untilCrash--; c.untilCrash == 0 {
			panic(crash{})
		}
	}
	c.wire.before, c.wire.after = die, die
}

// wishes by the name of the pod: each name has one for ever.
func wishes() map[string]map[string]string {
	return map[string]map[string]string{
		"auto-0": wantAuto, "auto-1": wantAuto, "package-0": wantPackage, "given-0": wantGiven, "group-0": wantByGroup,
		"never-0": wantNever, "never-1": wantNever, "ttl-0": wantTTL, "ttl-1": wantTTL, "none-0": nil,
	}
}

var names = []string{"auto-0", "auto-1", "package-0", "given-0", "group-0", "never-0", "never-1", "ttl-0", "ttl-1", "none-0"}

// happen is one step of the world.
func (c *campaign) happen() {
	name := names[c.rand.IntN(len(names))]
	p := c.named(name)
	switch n := c.rand.IntN(20); {
	case n < 6 && p == nil:
		c.uids++
		c.mustAdd(name, types.UID(fmt.Sprintf("uid-%d", c.uids)), wishes()[name])
	case n < 2:
		c.remove(p)
	case n == 2 && name != "given-0" && name != "group-0":
		delete(c.pods, p.object.UID) // by force: its group runs on for a while
		c.mustAddLater(p)
	case n == 3 && p != nil:
		p.ended = true
		c.em.FailGroup(p.groupID, 1)
		c.em.RemoveGroup(p.groupID)
	case n == 6:
		c.fault()
	case n == 7:
		c.em.Faults().Clear()
	case n == 8 && p != nil:
		c.hidden[p.object.UID] = !c.hidden[p.object.UID]
	case n == 9:
		c.pass(time.Duration(c.rand.IntN(90)) * time.Second)
	case n == 10 && c.rand.IntN(4) == 0:
		c.loseOne()
	default:
		c.turn()
	}
}

// mustAddLater lets the group of a pod that is gone run until some turns later.
func (c *campaign) mustAddLater(p *testPod) {
	c.emClock.AfterFunc(time.Duration(c.rand.IntN(30))*time.Second, func() { c.em.RemoveGroup(p.groupID) })
}

func (c *campaign) named(name string) *testPod {
	for _, p := range c.pods {
		if p.object.Name == name {
			return p
		}
	}
	return nil
}

// turn is a turn that may crash, and the life after it.
func (c *campaign) turn() {
	if c.rand.IntN(3) == 0 {
		c.untilCrash = 1 + c.rand.IntN(12)
	}
	func() {
		defer func() {
			if cause := recover(); cause != nil {
				if _, is := cause.(crash); !is {
					panic(cause)
				}
				c.restart()
			}
		}()
		_ = c.Turn(context.Background()) // a failure is what the campaign is about
	}()
	c.untilCrash = 0
	c.note()
	c.pass(time.Duration(1+c.rand.IntN(5)) * time.Second)
}

// note checks that a fixed name keeps its address.
func (c *campaign) note() {
	for uid, state := range c.reports {
		p := c.pods[uid]
		if p == nil || p.want == nil || p.want.Strategy != request.StrategyNever || !state.Ready() || c.lostByOthers[p.object.Name] {
			continue
		}
		if had := c.first[p.object.Name]; had != "" && had != state.Address {
			c.Errorf("%s had %s and now has %s", p.object.Name, had, state.Address)
		}
		c.first[p.object.Name] = state.Address
	}
}

// fault makes one kind of call go wrong for a while.
func (c *campaign) fault() {
	actions := []string{
		"", vpc.ActionAllocateEipAddress, vpc.ActionAssociateEipAddress, vpc.ActionUnassociateEipAddress, vpc.ActionReleaseEipAddress,
		vpc.ActionDescribeEipAddresses, vpc.ActionAddCommonBandwidthPackageIP, vpc.ActionRemoveCommonBandwidthPackageIP, vpc.ActionTagResources,
	}
	f := emulator.Fault{Action: actions[c.rand.IntN(len(actions))], Times: 1 + c.rand.IntN(3), Skip: c.rand.IntN(3)}
	// The provider's own calls are not the matter here.
	f.When = func(action string, _ map[string]string) bool { return vpcAction(action) }
	switch c.rand.IntN(9) {
	case 0:
		f.Error = emulator.Throttled()
	case 1:
		f.Error = emulator.Unavailable()
	case 2:
		f.DropRequest = true
	case 3:
		f.DropAnswer = true
	case 4:
		f.HideYoung = time.Duration(c.rand.IntN(30)) * time.Second
	case 5:
		f.EmptyList = true
	case 6:
		f.Action, f.Error = vpc.ActionAllocateEipAddress, emulator.Refusal(400, vpc.CodeQuotaExceededEIP)
	case 7:
		f.Action, f.Error = vpc.ActionAssociateEipAddress, emulator.Refusal(400, vpc.CodeIncorrectInstance)
	case 8:
		f.Action, f.Error = vpc.ActionAllocateEipAddress, emulator.Refusal(409, "OperationConflict")
	}
	c.em.Faults().Inject(f)
}

func vpcAction(action string) bool {
	switch action {
	case "CreateContainerGroup", "DescribeContainerGroups":
		return false
	}
	return true
}

// loseOne has somebody else release an EIP that is free.
func (c *campaign) loseOne() {
	for _, a := range c.bought() {
		if a.Status == vpc.StatusAvailable && hasTags(a, c.nodeTags()) {
			c.lostByOthers[a.Tag(request.TagPod)] = true
			c.em.ReleaseEIP(a.AllocationID)
			return
		}
	}
}

// settle lets everything come to rest: no faults, no crashes, and more time than
// any wait or TTL.
func (c *campaign) settle() {
	c.em.Faults().Clear()
	clear(c.hidden)
	for _, phase := range []struct {
		turns int
		pause time.Duration
	}{{6, 5 * time.Second}, {5, 3 * time.Minute}, {6, 5 * time.Second}} {
		for range phase.turns {
			if err := c.Turn(context.Background()); err != nil {
				c.Fatal(err)
			}
			c.note()
			c.pass(phase.pause)
		}
	}
}

// judge compares what the account holds with what the strategies say.
func (c *campaign) judge() {
	held := map[string][]vpc.EIPAddress{}
	given := 0
	for _, a := range c.em.EIPs() {
		switch {
		case a.AllocationID == "eip-emulator":
			given++
		case a.ServiceManaged == 1:
			held["group-0"] = append(held["group-0"], a)
		default:
			held[a.Tag(request.TagPod)] = append(held[a.Tag(request.TagPod)], a)
		}
	}
	if given != 1 {
		c.Error("the EIP of the user is gone")
	}
	for name, list := range held {
		if wishes()[name] == nil {
			c.Errorf("%q holds %+v", name, list)
		}
	}
	for _, name := range names {
		c.judgeName(name, held[name])
	}
}

func (c *campaign) judgeName(name string, held []vpc.EIPAddress) {
	p := c.named(name)
	living := p != nil && !p.ended && p.want != nil
	record, err := c.records.get(context.Background(), "default", name)
	if err != nil {
		c.Fatal(err)
	}
	want := 0
	switch {
	case name == "given-0":
	case record != nil && !living && c.lostByOthers[name]:
		want = len(held) // its pods to come will have another one
	case living || record != nil:
		want = 1
	}
	if len(held) != want {
		c.Errorf("%s (living: %v, record: %v) holds %d EIPs, want %d: %+v", name, living, record != nil, len(held), want, held)
		return
	}
	if record != nil && len(held) == 1 && record.Spec.AllocationID != held[0].AllocationID {
		c.Errorf("the record of %s names %s, not %s", name, record.Spec.AllocationID, held[0].AllocationID)
	}
	if record != nil && !living && record.Spec.AllocationType.ReleaseStrategy == request.StrategyTTL && p == nil {
		c.Errorf("the time of %s is over and its record is there", name)
	}
	if !living {
		return
	}
	state := c.expectReady(p)
	if len(held) == 1 && (state.AllocationID != held[0].AllocationID || held[0].InstanceID != c.eni(p)) {
		c.Errorf("%s is told %+v and has %+v", name, state, held[0])
	}
}
