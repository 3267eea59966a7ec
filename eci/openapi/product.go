package openapi

import (
	"errors"
	"fmt"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// product is where an action goes and which version it names.
type product struct {
	url     string
	version string
}

// products of one region.
type products struct{ eci, vpc, ecs product }

// of returns the product of an action.
func (p products) of(action string) product {
	switch action {
	case vpc.ActionAllocateEipAddress, vpc.ActionAllocateEipAddressPro, vpc.ActionAssociateEipAddress,
		vpc.ActionUnassociateEipAddress, vpc.ActionReleaseEipAddress, vpc.ActionDescribeEipAddresses,
		vpc.ActionModifyEipAddressAttribute, vpc.ActionAddCommonBandwidthPackageIP,
		vpc.ActionRemoveCommonBandwidthPackageIP, vpc.ActionTagResources, vpc.ActionDescribeVSwitches:
		return p.vpc
	case vpc.ActionDescribeNetworkInterfaces:
		return p.ecs
	}
	return p.eci
}

// resolveProducts finds the URL of each product, or says which endpoint is
// wrong.
func resolveProducts(c Config) (products, error) {
	var errs []error
	find := func(field, endpoint, host, version string) product {
		url, err := resolveEndpoint(host, endpoint)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
		return product{url: url, version: version}
	}
	all := products{
		eci: find("endpoint", c.Endpoint, eciHost(c.Region), eci.Version),
		vpc: find("vpcEndpoint", c.besides(c.VPCEndpoint), regionalHost("vpc", c.Region), vpc.Version),
		ecs: find("ecsEndpoint", c.besides(c.ECSEndpoint), regionalHost("ecs", c.Region), vpc.ECSVersion),
	}
	return all, errors.Join(errs...)
}

// besides is the endpoint of a product other than ECI: an emulator, which is
// what listens on loopback, serves them all.
func (c Config) besides(endpoint string) string {
	if endpoint == "" && isLoopbackEndpoint(c.Endpoint) {
		return c.Endpoint
	}
	return endpoint
}
