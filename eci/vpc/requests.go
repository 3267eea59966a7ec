package vpc

import "github.com/eci-vnode/eci-vnode/eci"

// AllocateEIPAddressRequest buys an EIP, which then is StatusAvailable. Source:
// OpenAPI metadata; the V1 SDK has no Tag.
type AllocateEIPAddressRequest struct {
	eci.RequestMeta
	// ClientToken makes the call idempotent: at most 64 ASCII characters.
	ClientToken string `json:"ClientToken,omitempty"`
	// Bandwidth is in Mbit/s, a text; 5 when unset. PayByBandwidth takes 1 to
	// 500, PayByTraffic 1 to 200.
	Bandwidth string `json:"Bandwidth,omitempty"`
	ISP       string `json:"ISP,omitempty"`
	// InternetChargeType is PayByBandwidth when unset.
	InternetChargeType string `json:"InternetChargeType,omitempty"`
	// InstanceChargeType is PostPaid when unset; PrePaid EIPs cannot be released.
	InstanceChargeType      string    `json:"InstanceChargeType,omitempty"`
	Netmode                 string    `json:"Netmode,omitempty"`
	ResourceGroupID         string    `json:"ResourceGroupId,omitempty"`
	Name                    string    `json:"Name,omitempty"`
	Description             string    `json:"Description,omitempty"`
	PublicIPAddressPoolID   string    `json:"PublicIpAddressPoolId,omitempty"`
	SecurityProtectionTypes []string  `json:"SecurityProtectionTypes,omitempty"`
	Zone                    string    `json:"Zone,omitempty"`
	Tags                    []eci.Tag `json:"Tag,omitempty"`
	// IPAddress or InstanceID asks for one certain EIP.
	IPAddress  string `json:"IpAddress,omitempty"`
	InstanceID string `json:"InstanceId,omitempty"`
}

// AssociateEIPAddressRequest begins to bind an EIP; it goes to StatusAssociating.
type AssociateEIPAddressRequest struct {
	eci.RequestMeta
	ClientToken  string `json:"ClientToken,omitempty"`
	AllocationID string `json:"AllocationId,omitempty"`
	InstanceID   string `json:"InstanceId,omitempty"`
	// InstanceType is EcsInstance when unset.
	InstanceType     string `json:"InstanceType,omitempty"`
	PrivateIPAddress string `json:"PrivateIpAddress,omitempty"`
	// Mode is NAT when unset.
	Mode             string `json:"Mode,omitempty"`
	VPCID            string `json:"VpcId,omitempty"`
	InstanceRegionID string `json:"InstanceRegionId,omitempty"`
	DryRun           *bool  `json:"DryRun,omitempty"`
}

// UnassociateEIPAddressRequest begins to unbind an EIP; it goes to
// StatusUnassociating.
type UnassociateEIPAddressRequest struct {
	eci.RequestMeta
	ClientToken      string `json:"ClientToken,omitempty"`
	AllocationID     string `json:"AllocationId,omitempty"`
	InstanceID       string `json:"InstanceId,omitempty"`
	InstanceType     string `json:"InstanceType,omitempty"`
	PrivateIPAddress string `json:"PrivateIpAddress,omitempty"`
	// Force unbinds although NAT entries use the EIP.
	Force *bool `json:"Force,omitempty"`
}

// ReleaseEIPAddressRequest gives an EIP back, which must be StatusAvailable and
// pay-as-you-go. There is no ClientToken.
type ReleaseEIPAddressRequest struct {
	eci.RequestMeta
	AllocationID string `json:"AllocationId,omitempty"`
}

// ModifyEIPAddressAttributeRequest changes a pay-as-you-go EIP.
type ModifyEIPAddressAttributeRequest struct {
	eci.RequestMeta
	AllocationID string `json:"AllocationId,omitempty"`
	Bandwidth    string `json:"Bandwidth,omitempty"`
	Name         string `json:"Name,omitempty"`
	Description  string `json:"Description,omitempty"`
}

// AddCommonBandwidthPackageIPRequest puts an EIP into a shared bandwidth
// package, whose bandwidth then shadows its own.
type AddCommonBandwidthPackageIPRequest struct {
	eci.RequestMeta
	ClientToken        string `json:"ClientToken,omitempty"`
	BandwidthPackageID string `json:"BandwidthPackageId,omitempty"`
	IPInstanceID       string `json:"IpInstanceId,omitempty"`
	IPType             string `json:"IpType,omitempty"`
}

// RemoveCommonBandwidthPackageIPRequest takes an EIP out again; to be done
// before its release.
type RemoveCommonBandwidthPackageIPRequest struct {
	eci.RequestMeta
	ClientToken        string `json:"ClientToken,omitempty"`
	BandwidthPackageID string `json:"BandwidthPackageId,omitempty"`
	IPInstanceID       string `json:"IpInstanceId,omitempty"`
}

// TagResourcesRequest adds tags or overwrites those of the same keys.
type TagResourcesRequest struct {
	eci.RequestMeta
	ResourceType string    `json:"ResourceType,omitempty"`
	ResourceIDs  []string  `json:"ResourceId,omitempty"`
	Tags         []eci.Tag `json:"Tag,omitempty"`
}

// Done is the answer of the calls that say no more than that.
type Done struct{ eci.ResponseMeta }

// AllocateEIPAddressResponse names the new EIP.
type AllocateEIPAddressResponse struct {
	eci.ResponseMeta
	EIPAddress      string `json:"EipAddress"`
	AllocationID    string `json:"AllocationId"`
	ResourceGroupID string `json:"ResourceGroupId,omitempty"`
}
