package openapi

import (
	"context"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// AllocateEIPAddress buys an EIP. Without a ClientToken it is not sent again
// once it may have reached the cloud.
func (c *Client) AllocateEIPAddress(ctx context.Context, req *vpc.AllocateEIPAddressRequest) (*vpc.AllocateEIPAddressResponse, error) {
	return invoke[vpc.AllocateEIPAddressResponse](ctx, c, vpc.ActionAllocateEipAddress, req)
}

// AllocateEIPAddressPro buys a certain EIP, by address or id.
func (c *Client) AllocateEIPAddressPro(ctx context.Context, req *vpc.AllocateEIPAddressRequest) (*vpc.AllocateEIPAddressResponse, error) {
	return invoke[vpc.AllocateEIPAddressResponse](ctx, c, vpc.ActionAllocateEipAddressPro, req)
}

// AssociateEIPAddress begins to bind an EIP.
func (c *Client) AssociateEIPAddress(ctx context.Context, req *vpc.AssociateEIPAddressRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionAssociateEipAddress, req)
}

// UnassociateEIPAddress begins to unbind an EIP.
func (c *Client) UnassociateEIPAddress(ctx context.Context, req *vpc.UnassociateEIPAddressRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionUnassociateEipAddress, req)
}

// ReleaseEIPAddress gives an EIP back.
func (c *Client) ReleaseEIPAddress(ctx context.Context, req *vpc.ReleaseEIPAddressRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionReleaseEipAddress, req)
}

// DescribeEIPAddresses reads one page of EIPs.
func (c *Client) DescribeEIPAddresses(ctx context.Context, req *vpc.DescribeEIPAddressesRequest) (*vpc.DescribeEIPAddressesResponse, error) {
	return invoke[vpc.DescribeEIPAddressesResponse](ctx, c, vpc.ActionDescribeEipAddresses, req)
}

// ModifyEIPAddressAttribute changes bandwidth, name or description of an EIP.
func (c *Client) ModifyEIPAddressAttribute(ctx context.Context, req *vpc.ModifyEIPAddressAttributeRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionModifyEipAddressAttribute, req)
}

// AddCommonBandwidthPackageIP puts an EIP into a shared bandwidth package.
func (c *Client) AddCommonBandwidthPackageIP(ctx context.Context, req *vpc.AddCommonBandwidthPackageIPRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionAddCommonBandwidthPackageIP, req)
}

// RemoveCommonBandwidthPackageIP takes an EIP out of a shared bandwidth package.
func (c *Client) RemoveCommonBandwidthPackageIP(ctx context.Context, req *vpc.RemoveCommonBandwidthPackageIPRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionRemoveCommonBandwidthPackageIP, req)
}

// TagResources puts tags on EIPs.
func (c *Client) TagResources(ctx context.Context, req *vpc.TagResourcesRequest) (*vpc.Done, error) {
	return invoke[vpc.Done](ctx, c, vpc.ActionTagResources, req)
}

// DescribeVSwitches reads one page of vSwitches.
func (c *Client) DescribeVSwitches(ctx context.Context, req *vpc.DescribeVSwitchesRequest) (*vpc.DescribeVSwitchesResponse, error) {
	return invoke[vpc.DescribeVSwitchesResponse](ctx, c, vpc.ActionDescribeVSwitches, req)
}

// DescribeNetworkInterfaces reads one page of ENIs, from ECS.
func (c *Client) DescribeNetworkInterfaces(ctx context.Context, req *vpc.DescribeNetworkInterfacesRequest) (*vpc.DescribeNetworkInterfacesResponse, error) {
	return invoke[vpc.DescribeNetworkInterfacesResponse](ctx, c, vpc.ActionDescribeNetworkInterfaces, req)
}
