package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// absentGroup has the form of an id and is nobody's.
const absentGroup = "eci-00000000000000000000"

// cloudChecks are those of the account.
type cloudChecks struct {
	book
	cfg      Config
	cloud    Cloud
	identity func(context.Context) Identity
	used     usedGroups
}

func (c *cloudChecks) run(ctx context.Context) {
	c.caller(ctx)
	if !c.credentials(ctx) {
		return
	}
	c.quota(ctx)
	for _, id := range c.cfg.VSwitchIDs {
		c.vSwitch(ctx, id)
	}
	c.permissions(ctx)
	c.listing(ctx)
}

// caller shows whose credentials are used.
func (c *cloudChecks) caller(ctx context.Context) {
	if c.identity == nil {
		return
	}
	const check = "identity"
	who := c.identity(ctx)
	if len(who.Unused) > 0 {
		c.add(Warn, check, "leave one place", "credentials are also configured in: %s; only %s is used", strings.Join(who.Unused, "; "), who.Place)
	}
	if who.Err != nil {
		c.add(Note, check, "", "%s; STS does not say whose it is: %v", who.Place, who.Err)
		return
	}
	c.add(OK, check, "", "%s, by the %s", who.Caller, who.Place)
}

// credentials checks that the cloud answers this key, and knows the region.
func (c *cloudChecks) credentials(ctx context.Context) bool {
	const check = "credentials"
	resp, err := c.cloud.DescribeRegions(ctx, &eci.DescribeRegionsRequest{})
	switch {
	case err == nil:
		c.add(OK, check, "", "the key is accepted")
		return c.region(resp)
	case eci.IsForbidden(err):
		c.add(Warn, check, allow(eci.ActionDescribeRegions), "the key is known, and may not list the regions: %v", err)
		return true
	case eci.CodeOf(err) == eci.CodeTimestampExpired:
		c.add(Fail, check, "set the clock of this machine (NTP): the cloud takes calls that are at most 15 minutes off", "%v", err)
	case eci.IsIdentity(err):
		c.add(Fail, check, "check the access key: ECI_ACCESS_KEY and ECI_SECRET_KEY, or ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or the role of the pod or the instance", "%v", err)
	case eci.CodeOf(err) == "":
		c.add(Fail, check, "check the network, the proxy and --endpoint; without an answer nothing is known about the key, unless the message says that there is none", "no answer: %v", err)
	default:
		c.refused(check, err)
	}
	return false
}

func (c *cloudChecks) region(resp *eci.DescribeRegionsResponse) bool {
	const check = "region"
	var known []string
	for _, r := range resp.Regions {
		if r.RegionID == c.cfg.Region {
			c.add(OK, check, "", "%s has ECI in %s", c.cfg.Region, strings.Join(r.Zones, ", "))
			return true
		}
		known = append(known, r.RegionID)
	}
	slices.Sort(known)
	c.add(Fail, check, "set --region to one of "+strings.Join(known, ", "), "ECI is not in region %q", c.cfg.Region)
	return false
}

// quota warns while there is still some left.
func (c *cloudChecks) quota(ctx context.Context) {
	const check, nearly = "vCPU quota", 0.9
	resp, err := c.cloud.ListUsage(ctx, &eci.ListUsageRequest{})
	if err != nil {
		c.refused(check, err)
		return
	}
	used, okUsed := resp.Attributes["UsedCpu"].(float64)
	most, okMost := resp.Attributes["MaxCpu"].(float64)
	const raise = "ask for more in the quota center of the account"
	switch {
	case !okUsed || !okMost:
		c.add(Note, check, "", "the cloud does not tell it")
	case used >= most:
		c.add(Fail, check, raise, "%g of %g vCPU are in use: no pod can start", used, most)
	case used >= nearly*most:
		c.add(Warn, check, raise, "%g of %g vCPU are in use", used, most)
	default:
		c.add(OK, check, "", "%g of %g vCPU are in use", used, most)
	}
}

// vSwitch asks for the smallest of groups there, as a dry run: the cloud then
// looks at permission, account, vSwitch, security group and stock.
func (c *cloudChecks) vSwitch(ctx context.Context, id string) {
	check := "vSwitch " + id
	resp, err := c.cloud.CreateContainerGroup(ctx, &eci.CreateContainerGroupRequest{
		DryRun: ptr.To(true), ContainerGroupName: "eci-vnode-check", VSwitchID: id, SecurityGroupID: c.cfg.SecurityGroupID,
		ResourceGroupID: c.cfg.ResourceGroupID, CPU: 0.25, Memory: 0.5, RestartPolicy: "Never",
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "check", Image: "busybox"}}},
	})
	switch {
	case eci.IsDryRunOK(err):
		c.add(OK, check, "", "a group would be made there, with security group %s", c.cfg.SecurityGroupID)
	case err == nil:
		c.undo(ctx, check, resp.ContainerGroupID)
	case strings.Contains(eci.CodeOf(err), "VSwitch") && !eci.IsNoStock(err):
		c.add(Fail, check, "check --vswitch: the id, that it is in region "+c.cfg.Region+", and that its zone has ECI", "%v", err)
	case strings.Contains(eci.CodeOf(err), "SecurityGroup"):
		c.add(Fail, check, "check --security-group: the id, and that it is in the VPC of the vSwitch", "%v", err)
	case eci.IsForbidden(err):
		c.add(Fail, check, allow(eci.ActionCreateContainerGroup)+"; also vpc:DescribeVSwitches and ecs:DescribeSecurityGroups", "%v", err)
	default:
		c.refused(check, err)
	}
}

