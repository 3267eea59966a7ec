package emulator

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// place is where and as what a group will run.
type place struct {
	subnet        *subnet
	securityGroup string
	option
	// soldOut is a shortage that shows only after the create.
	soldOut bool
}

// option is one size that the request allows.
type option struct {
	size         size
	instanceType string
	rounded      bool
}

// findPlace tries every allowed size in every vSwitch, in the given order.
func (e *Emulator) findPlace(c *call, r *eci.CreateContainerGroupRequest) (place, *eci.Error) {
	options, err := e.sizeOptions(r)
	if err != nil {
		return place{}, err
	}
	subnets, err := e.allowedSubnets(r)
	if err != nil {
		return place{}, err
	}
	securityGroup, err := e.findSecurityGroups(r.SecurityGroupID, subnets)
	if err != nil {
		return place{}, err
	}
	var last *eci.Error
	for _, o := range options {
		for _, s := range subnets {
			shortage, short := c.effects.shortage(s.ZoneID, o.size)
			switch {
			case short && !shortage.Late:
				last = noStock(s.ZoneID)
			case s.isFull():
				last = refuse(http.StatusForbidden, eci.CodeIPNotEnough, "The specified vSwitch %s has not enough IP addresses.", s.ID)
			case e.usedCPU+o.size.cpu > e.cfg.MaxCPU:
				last = refuse(http.StatusForbidden, eci.CodeQuotaExceeded, "The vCPU quota of %g in this region is exceeded.", e.cfg.MaxCPU)
			default:
				return place{subnet: s, securityGroup: securityGroup, option: o, soldOut: short}, nil
			}
		}
	}
	return place{}, last
}

func (f effects) shortage(zone string, s size) (NoStock, bool) {
	for _, shortage := range f.shortages {
		if shortage.hits(zone, s.cpu, s.memory) {
			return shortage, true
		}
	}
	return NoStock{}, false
}

// allowedSubnets are those that VSwitchId names, or the default of the zone.
func (e *Emulator) allowedSubnets(r *eci.CreateContainerGroupRequest) ([]*subnet, *eci.Error) {
	if r.ZoneID != "" && !slices.Contains(e.cfg.Zones, r.ZoneID) {
		return nil, invalid("ZoneId", "there is no zone %q", r.ZoneID)
	}
	if r.VSwitchID == "" {
		return e.defaultSubnet(r.ZoneID)
	}
	var found []*subnet
	for id := range strings.SplitSeq(r.VSwitchID, ",") {
		i := slices.IndexFunc(e.subnets, func(s *subnet) bool { return s.ID == strings.TrimSpace(id) })
		if i < 0 {
			return nil, refuse(http.StatusNotFound, "InvalidVSwitchId.NotFound", "The specified vSwitch %q does not exist.", id)
		}
		if r.ZoneID == "" || e.subnets[i].ZoneID == r.ZoneID {
			found = append(found, e.subnets[i])
		}
	}
	if len(found) == 0 {
		return nil, refuse(http.StatusForbidden, eci.CodeVSwitchZoneMismatch, "The specified vSwitch is not in the zone %s.", r.ZoneID)
	}
	if r.ScheduleStrategy == "VSwitchRandom" {
		first := int(mix(e.sequence) % uint64(len(found)))
		found = append(found[first:], found[:first]...)
	}
	return found, nil
}

func (e *Emulator) defaultSubnet(zone string) ([]*subnet, *eci.Error) {
	for _, s := range e.subnets {
		if zone == "" || s.ZoneID == zone {
			return []*subnet{s}, nil
		}
	}
	return nil, refuse(http.StatusForbidden, eci.CodeZoneNotOnSale, "The zone %s has no vSwitch.", zone)
}

// maxSecurityGroups is how many one SecurityGroupId may name. The text of the
// parameter speaks of one; the annotation that becomes it takes up to 5.
const maxSecurityGroups = 5

