package emulator

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// call is one request on its way.
type call struct {
	action    string
	requestID string
	host      string
	// webSocket is ws or wss, as the call came over HTTP or HTTPS; gone is done
	// when the caller has left.
	webSocket string
	gone      context.Context
	params    map[string]string
	// effects are the faults that hit this call.
	effects effects
}

// action is one row of the table: how an action is called and what does it.
type action struct {
	postOnly bool
	// anyRegion: RegionId is not required.
	anyRegion bool
	// emptyWhenDenied: a caller without permission gets an empty list.
	emptyWhenDenied bool
	// version is that of the product; empty is eci.Version.
	version string
	// serve decodes the parameters and acts; it takes the lock itself.
	serve func(*call) (any, *eci.Error)
}

// table is every action that is served.
func (e *Emulator) table() map[string]action {
	all := e.groupActions()
	maps.Copy(all, e.networkActions())
	return all
}

func (e *Emulator) groupActions() map[string]action {
	return map[string]action{
		eci.ActionCreateContainerGroup:  {serve: acting(e, e.createContainerGroup)},
		eci.ActionDeleteContainerGroup:  {serve: acting(e, e.deleteContainerGroup)},
		eci.ActionUpdateContainerGroup:  {serve: acting(e, e.updateContainerGroup)},
		eci.ActionRestartContainerGroup: {serve: acting(e, e.restartContainerGroup)},

		eci.ActionDescribeContainerGroups:           {emptyWhenDenied: true, serve: acting(e, e.describeContainerGroups)},
		eci.ActionDescribeContainerGroupStatus:      {emptyWhenDenied: true, postOnly: true, serve: acting(e, e.describeContainerGroupStatus)},
		eci.ActionDescribeContainerGroupEvents:      {emptyWhenDenied: true, postOnly: true, serve: acting(e, e.describeContainerGroupEvents)},
		eci.ActionDescribeContainerLog:              {anyRegion: true, serve: acting(e, e.describeContainerLog)},
		eci.ActionExecContainerCommand:              {serve: e.execContainerCommand},
		eci.ActionDescribeMultiContainerGroupMetric: {serve: acting(e, e.describeMultiContainerGroupMetric)},
		eci.ActionDescribeContainerGroupPrice:       {serve: acting(e, e.describeContainerGroupPrice)},
		eci.ActionDescribeRegions:                   {anyRegion: true, serve: acting(e, e.describeRegions)},
		eci.ActionListUsage:                         {serve: acting(e, e.listUsage)},
		eci.ActionDescribeImageCaches:               {serve: acting(e, e.describeImageCaches)},
	}
}

// networkActions are those of VPC and ECS; the real cloud has other hosts for
// them.
func (e *Emulator) networkActions() map[string]action {
	return map[string]action{
		vpc.ActionAllocateEipAddress:             {version: vpc.Version, serve: acting(e, e.allocateEIPAddress)},
		vpc.ActionAllocateEipAddressPro:          {version: vpc.Version, serve: acting(e, e.allocateEIPAddress)},
		vpc.ActionAssociateEipAddress:            {version: vpc.Version, serve: acting(e, e.associateEIPAddress)},
		vpc.ActionUnassociateEipAddress:          {version: vpc.Version, serve: acting(e, e.unassociateEIPAddress)},
		vpc.ActionReleaseEipAddress:              {version: vpc.Version, serve: acting(e, e.releaseEIPAddress)},
		vpc.ActionDescribeEipAddresses:           {version: vpc.Version, serve: acting(e, e.describeEIPAddresses)},
		vpc.ActionModifyEipAddressAttribute:      {version: vpc.Version, serve: acting(e, e.modifyEIPAddressAttribute)},
		vpc.ActionAddCommonBandwidthPackageIP:    {version: vpc.Version, serve: acting(e, e.addCommonBandwidthPackageIP)},
		vpc.ActionRemoveCommonBandwidthPackageIP: {version: vpc.Version, serve: acting(e, e.removeCommonBandwidthPackageIP)},
		vpc.ActionTagResources:                   {version: vpc.Version, serve: acting(e, e.tagResources)},
		vpc.ActionDescribeVSwitches:              {version: vpc.Version, serve: acting(e, e.describeVSwitches)},
		vpc.ActionDescribeNetworkInterfaces:      {version: vpc.ECSVersion, serve: acting(e, e.describeNetworkInterfaces)},
	}
}

// acting decodes a request and runs do under the lock, with the lifecycle
// brought up to the present before it. Every answer embeds ResponseMeta, which
// is filled here.
func acting[Req, Resp any](e *Emulator, do func(*call, *Req) (*Resp, *eci.Error)) func(*call) (any, *eci.Error) {
	return func(c *call) (any, *eci.Error) {
		req := new(Req)
		if err := e.decoder.decode(c.params, req); err != nil {
			return nil, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.queue.drain()
		resp, err := do(c, req)
		if err != nil {
			return nil, err
		}
		reflect.ValueOf(resp).Elem().FieldByName("ResponseMeta").Set(reflect.ValueOf(eci.ResponseMeta{RequestID: c.requestID}))
		return resp, nil
	}
}

// admit checks what is the same for all actions: method, permission, region.
func (e *Emulator) admit(c *call, m *message, cred Credential) (action, *eci.Error) {
	act, known := e.actions[c.action]
	switch region := c.params["RegionId"]; {
	case c.action == "":
		return act, missing("Action")
	case !known:
		return act, refuse(http.StatusNotFound, eci.CodeInvalidAction, "The specified action %q is not found.", c.action)
	case m.version() != cmp.Or(act.version, eci.Version):
		return act, refuse(http.StatusBadRequest, "InvalidVersion", "The specified version %q is not valid: want %s.", m.version(), cmp.Or(act.version, eci.Version))
	case m.method != http.MethodPost && (act.postOnly || m.method != http.MethodGet):
		return act, refuse(http.StatusMethodNotAllowed, "UnsupportedHTTPMethod", "%s is not served with the method %s.", c.action, m.method)
	case slices.Contains(cred.Denied, c.action) && act.emptyWhenDenied:
		c.effects.empty = true
	case slices.Contains(cred.Denied, c.action):
		return act, refuse(http.StatusForbidden, eci.CodeForbiddenRAM, "User not authorized to operate on the specified resource.")
	case region == "" && !act.anyRegion:
		return act, missing("RegionId")
	case region != "" && region != e.cfg.Region:
		return act, refuse(http.StatusNotFound, "InvalidRegionId.NotFound", "The specified region %q does not exist.", region)
	}
	if format := c.params["Format"]; format != "" && format != "JSON" && format != "json" {
		return act, invalid("Format", "only JSON is served")
	}
	return act, nil
}
