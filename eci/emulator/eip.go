package emulator

import (
	"net/http"
	"slices"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Defaults of an EIP. Source: VPC documents; 5 Mbit/s is also ECI's own.
const (
	defaultEIPBandwidth = "5"
	defaultISP          = "BGP"
	// firstEIP is where the addresses begin: 198.51.100.0/24 and what follows
	// it is set aside for documentation.
	firstEIP = 0xC6336401
)

// eip is one Elastic IP; the emulator's lock guards it.
type eip struct {
	id, address string
	number      uint64
	request     vpc.AllocateEIPAddressRequest
	tags        []eci.Tag
	allocated   time.Time

	status       string
	instanceID   string
	instanceType string
	// target is the group behind instanceID.
	target *group
	// pkg is the shared bandwidth package.
	pkg string
	// auto was made with its group and ends with it.
	auto bool
	// moving is the end of the binding or unbinding under way.
	moving *event
}

// eipBook holds the EIPs of the account by id and in the order of their making.
type eipBook struct {
	byID  map[string]*eip
	order []*eip
	// made counts the addresses, which never come again.
	made uint32
}

// newEIP buys an EIP within the quota.
func (e *Emulator) newEIP(r vpc.AllocateEIPAddressRequest) (*eip, *eci.Error) {
	if len(e.eips.order) >= e.cfg.EIPQuota {
		return nil, refuse(http.StatusBadRequest, vpc.CodeQuotaExceededEIP, "The quota of %d elastic IP addresses is exceeded.", e.cfg.EIPQuota)
	}
	return e.putEIP(e.ids.resource("eip"), r), nil
}

func (e *Emulator) putEIP(id string, r vpc.AllocateEIPAddressRequest) *eip {
	if r.Bandwidth == "" {
		r.Bandwidth = defaultEIPBandwidth
	}
	if r.ISP == "" {
		r.ISP = defaultISP
	}
	if r.InternetChargeType == "" {
		r.InternetChargeType = vpc.PayByBandwidth
	}
	if r.InstanceChargeType == "" {
		r.InstanceChargeType = vpc.PostPaid
	}
	e.sequence++
	a := &eip{
		id: id, address: address(firstEIP + e.eips.made).String(), number: e.sequence,
		request: r, tags: slices.Clone(r.Tags), allocated: e.clock.Now(), status: vpc.StatusAvailable,
	}
	e.eips.made++
	e.eips.byID[id] = a
	e.eips.order = append(e.eips.order, a)
	return a
}

func (e *Emulator) dropEIP(a *eip) {
	e.queue.cancel(a.moving)
	delete(e.eips.byID, a.id)
	e.eips.order = slices.DeleteFunc(e.eips.order, func(other *eip) bool { return other == a })
}

// bind begins to bind a to the ENI of g.
func (e *Emulator) bind(a *eip, g *group) {
	a.status, a.instanceID, a.instanceType, a.target = vpc.StatusAssociating, g.eni, vpc.InstanceTypeENI, g
	a.moving = e.queue.after(e.cfg.Delays.EIP, func() { a.status = vpc.StatusInUse; e.touch(g) })
}

// unbind begins to unbind a.
func (e *Emulator) unbind(a *eip) {
	a.status = vpc.StatusUnassociating
	if a.target != nil {
		e.touch(a.target)
	}
	a.moving = e.queue.after(e.cfg.Delays.EIP, a.setFree)
}

func (a *eip) setFree() {
	a.status, a.instanceID, a.instanceType, a.target = vpc.StatusAvailable, "", "", nil
}

// eipOf returns the EIP that the group has, or is getting or losing.
func (e *Emulator) eipOf(g *group) *eip {
	for _, a := range e.eips.order {
		if a.target == g {
			return a
		}
	}
	return nil
}

// groupOfENI returns the group whose ENI this is, while the ENI exists.
func (e *Emulator) groupOfENI(eni string) *group {
	for _, g := range e.groups.order {
		if g.eni == eni && g.holding && !g.placed.IsZero() {
			return g
		}
	}
	return nil
}

// giveEIP does what a create asks for: bind an EIP that is given, or make one.
func (e *Emulator) giveEIP(g *group, r *eci.CreateContainerGroupRequest) *eci.Error {
	switch {
	case r.EIPInstanceID != "":
		a := e.eips.byID[r.EIPInstanceID]
		if a == nil {
			return refuse(http.StatusNotFound, vpc.CodeAllocationNotFound, "The specified EIP %s does not exist.", r.EIPInstanceID)
		}
		if a.status != vpc.StatusAvailable {
			return refuse(http.StatusBadRequest, vpc.CodeIncorrectEIPStatus, "The specified EIP %s is %s, not Available.", a.id, a.status)
		}
		e.bind(a, g)
	case value(r.AutoCreateEIP):
		if r.EIPCommonBandwidthPackage != "" && !slices.Contains(e.cfg.BandwidthPackages, r.EIPCommonBandwidthPackage) {
			return refuse(http.StatusNotFound, vpc.CodePackageNotFound, "The specified bandwidth package does not exist.")
		}
		a, err := e.newEIP(vpc.AllocateEIPAddressRequest{Bandwidth: bandwidthText(r.EIPBandwidth), ISP: r.EIPISP, InternetChargeType: vpc.PayByTraffic})
		if err != nil {
			return err
		}
		a.auto, a.pkg = true, r.EIPCommonBandwidthPackage
		e.bind(a, g)
	}
	return nil
}

// dropENI lets go of what was bound to the ENI of a group that has ended: an
// EIP made with the group ends too.
func (e *Emulator) dropENI(g *group) {
	a := e.eipOf(g)
	switch {
	case a == nil:
	case a.auto:
		e.dropEIP(a)
	default:
		e.queue.cancel(a.moving)
		a.setFree()
	}
}
