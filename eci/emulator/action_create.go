package emulator

import (
	"net/http"

	"github.com/eci-vnode/eci-vnode/eci"
)

func (e *Emulator) createContainerGroup(c *call, r *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, *eci.Error) {
	return once(e, c, r.ClientToken, func() (*eci.CreateContainerGroupResponse, *eci.Error) {
		if err := e.checkCreate(r); err != nil {
			return nil, err
		}
		spot, err := e.findPlace(c, r)
		if err != nil {
			return nil, err
		}
		if err := e.checkSnapshot(r.ImageSnapshotID); err != nil {
			return nil, err
		}
		if value(r.DryRun) {
			return nil, refuse(http.StatusBadRequest, eci.CodeDryRunOperation, "Request validation has been passed with DryRun flag set.")
		}
		g, err := e.newGroup(r, spot)
		if err != nil {
			return nil, err
		}
		e.begin(g, spot.soldOut)
		return &eci.CreateContainerGroupResponse{ContainerGroupID: g.id}, nil
	})
}

// newGroup takes the address and the quota, and records the group.
func (e *Emulator) newGroup(r *eci.CreateContainerGroupRequest, at place) (*group, *eci.Error) {
	address, err := takeAddress(at.subnet, r.PrivateIPAddress)
	if err != nil {
		return nil, err
	}
	e.sequence++
	g := &group{
		id: e.ids.resource("eci"), uuid: e.ids.uuid(), eni: e.ids.resource("eni"), number: e.sequence,
		request: *r, tags: tagMap(r.Tags),
		zone: at.subnet.ZoneID, subnet: at.subnet, securityGroup: at.securityGroup, address: address, holding: true,
		cpu: at.size.cpu, memory: at.size.memory, instanceType: at.instanceType, rounded: at.rounded,
		created: e.clock.Now(), pulled: map[string]bool{},
	}
	if err := e.giveEIP(g, r); err != nil {
		g.subnet.release(address)
		return nil, err
	}
	if g.request.RestartPolicy == "" {
		g.request.RestartPolicy = "Always"
	}
	g.buildContainers()
	e.usedCPU += g.cpu
	e.groups.add(g)
	return g, nil
}

// buildContainers makes the containers that the request describes. Those of an
// earlier request hand their past to the container of the same name.
func (g *group) buildContainers() {
	past := map[string]*container{}
	for c := range g.all() {
		c.keepPast()
		past[c.spec.Name] = c
	}
	g.inits, g.apps = nil, nil
	add := func(list []*container, spec eci.Container, init bool) []*container {
		c := &container{spec: spec, init: init, state: g.waiting()}
		if old := past[spec.Name]; old != nil && old.init == init {
			c.restarts, c.run, c.created, c.last, c.lastLog = old.restarts, old.run, old.created, old.last, old.lastLog
		}
		return append(list, c)
	}
	for _, spec := range g.request.InitContainers {
		g.inits = add(g.inits, eci.Container{ContainerBase: spec.ContainerBase}, true)
	}
	for _, spec := range g.request.Containers {
		g.apps = add(g.apps, spec, false)
	}
}

func tagMap(tags []eci.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[tag.Key] = tag.Value
	}
	return m
}
