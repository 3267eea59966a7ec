package emulator

import (
	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

func (e *Emulator) describeContainerGroups(c *call, r *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, *eci.Error) {
	check := &checker{}
	check.optional("Limit", int64(r.Limit), 1, eci.MaxGroupsPerPage)
	if check.err != nil {
		return nil, check.err
	}
	found, err := e.find(c, filter{
		ids: r.ContainerGroupIDs, tags: r.Tags, zone: r.ZoneID, vSwitch: r.VSwitchID, securityGroup: r.SecurityGroupID,
		resourceGroup: r.ResourceGroupID, name: r.ContainerGroupName, status: r.Status, computeBudget: r.ComputeCategory,
	})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(found, r.NextToken, int(orElse(r.Limit, eci.MaxGroupsPerPage)))
	if err != nil {
		return nil, err
	}
	resp := &eci.DescribeContainerGroupsResponse{TotalCount: int32(len(found)), NextToken: next, ContainerGroups: []eci.ContainerGroup{}}
	for _, g := range shown {
		resp.ContainerGroups = append(resp.ContainerGroups, e.show(g, value(r.WithEvent)))
	}
	return resp, nil
}

// show is a group as DescribeContainerGroups has it.
func (e *Emulator) show(g *group, withEvents bool) eci.ContainerGroup {
	r := &g.request
	out := eci.ContainerGroup{
		ContainerGroupID: g.id, ContainerGroupName: r.ContainerGroupName, RegionID: e.cfg.Region, ZoneID: g.zone,
		VPCID: g.subnet.VPCID, VSwitchID: g.subnet.ID, SecurityGroupID: g.securityGroup, ResourceGroupID: r.ResourceGroupID,
		Status: g.status, CreationTime: wireTime(g.created),
		CPU: g.cpu, Memory: g.memory, InstanceType: g.instanceType, ComputeCategory: g.computeCategory(),
		SpotStrategy: r.SpotStrategy, SpotPriceLimit: r.SpotPriceLimit, EphemeralStorage: r.EphemeralStorage,
		RAMRoleName: r.RAMRoleName, RestartPolicy: r.RestartPolicy, DNSPolicy: r.DNSPolicy, Tags: r.Tags,
	}
	if !g.placed.IsZero() {
		out.ENIInstanceID, out.IntranetIP = g.eni, g.address.String()
		if a := e.eipOf(g); a != nil && a.status == vpc.StatusInUse {
			out.InternetIP = a.address
		}
	}
	switch g.status {
	case eci.StatusSucceeded:
		out.SucceededTime = wireTime(g.ended)
	case eci.StatusFailed, eci.StatusScheduleFailed:
		out.FailedTime = wireTime(g.ended)
	case eci.StatusExpired:
		out.ExpiredTime = wireTime(g.ended)
	}
	showNetwork(&out, r)
	for _, c := range g.inits {
		out.InitContainers = append(out.InitContainers, eci.GroupInitContainer{GroupContainerBase: showBase(c), Command: c.spec.Command})
	}
	for _, c := range g.apps {
		out.Containers = append(out.Containers, showApp(c))
	}
	for i := range r.Volumes {
		out.Volumes = append(out.Volumes, showVolume(&r.Volumes[i]))
	}
	if withEvents {
		out.Events = showEvents(g)
	}
	return out
}

func showNetwork(out *eci.ContainerGroup, r *eci.CreateContainerGroupRequest) {
	if d := r.DNSConfig; len(d.NameServers)+len(d.Searches)+len(d.Options) > 0 {
		out.DNSConfig = &eci.GroupDNSConfig{NameServers: d.NameServers, Searches: d.Searches, Options: d.Options}
	}
	for _, alias := range r.HostAliases {
		out.HostAliases = append(out.HostAliases, eci.GroupHostAlias(alias))
	}
	if len(r.SecurityContext.Sysctls) > 0 {
		out.Security = &eci.DescribedGroupSysctls{Sysctls: r.SecurityContext.Sysctls}
	}
}

// showEvents is newest last, as the events happened.
func showEvents(g *group) []eci.GroupEvent {
	var out []eci.GroupEvent
	for _, ev := range g.events {
		out = append(out, eci.GroupEvent{
			Name: ev.name, Type: ev.kind, Reason: ev.reason, Message: ev.message, Count: ev.count,
			FirstTimestamp: wireTime(ev.first), LastTimestamp: wireTime(ev.last),
		})
	}
	return out
}
