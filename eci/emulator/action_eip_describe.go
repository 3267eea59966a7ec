package emulator

import (
	"slices"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

const defaultPageSize = 10

func (e *Emulator) describeEIPAddresses(c *call, r *vpc.DescribeEIPAddressesRequest) (*vpc.DescribeEIPAddressesResponse, *eci.Error) {
	ids, addresses := commaList(r.AllocationID), commaList(r.EIPAddress)
	check := &checker{}
	check.atMost("AllocationId", len(ids), vpc.MaxIDs)
	check.atMost("EipAddress", len(addresses), vpc.MaxIDs)
	check.oneOf("Status", r.Status, vpc.StatusAssociating, vpc.StatusUnassociating, vpc.StatusInUse, vpc.StatusAvailable)
	check.optional("PageSize", int64(r.PageSize), 1, vpc.MaxPageSize)
	if check.err != nil {
		return nil, check.err
	}
	is := func(want, got string) bool { return want == "" || want == got }
	in := func(want []string, got string) bool { return want == nil || slices.Contains(want, got) }
	var found []vpc.EIPAddress
	for _, a := range slices.Backward(e.eips.order) {
		if !c.effects.empty && in(ids, a.id) && in(addresses, a.address) && is(r.Status, a.status) && is(r.EIPName, a.request.Name) &&
			is(r.AssociatedInstanceType, a.instanceType) && is(r.AssociatedInstanceID, a.instanceID) && is(r.BandwidthPackageID, a.pkg) &&
			is(r.ResourceGroupID, a.request.ResourceGroupID) && hasTags(a.tags, r.Tags) && !a.allocated.After(e.bornBefore(c)) {
			found = append(found, e.showEIP(a))
		}
	}
	resp := &vpc.DescribeEIPAddressesResponse{TotalCount: int32(len(found))}
	resp.PageNumber, resp.PageSize = pageOf(r.PageNumber, r.PageSize)
	resp.EIPAddresses.EIPAddress = slicePage(found, resp.PageNumber, resp.PageSize)
	return resp, nil
}

// hasTags: a filter without a value asks for the key alone.
func hasTags(tags, wanted []eci.Tag) bool {
	for _, want := range wanted {
		if !slices.ContainsFunc(tags, func(t eci.Tag) bool { return t.Key == want.Key && (want.Value == "" || t.Value == want.Value) }) {
			return false
		}
	}
	return true
}

func commaList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func pageOf(number, size int32) (int32, int32) {
	if size == 0 {
		size = defaultPageSize
	}
	return max(number, 1), size
}

func slicePage[T any](all []T, number, size int32) []T {
	from := min(int(number-1)*int(size), len(all))
	return append([]T{}, all[from:min(from+int(size), len(all))]...)
}

// showEIP is an EIP as the wire has it: bandwidths as texts, the description
// under two names, no private address on the primary one of an ENI.
func (e *Emulator) showEIP(a *eip) vpc.EIPAddress {
	r := &a.request
	out := vpc.EIPAddress{
		AllocationID: a.id, IPAddress: a.address, RegionID: e.cfg.Region, Status: a.status,
		InstanceID: a.instanceID, InstanceType: a.instanceType, Bandwidth: r.Bandwidth, EIPBandwidth: r.Bandwidth,
		BandwidthPackageID: a.pkg, InternetChargeType: r.InternetChargeType, ChargeType: r.InstanceChargeType, ISP: r.ISP,
		Netmode: "public", Name: r.Name, Description: r.Description, DescriptionMisspelt: r.Description,
		ResourceGroupID: r.ResourceGroupID, PublicIPAddressPoolID: r.PublicIPAddressPoolID,
		AllocationTime: wireTime(a.allocated), BusinessStatus: "Normal",
	}
	if a.pkg != "" {
		out.BandwidthPackageType, out.Bandwidth = "CommonBandwidthPackage", packageBandwidth
	}
	if a.auto {
		out.ServiceManaged = 1
	}
	out.SecurityProtectionTypes.SecurityProtectionType = append([]string{}, r.SecurityProtectionTypes...)
	out.OperationLocks.LockReason = []vpc.LockReason{}
	out.Tags.Tag = append([]eci.Tag{}, a.tags...)
	return out
}

// packageBandwidth is that of every package, in Mbit/s.
const packageBandwidth = "1000"

func (e *Emulator) describeVSwitches(_ *call, r *vpc.DescribeVSwitchesRequest) (*vpc.DescribeVSwitchesResponse, *eci.Error) {
	is := func(want, got string) bool { return want == "" || want == got }
	var found []vpc.VSwitch
	for _, s := range e.subnets {
		if is(r.VSwitchID, s.ID) && is(r.VPCID, s.VPCID) && is(r.ZoneID, s.ZoneID) {
			found = append(found, vpc.VSwitch{
				VSwitchID: s.ID, VPCID: s.VPCID, ZoneID: s.ZoneID, CIDRBlock: s.CIDR, Status: "Available",
				AvailableIPAddressCount: int64(s.last-s.first) + 1 - int64(len(s.used)),
			})
		}
	}
	resp := &vpc.DescribeVSwitchesResponse{TotalCount: int32(len(found))}
	resp.PageNumber, resp.PageSize = pageOf(r.PageNumber, r.PageSize)
	resp.VSwitches.VSwitch = slicePage(found, resp.PageNumber, resp.PageSize)
	return resp, nil
}

func (e *Emulator) describeNetworkInterfaces(_ *call, r *vpc.DescribeNetworkInterfacesRequest) (*vpc.DescribeNetworkInterfacesResponse, *eci.Error) {
	is := func(want, got string) bool { return want == "" || want == got }
	in := func(want []string, got string) bool { return want == nil || slices.Contains(want, got) }
	var found []vpc.NetworkInterface
	for _, g := range e.groups.order {
		if !g.holding || g.placed.IsZero() || !in(r.NetworkInterfaceIDs, g.eni) || !in(r.PrivateIPAddresses, g.address.String()) ||
			!is(r.VSwitchID, g.subnet.ID) || !is(r.VPCID, g.subnet.VPCID) {
			continue
		}
		shown := vpc.NetworkInterface{
			NetworkInterfaceID: g.eni, Status: "InUse", VPCID: g.subnet.VPCID, VSwitchID: g.subnet.ID, ZoneID: g.zone,
			PrivateIPAddress: g.address.String(),
		}
		if a := e.eipOf(g); a != nil && a.status == vpc.StatusInUse {
			shown.AssociatedPublicIP = vpc.PublicIP{PublicIPAddress: a.address, AllocationID: a.id}
		}
		found = append(found, shown)
	}
	resp := &vpc.DescribeNetworkInterfacesResponse{TotalCount: int32(len(found))}
	resp.PageNumber, resp.PageSize = pageOf(r.PageNumber, r.PageSize)
	resp.NetworkInterfaceSets.NetworkInterfaceSet = slicePage(found, resp.PageNumber, resp.PageSize)
	return resp, nil
}
