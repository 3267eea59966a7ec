package eip

import (
	"context"
	"errors"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Lister reads EIPs. eci/openapi's client is one.
type Lister interface {
	DescribeEIPAddresses(context.Context, *vpc.DescribeEIPAddressesRequest) (*vpc.DescribeEIPAddressesResponse, error)
}

// errPartial tells that a list ended before its count.
var errPartial = errors.New("the list of EIPs changed while it was read")

// Unbound lists the EIPs that nodes of the cluster bought and that are bound to
// nothing: each is paid for all the same. They are in the order of the cloud.
// node narrows it to those of one node; "" is all.
func Unbound(ctx context.Context, cloud Lister, clusterID, node string) ([]vpc.EIPAddress, error) {
	all, err := list(ctx, cloud, request.Identity{ClusterID: clusterID, NodeName: node}.Tags())
	return slices.DeleteFunc(all, func(a vpc.EIPAddress) bool { return a.Tag(TagStrategy) == "" || a.InstanceID != "" }), err
}

// Owner says for whom an EIP was bought; its UID is empty where the address is
// for all pods of the name.
func Owner(a vpc.EIPAddress) request.Identity { return ownerOf(a) }

func list(ctx context.Context, cloud Lister, tags []eci.Tag) ([]vpc.EIPAddress, error) {
	var all []vpc.EIPAddress
	for page := int32(1); ; page++ {
		resp, err := cloud.DescribeEIPAddresses(ctx, &vpc.DescribeEIPAddressesRequest{Tags: tags, PageNumber: page, PageSize: vpc.MaxPageSize})
		if err != nil {
			return nil, err
		}
		all = append(all, resp.EIPAddresses.EIPAddress...)
		switch {
		case len(all) >= int(resp.TotalCount):
			return all, nil
		case len(resp.EIPAddresses.EIPAddress) == 0:
			return nil, errPartial
		}
	}
}
