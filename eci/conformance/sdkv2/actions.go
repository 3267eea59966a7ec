package sdkv2

import (
	"context"

	sdk "github.com/alibabacloud-go/eci-20180808/v3/client"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/conformance"
)

var _ conformance.Client = (*Client)(nil)

// CreateContainerGroup forwards to the SDK.
func (c *Client) CreateContainerGroup(ctx context.Context, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	return forward[eci.CreateContainerGroupResponse](ctx, c, eci.ActionCreateContainerGroup, req, (*sdk.Client).CreateContainerGroupWithOptions)
}

// DeleteContainerGroup forwards to the SDK.
func (c *Client) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	return forward[eci.DeleteContainerGroupResponse](ctx, c, eci.ActionDeleteContainerGroup, req, (*sdk.Client).DeleteContainerGroupWithOptions)
}

// UpdateContainerGroup forwards to the SDK.
func (c *Client) UpdateContainerGroup(ctx context.Context, req *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error) {
	return forward[eci.UpdateContainerGroupResponse](ctx, c, eci.ActionUpdateContainerGroup, req, (*sdk.Client).UpdateContainerGroupWithOptions)
}

// RestartContainerGroup forwards to the SDK.
func (c *Client) RestartContainerGroup(ctx context.Context, req *eci.RestartContainerGroupRequest) (*eci.RestartContainerGroupResponse, error) {
	return forward[eci.RestartContainerGroupResponse](ctx, c, eci.ActionRestartContainerGroup, req, (*sdk.Client).RestartContainerGroupWithOptions)
}

// DescribeContainerGroups forwards to the SDK.
func (c *Client) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	return forward[eci.DescribeContainerGroupsResponse](ctx, c, eci.ActionDescribeContainerGroups, req, (*sdk.Client).DescribeContainerGroupsWithOptions)
}

// DescribeContainerGroupStatus forwards to the SDK.
func (c *Client) DescribeContainerGroupStatus(ctx context.Context, req *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error) {
	return forward[eci.DescribeContainerGroupStatusResponse](ctx, c, eci.ActionDescribeContainerGroupStatus, req, (*sdk.Client).DescribeContainerGroupStatusWithOptions)
}

// DescribeContainerGroupEvents forwards to the SDK.
func (c *Client) DescribeContainerGroupEvents(ctx context.Context, req *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error) {
	return forward[eci.DescribeContainerGroupEventsResponse](ctx, c, eci.ActionDescribeContainerGroupEvents, req, (*sdk.Client).DescribeContainerGroupEventsWithOptions)
}

// DescribeContainerLog forwards to the SDK.
func (c *Client) DescribeContainerLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return forward[eci.DescribeContainerLogResponse](ctx, c, eci.ActionDescribeContainerLog, req, (*sdk.Client).DescribeContainerLogWithOptions)
}

// ExecContainerCommand forwards to the SDK.
func (c *Client) ExecContainerCommand(ctx context.Context, req *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	return forward[eci.ExecContainerCommandResponse](ctx, c, eci.ActionExecContainerCommand, req, (*sdk.Client).ExecContainerCommandWithOptions)
}

// DescribeMultiContainerGroupMetric forwards to the SDK.
func (c *Client) DescribeMultiContainerGroupMetric(ctx context.Context, req *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	return forward[eci.DescribeMultiContainerGroupMetricResponse](ctx, c, eci.ActionDescribeMultiContainerGroupMetric, req, (*sdk.Client).DescribeMultiContainerGroupMetricWithOptions)
}

// DescribeRegions forwards to the SDK.
func (c *Client) DescribeRegions(ctx context.Context, req *eci.DescribeRegionsRequest) (*eci.DescribeRegionsResponse, error) {
	return forward[eci.DescribeRegionsResponse](ctx, c, eci.ActionDescribeRegions, req, (*sdk.Client).DescribeRegionsWithOptions)
}

// ListUsage forwards to the SDK.
func (c *Client) ListUsage(ctx context.Context, req *eci.ListUsageRequest) (*eci.ListUsageResponse, error) {
	return forward[eci.ListUsageResponse](ctx, c, eci.ActionListUsage, req, (*sdk.Client).ListUsageWithOptions)
}

// DescribeContainerGroupPrice forwards to the SDK.
func (c *Client) DescribeContainerGroupPrice(ctx context.Context, req *eci.DescribeContainerGroupPriceRequest) (*eci.DescribeContainerGroupPriceResponse, error) {
	return forward[eci.DescribeContainerGroupPriceResponse](ctx, c, eci.ActionDescribeContainerGroupPrice, req, (*sdk.Client).DescribeContainerGroupPriceWithOptions)
}
