package emulator_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	sdkecs "github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	sdkvpc "github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// network is the official V1 SDK for VPC and ECS on an emulator whose clock moves
// when told.
type network struct {
	*testing.T
	em       *emulator.Emulator
	clock    *emulator.FakeClock
	endpoint string
	vpc      *sdkvpc.Client
	ecs      *sdkecs.Client
}

// bindDelay is how long an EIP is on its way.
const bindDelay = 3 * time.Second

func newNetwork(t *testing.T, change ...func(*emulator.Config)) *network {
	t.Helper()
	cfg := emulator.DefaultConfig()
	cfg.Delays.EIP, cfg.EIPs = bindDelay, nil
	for _, c := range change {
		c(&cfg)
	}
	n := &network{T: t, clock: emulator.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	n.em, n.endpoint = mustServe(t, cfg, emulator.WithClock(n.clock))
	u, err := url.Parse(n.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	key := credentials.NewAccessKeyCredential("emulator", "emulator-secret")
	config := sdk.NewConfig().WithScheme("HTTP")
	if n.vpc, err = sdkvpc.NewClientWithOptions("cn-hangzhou", config, key); err != nil {
		t.Fatal(err)
	}
	if n.ecs, err = sdkecs.NewClientWithOptions("cn-hangzhou", config, key); err != nil {
		t.Fatal(err)
	}
	n.vpc.Domain, n.ecs.Domain = u.Host, u.Host
	return n
}

func (n *network) mustAllocate(token string) *sdkvpc.AllocateEipAddressResponse {
	n.Helper()
	req := sdkvpc.CreateAllocateEipAddressRequest()
	req.ClientToken, req.Bandwidth, req.InternetChargeType = token, "10", vpc.PayByTraffic
	req.Name, req.Description = "shop", "public address of the shop"
	resp, err := n.vpc.AllocateEipAddress(req)
	if err != nil {
		n.Fatal(err)
	}
	return resp
}

// mustRun makes a group that runs and returns it.
func (n *network) mustRun(changes ...string) emulator.Group {
	n.Helper()
	id := newCaller(n, n.endpoint).mustCreate(changes...)
	for _, g := range n.em.Groups() {
		if g.ContainerGroupID == id {
			return g
		}
	}
	n.Fatalf("group %s is unknown", id)
	return emulator.Group{}
}

func (n *network) associate(id, eni string) error {
	req := sdkvpc.CreateAssociateEipAddressRequest()
	req.AllocationId, req.InstanceId, req.InstanceType = id, eni, vpc.InstanceTypeENI
	_, err := n.vpc.AssociateEipAddress(req)
	return err
}

func (n *network) unassociate(id, eni string) error {
	req := sdkvpc.CreateUnassociateEipAddressRequest()
	req.AllocationId, req.InstanceId, req.InstanceType = id, eni, vpc.InstanceTypeENI
	_, err := n.vpc.UnassociateEipAddress(req)
	return err
}

func (n *network) release(id string) error {
	req := sdkvpc.CreateReleaseEipAddressRequest()
	req.AllocationId = id
	_, err := n.vpc.ReleaseEipAddress(req)
	return err
}

// only returns the EIP of that id as the SDK reads it.
func (n *network) only(id string) sdkvpc.EipAddress {
	n.Helper()
	req := sdkvpc.CreateDescribeEipAddressesRequest()
	req.AllocationId = id
	resp, err := n.vpc.DescribeEipAddresses(req)
	if err != nil {
		n.Fatal(err)
	}
	if len(resp.EipAddresses.EipAddress) != 1 || resp.TotalCount != 1 {
		n.Fatalf("%s is not listed once: %s", id, resp.GetHttpContentString())
	}
	return resp.EipAddresses.EipAddress[0]
}

func (n *network) expectStatus(id, want string) {
	n.Helper()
	if got := n.only(id).Status; got != want {
		n.Fatalf("EIP is %s, want %s", got, want)
	}
}

func (n *network) expectRefusal(what string, err error, status int, code string) {
	n.Helper()
	refusal, ok := err.(errors.Error)
	if !ok || refusal.HttpStatus() != status || refusal.ErrorCode() != code {
		n.Errorf("%s: got %v, want %d %s", what, err, status, code)
	}
}

func TestTheSDKOfVPCTakesAnEIPThroughItsWholeLife(t *testing.T) {
	n := newNetwork(t)
	made, g := n.mustAllocate("t"), n.mustRun()
	if again := n.mustAllocate("t"); again.AllocationId != made.AllocationId {
		t.Error("one ClientToken bought two EIPs")
	}
	shown := n.only(made.AllocationId)
	if shown.Bandwidth != "10" || shown.Description != shown.Descritpion || shown.IpAddress != made.EipAddress || shown.ServiceManaged != 0 {
		t.Errorf("EIP reads as %+v", shown)
	}
	if err := n.associate(made.AllocationId, g.ENIInstanceID); err != nil {
		t.Fatal(err)
	}
	n.expectStatus(made.AllocationId, vpc.StatusAssociating)
	n.expectRefusal("a release on the way", n.release(made.AllocationId), 400, vpc.CodeIncorrectEIPStatus)
	n.clock.Advance(bindDelay)
	shown = n.only(made.AllocationId)
	if shown.Status != vpc.StatusInUse || shown.InstanceId != g.ENIInstanceID || shown.PrivateIpAddress != "" {
		t.Errorf("bound EIP reads as %+v", shown)
	}
	if ip := n.em.Groups()[0].InternetIP; ip != made.EipAddress {
		t.Errorf("the group shows the address %q", ip)
	}
	n.expectENI(g, made)
	n.expectRefusal("a release in use", n.release(made.AllocationId), 400, vpc.CodeIncorrectEIPStatus)
	if err := n.unassociate(made.AllocationId, g.ENIInstanceID); err != nil {
		t.Fatal(err)
	}
	n.expectStatus(made.AllocationId, vpc.StatusUnassociating)
	n.clock.Advance(bindDelay)
	n.expectStatus(made.AllocationId, vpc.StatusAvailable)
	n.expectRefusal("unbinding what is not bound", n.unassociate(made.AllocationId, ""), 400, vpc.CodeIncorrectEIPStatus)
	if err := n.release(made.AllocationId); err != nil {
		t.Fatal(err)
	}
	n.expectRefusal("a second release", n.release(made.AllocationId), 404, vpc.CodeAllocationNotFound)
}

// expectENI reads the ENI of a group through the SDK of ECS.
func (n *network) expectENI(g emulator.Group, made *sdkvpc.AllocateEipAddressResponse) {
	n.Helper()
	req := sdkecs.CreateDescribeNetworkInterfacesRequest()
	req.PrivateIpAddress = &[]string{g.IntranetIP}
	resp, err := n.ecs.DescribeNetworkInterfaces(req)
	if err != nil {
		n.Fatal(err)
	}
	sets := resp.NetworkInterfaceSets.NetworkInterfaceSet
	if len(sets) != 1 || sets[0].NetworkInterfaceId != g.ENIInstanceID || sets[0].AssociatedPublicIp.AllocationId != made.AllocationId {
		n.Errorf("ENI reads as %s", resp.GetHttpContentString())
	}
}

func TestAnENITakesOneEIPAndAnEIPOneENI(t *testing.T) {
	n := newNetwork(t)
	one, two := n.mustAllocate("1").AllocationId, n.mustAllocate("2").AllocationId
	first, second := n.mustRun(), n.mustRun()
	if err := n.associate(one, first.ENIInstanceID); err != nil {
		t.Fatal(err)
	}
	n.expectRefusal("a second EIP for the ENI", n.associate(two, first.ENIInstanceID), 400, vpc.CodeDuplicated)
	n.expectRefusal("a second ENI for the EIP", n.associate(one, second.ENIInstanceID), 400, vpc.CodeIncorrectEIPStatus)
	n.expectRefusal("no such ENI", n.associate(two, "eni-x"), 404, vpc.CodeAssociateNotFound)
	n.expectRefusal("no such EIP", n.associate("eip-x", second.ENIInstanceID), 404, vpc.CodeAllocationNotFound)
}

func TestTheEndOfAGroupUnbindsItsEIP(t *testing.T) {
	n := newNetwork(t)
	id, g := n.mustAllocate("").AllocationId, n.mustRun()
	if err := n.associate(id, g.ENIInstanceID); err != nil {
		t.Fatal(err)
	}
	n.clock.Advance(bindDelay)
	n.em.RemoveGroup(g.ContainerGroupID)
	n.expectStatus(id, vpc.StatusAvailable)
}

func TestTheQuotaOfEIPsHolds(t *testing.T) {
	n := newNetwork(t)
	for range 20 {
		n.mustAllocate("")
	}
	_, err := n.vpc.AllocateEipAddress(sdkvpc.CreateAllocateEipAddressRequest())
	n.expectRefusal("EIP number 21", err, 400, vpc.CodeQuotaExceededEIP)
	wantCode(t, "a group with an EIP", newCaller(t, n.endpoint).call(eci.ActionCreateContainerGroup, nil, group("AutoCreateEip", "true")...), 400, vpc.CodeQuotaExceededEIP)
}

func TestAGroupMakesAnEIPThatEndsWithIt(t *testing.T) {
	n := newNetwork(t)
	g := n.mustRun("AutoCreateEip", "true", "EipBandwidth", "8", "EipISP", "BGP_PRO", "EipCommonBandwidthPackage", "cbwp-emulator")
	if g.InternetIP != "" {
		t.Error("the address is there before it is bound")
	}
	n.clock.Advance(bindDelay)
	eips := n.em.EIPs()
	if len(eips) != 1 || eips[0].EIPBandwidth != "8" || eips[0].Bandwidth != "1000" || eips[0].ISP != "BGP_PRO" || eips[0].ServiceManaged != 1 || eips[0].BandwidthPackageID != "cbwp-emulator" {
		t.Fatalf("EIPs are %+v", eips)
	}
	if ip := n.em.Groups()[0].InternetIP; ip != eips[0].IPAddress || ip == "" {
		t.Errorf("the group shows %q", ip)
	}
	n.em.FailGroup(g.ContainerGroupID, 1)
	if err := newCaller(t, n.endpoint).call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", g.ContainerGroupID, "Force", "true"); err != nil {
		t.Fatal(err)
	}
	n.clock.Advance(time.Minute)
	if left := n.em.EIPs(); len(left) != 0 {
		t.Errorf("left after the group: %+v", left)
	}
}

func TestAGivenEIPOutlivesItsGroup(t *testing.T) {
	n := newNetwork(t, func(c *emulator.Config) { c.EIPs = []string{"eip-shop"} })
	c := newCaller(t, n.endpoint)
	wantCode(t, "an unknown EIP", c.call(eci.ActionCreateContainerGroup, nil, group("EipInstanceId", "eip-x")...), 404, vpc.CodeAllocationNotFound)
	g := n.mustRun("EipInstanceId", "eip-shop")
	wantCode(t, "an EIP in use", c.call(eci.ActionCreateContainerGroup, nil, group("EipInstanceId", "eip-shop")...), 400, vpc.CodeIncorrectEIPStatus)
	n.clock.Advance(bindDelay)
	n.expectStatus("eip-shop", vpc.StatusInUse)
	n.em.RemoveGroup(g.ContainerGroupID)
	n.expectStatus("eip-shop", vpc.StatusAvailable)
}

func TestABandwidthPackageShadowsTheBandwidthOfAnEIP(t *testing.T) {
	n := newNetwork(t)
	id := n.mustAllocate("").AllocationId
	add := sdkvpc.CreateAddCommonBandwidthPackageIpRequest()
	add.BandwidthPackageId, add.IpInstanceId = "cbwp-emulator", id
	if _, err := n.vpc.AddCommonBandwidthPackageIp(add); err != nil {
		t.Fatal(err)
	}
	if shown := n.only(id); shown.Bandwidth != "1000" || shown.EipBandwidth != "10" || shown.BandwidthPackageId != "cbwp-emulator" {
		t.Errorf("in the package: %+v", shown)
	}
	_, err := n.vpc.AddCommonBandwidthPackageIp(add)
	n.expectRefusal("a second time", err, 400, vpc.CodeAlreadyInPackage)
	remove := sdkvpc.CreateRemoveCommonBandwidthPackageIpRequest()
	remove.BandwidthPackageId, remove.IpInstanceId = "cbwp-emulator", id
	if _, err := n.vpc.RemoveCommonBandwidthPackageIp(remove); err != nil {
		t.Fatal(err)
	}
	_, err = n.vpc.RemoveCommonBandwidthPackageIp(remove)
	n.expectRefusal("not in it any more", err, 404, vpc.CodeNotInPackage)
}

func TestTagsOfAnEIPFilterAndOverwrite(t *testing.T) {
	n := newNetwork(t)
	id := n.mustAllocate("").AllocationId
	n.mustAllocate("")
	tag := sdkvpc.CreateTagResourcesRequest()
	tag.ResourceType, tag.ResourceId = vpc.ResourceTypeEIP, &[]string{id}
	for _, value := range []string{"blue", "green"} {
		tag.Tag = &[]sdkvpc.TagResourcesTag{{Key: "team", Value: value}}
		if _, err := n.vpc.TagResources(tag); err != nil {
			t.Fatal(err)
		}
	}
	list := sdkvpc.CreateDescribeEipAddressesRequest()
	list.Tag = &[]sdkvpc.DescribeEipAddressesTag{{Key: "team", Value: "green"}}
	resp, err := n.vpc.DescribeEipAddresses(list)
	if err != nil || resp.TotalCount != 1 || resp.EipAddresses.EipAddress[0].AllocationId != id {
		t.Errorf("by tag: %v, %v", resp, err)
	}
}

func TestEIPsCanBeModifiedPagedAndBoughtByThePro(t *testing.T) {
	n := newNetwork(t)
	pro := sdkvpc.CreateAllocateEipAddressProRequest()
	pro.Bandwidth = "20"
	made, err := n.vpc.AllocateEipAddressPro(pro)
	if err != nil {
		t.Fatal(err)
	}
	modify := sdkvpc.CreateModifyEipAddressAttributeRequest()
	modify.AllocationId, modify.Bandwidth, modify.Name = made.AllocationId, "30", "new"
	if _, err := n.vpc.ModifyEipAddressAttribute(modify); err != nil {
		t.Fatal(err)
	}
	if shown := n.only(made.AllocationId); shown.Bandwidth != "30" || shown.Name != "new" || shown.InternetChargeType != vpc.PayByBandwidth {
		t.Errorf("modified: %+v", shown)
	}
	modify.Bandwidth = "501"
	_, err = n.vpc.ModifyEipAddressAttribute(modify)
	n.expectRefusal("too much bandwidth", err, 400, eci.CodeInvalidParameter)
	for range 4 {
		n.mustAllocate("")
	}
	list := sdkvpc.CreateDescribeEipAddressesRequest()
	list.PageSize, list.PageNumber = requests.NewInteger(2), requests.NewInteger(3)
	resp, err := n.vpc.DescribeEipAddresses(list)
	if err != nil || resp.TotalCount != 5 || len(resp.EipAddresses.EipAddress) != 1 || resp.EipAddresses.EipAddress[0].AllocationId != made.AllocationId {
		t.Errorf("the last page: %v, %v", resp, err)
	}
}

func TestVSwitchesTellTheirFreeAddresses(t *testing.T) {
	n := newNetwork(t)
	n.mustRun()
	req := sdkvpc.CreateDescribeVSwitchesRequest()
	req.VSwitchId = "vsw-emulator-h"
	resp, err := n.vpc.DescribeVSwitches(req)
	if err != nil {
		t.Fatal(err)
	}
	got := resp.VSwitches.VSwitch
	if len(got) != 1 || got[0].CidrBlock != "10.0.0.0/16" || got[0].AvailableIpAddressCount != 65536-4-1 {
		t.Errorf("vSwitches: %+v", got)
	}
}

func TestTheRatesOfVPCAreCountedByTheMinute(t *testing.T) {
	n := newNetwork(t, func(c *emulator.Config) { c.Rates, c.EIPQuota = emulator.DocumentedRates(), 1000 })
	for range 120 {
		n.mustAllocate("")
	}
	_, err := n.vpc.AllocateEipAddress(sdkvpc.CreateAllocateEipAddressRequest())
	n.expectRefusal("call number 121", err, 400, eci.CodeThrottling)
	n.clock.Advance(time.Minute)
	n.mustAllocate("")
}