// undo ends a group that was not meant to be made.
func (c *cloudChecks) undo(ctx context.Context, check, id string) {
	if id == "" {
		c.add(OK, check, "", "the cloud accepts the request")
		return
	}
	if _, err := c.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: id, Force: ptr.To(true)}); err != nil {
		c.add(Fail, check, "delete container group "+id+" by hand", "the cloud made a group of a dry run, and it could not be deleted: %v", err)
		return
	}
	c.add(Warn, check, "", "the cloud made group %s of a dry run; it was deleted at once", id)
}

// permissions asks for things of a group that does not exist. A permission that
// is missing is refused; the cloud's word that there is no such group is success.
func (c *cloudChecks) permissions(ctx context.Context) {
	ids := eci.JSONList{absentGroup}
	for _, p := range []struct {
		action string
		level  Level // when it is missing
		ask    func() error
	}{
		{eci.ActionDeleteContainerGroup, Fail, func() error {
			_, err := c.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: absentGroup})
			return err
		}},
		{eci.ActionUpdateContainerGroup, Warn, func() error {
			_, err := c.cloud.UpdateContainerGroup(ctx, &eci.UpdateContainerGroupRequest{ContainerGroupID: absentGroup})
			return err
		}},
		{eci.ActionDescribeContainerLog, Warn, func() error {
			_, err := c.cloud.DescribeContainerLog(ctx, &eci.DescribeContainerLogRequest{ContainerGroupID: absentGroup, ContainerName: "check"})
			return err
		}},
		{eci.ActionExecContainerCommand, Warn, func() error {
			_, err := c.cloud.ExecContainerCommand(ctx, &eci.ExecContainerCommandRequest{ContainerGroupID: absentGroup, ContainerName: "check", Command: eci.JSONList{"true"}})
			return err
		}},
		{eci.ActionDescribeMultiContainerGroupMetric, Warn, func() error {
			_, err := c.cloud.DescribeMultiContainerGroupMetric(ctx, &eci.DescribeMultiContainerGroupMetricRequest{ContainerGroupIDs: ids, MetricType: eci.MetricTypeSummary})
			return err
		}},
	} {
		c.permission(p.action, p.level, p.ask())
	}
}

func (c *cloudChecks) permission(action string, missing Level, err error) {
	check := "permission " + action
	switch {
	case eci.IsForbidden(err):
		c.add(missing, check, allow(action), "%v", err)
	case err == nil || eci.IsNotFound(err) || eci.IsInvalid(err):
		c.add(OK, check, "", "not refused")
	default:
		c.refused(check, err)
	}
}

// listing is the one permission that the cloud does not refuse: it answers a
// caller without it with an empty list. Only groups that must be there prove it.
func (c *cloudChecks) listing(ctx context.Context) {
	const check = "permission to list"
	for _, read := range []func() error{
		func() error {
			_, err := c.cloud.DescribeContainerGroupStatus(ctx, &eci.DescribeContainerGroupStatusRequest{Limit: eci.MaxStatusesPerPage})
			return err
		},
		func() error {
			_, err := c.cloud.DescribeContainerGroupEvents(ctx, &eci.DescribeContainerGroupEventsRequest{ContainerGroupIDs: eci.JSONList{absentGroup}})
			return err
		},
	} {
		if err := read(); err != nil && !eci.IsNotFound(err) {
			c.refused(check, err)
			return
		}
	}
	req := &eci.DescribeContainerGroupsRequest{Limit: eci.MaxGroupsPerPage}
	if len(c.used) > 0 {
		req.ContainerGroupIDs = eci.JSONList(c.used[:min(len(c.used), eci.MaxGroupsPerPage)])
	}
	resp, err := c.cloud.DescribeContainerGroups(ctx, req)
	lists := allow(eci.ActionDescribeContainerGroups, eci.ActionDescribeContainerGroupStatus, eci.ActionDescribeContainerGroupEvents)
	switch {
	case err != nil:
		c.refused(check, err)
	case len(resp.ContainerGroups) > 0:
		c.add(OK, check, "", "groups are shown")
	case len(c.used) > 0:
		c.add(Fail, check, lists, "the list is empty although pods of this node run in %d groups", len(c.used))
	default:
		c.add(Note, check, lists, "the list is empty, and ECI answers a caller without permission with an empty list too: make sure")
	}
}

// refused files what is no matter of permission.
func (c *cloudChecks) refused(check string, err error) {
	switch code := eci.CodeOf(err); {
	case eci.IsForbidden(err):
		c.add(Warn, check, "allow the caller the action in RAM", "%v", err)
	case code == eci.CodeServiceNotEnabled:
		c.add(Fail, check, "activate Elastic Container Instance in the console of the account", "%v", err)
	case code == eci.CodeAccountArrearage, code == eci.CodeInsufficientBalance:
		c.add(Fail, check, "settle the account: it has no money left", "%v", err)
	case eci.IsThrottled(err):
		c.add(Warn, check, "try again: somebody else uses the budget of this account", "%v", err)
	case eci.IsNoStock(err), eci.IsQuotaExceeded(err):
		c.add(Warn, check, "pods will wait; give more vSwitches in other zones, or ask for quota", "%v", err)
	case eci.IsRetryable(err):
		c.add(Warn, check, "try again later", "%v", err)
	default:
		c.add(Fail, check, fmt.Sprintf("look the code up: https://api.aliyun.com/troubleshoot?q=%s", code), "%v", err)
	}
}

// allow names RAM actions to be allowed.
func allow(actions ...string) string {
	return "allow the caller eci:" + strings.Join(actions, ", eci:") + " in RAM"
}