// findSecurityGroups wants each of a comma separated list.
func (e *Emulator) findSecurityGroups(list string, subnets []*subnet) (string, *eci.Error) {
	if list == "" {
		return e.cfg.SecurityGroups[0].ID, nil
	}
	ids := strings.Split(list, ",")
	if len(ids) > maxSecurityGroups {
		return "", invalid("SecurityGroupId", "%d security groups are named, at most %d", len(ids), maxSecurityGroups)
	}
	for _, id := range ids {
		if _, err := e.findSecurityGroup(id, subnets); err != nil {
			return "", err
		}
	}
	return list, nil
}

// findSecurityGroup wants the group to be of the VPC of the vSwitches.
func (e *Emulator) findSecurityGroup(id string, subnets []*subnet) (string, *eci.Error) {
	for _, g := range e.cfg.SecurityGroups {
		if g.ID != id {
			continue
		}
		vpc := g.VPCID
		if vpc == "" {
			vpc = e.subnets[0].VPCID
		}
		if slices.ContainsFunc(subnets, func(s *subnet) bool { return s.VPCID != vpc }) {
			return "", refuse(http.StatusForbidden, eci.CodeSecurityGroupMismatch, "The security group %s and the vSwitch are not in one VPC.", id)
		}
		return id, nil
	}
	return "", refuse(http.StatusNotFound, "InvalidSecurityGroupId.NotFound", "The specified security group %q does not exist.", id)
}

// sizeOptions are the sizes that the request allows, in its order.
func (e *Emulator) sizeOptions(r *eci.CreateContainerGroupRequest) ([]option, *eci.Error) {
	need := needOf(r.InitContainers, r.Containers)
	switch {
	case r.InstanceType != "":
		return e.instanceOptions(r.InstanceType, need)
	case r.CPU != 0 || r.Memory != 0:
		want := size{r.CPU, r.Memory}
		if err := e.checkSize(want, need); err != nil {
			return nil, err
		}
		return []option{{size: want}}, nil
	case need == size{}:
		return []option{{size: defaultSize()}}, nil
	}
	fits, ok := roundUp(e.sizes, need)
	if !ok {
		return nil, sizeError("no size on sale holds %s", need)
	}
	return []option{{size: fits, rounded: fits != need}}, nil
}

func (e *Emulator) instanceOptions(list string, need size) ([]option, *eci.Error) {
	var options []option
	for text := range strings.SplitSeq(list, ",") {
		s, isPair, ok := parseInstanceType(strings.TrimSpace(text))
		if !ok {
			return nil, refuse(http.StatusBadRequest, "InvalidInstanceTypeForEciBuy", "The specified InstanceType %q is not sold for ECI.", text)
		}
		o := option{size: s, instanceType: strings.TrimSpace(text)}
		if isPair {
			o.instanceType = ""
			if err := e.checkSize(s, need); err != nil {
				return nil, err
			}
		} else if err := checkHolds(s, need); err != nil {
			return nil, err
		}
		options = append(options, o)
	}
	return options, nil
}

func (e *Emulator) checkSize(want, need size) *eci.Error {
	if !slices.Contains(e.sizes, want) {
		return sizeError("%s is not on sale", want)
	}
	return checkHolds(want, need)
}

func checkHolds(want, need size) *eci.Error {
	if need.cpu > want.cpu || need.memory > want.memory {
		return sizeError("the containers need %s, the group has %s", need, want)
	}
	return nil
}

// needOf is the larger of the largest init container and the sum of the others.
func needOf(inits []eci.InitContainer, apps []eci.Container) size {
	var need size
	for _, c := range apps {
		need.cpu += c.CPU
		need.memory += c.Memory
	}
	for _, c := range inits {
		need.cpu = max(need.cpu, c.CPU)
		need.memory = max(need.memory, c.Memory)
	}
	return size{thousandths(need.cpu), thousandths(need.memory)}
}

func takeAddress(s *subnet, wanted string) (netip.Addr, *eci.Error) {
	if wanted == "" {
		return s.take(), nil
	}
	ip := netip.MustParseAddr(wanted)
	if !s.holds(ip) {
		return ip, invalid("PrivateIpAddress", "it is not an address of the vSwitch %s", s.ID)
	}
	if !s.takeThis(ip) {
		return ip, refuse(http.StatusBadRequest, eci.CodePrivateIPInUse, "The specified private IP address %s is in use.", wanted)
	}
	return ip, nil
}
