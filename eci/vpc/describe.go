package vpc

import "github.com/eci-vnode/eci-vnode/eci"

// DescribeEIPAddressesRequest lists EIPs, page by page: the one way to see what
// became of the asynchronous calls.
type DescribeEIPAddressesRequest struct {
	eci.RequestMeta
	// AllocationID and EIPAddress are comma separated, MaxIDs each.
	AllocationID           string `json:"AllocationId,omitempty"`
	EIPAddress             string `json:"EipAddress,omitempty"`
	EIPName                string `json:"EipName,omitempty"`
	Status                 string `json:"Status,omitempty"`
	AssociatedInstanceType string `json:"AssociatedInstanceType,omitempty"`
	AssociatedInstanceID   string `json:"AssociatedInstanceId,omitempty"`
	BandwidthPackageID     string `json:"BandwidthPackageId,omitempty"`
	ResourceGroupID        string `json:"ResourceGroupId,omitempty"`
	// Tags filter: an EIP must carry all of them.
	Tags []eci.Tag `json:"Tag,omitempty"`
	// PageNumber counts from 1; PageSize is 10 when unset, at most MaxPageSize.
	PageNumber int32 `json:"PageNumber,omitempty"`
	PageSize   int32 `json:"PageSize,omitempty"`
}

// DescribeEIPAddressesResponse is one page.
type DescribeEIPAddressesResponse struct {
	eci.ResponseMeta
	TotalCount   int32        `json:"TotalCount"`
	PageNumber   int32        `json:"PageNumber"`
	PageSize     int32        `json:"PageSize"`
	EIPAddresses EIPAddresses `json:"EipAddresses"`
}

// EIPAddresses wraps the list as the wire does.
type EIPAddresses struct {
	EIPAddress []EIPAddress `json:"EipAddress"`
}

// EIPAddress is one EIP. Times are RFC 3339 in UTC.
type EIPAddress struct {
	AllocationID string `json:"AllocationId"`
	IPAddress    string `json:"IpAddress"`
	RegionID     string `json:"RegionId"`
	Status       string `json:"Status"`
	// InstanceID is the ENI when InstanceType is InstanceTypeENI.
	InstanceID   string `json:"InstanceId"`
	InstanceType string `json:"InstanceType"`
	// PrivateIPAddress is empty on the primary address of an ENI.
	PrivateIPAddress string `json:"PrivateIpAddress"`
	// Bandwidth is that of the package where there is one, EIPBandwidth the
	// EIP's own; both in Mbit/s, as texts.
	Bandwidth             string `json:"Bandwidth"`
	EIPBandwidth          string `json:"EipBandwidth"`
	BandwidthPackageID    string `json:"BandwidthPackageId"`
	BandwidthPackageType  string `json:"BandwidthPackageType,omitempty"`
	InternetChargeType    string `json:"InternetChargeType"`
	ChargeType            string `json:"ChargeType"`
	ISP                   string `json:"ISP"`
	Netmode               string `json:"Netmode"`
	Name                  string `json:"Name"`
	Description           string `json:"Description"`
	DescriptionMisspelt   string `json:"Descritpion"`
	ResourceGroupID       string `json:"ResourceGroupId"`
	PublicIPAddressPoolID string `json:"PublicIpAddressPoolId"`
	AllocationTime        string `json:"AllocationTime"`
	BusinessStatus        string `json:"BusinessStatus"`
	// ServiceManaged is 1 for an EIP that a cloud service made.
	ServiceManaged          int32           `json:"ServiceManaged"`
	SecurityProtectionTypes ProtectionTypes `json:"SecurityProtectionTypes"`
	OperationLocks          OperationLocks  `json:"OperationLocks"`
	Tags                    Tags            `json:"Tags"`
}

// Tag returns the value of the tag of that key, or "".
func (a EIPAddress) Tag(key string) string {
	for _, tag := range a.Tags.Tag {
		if tag.Key == key {
			return tag.Value
		}
	}
	return ""
}

// ProtectionTypes wraps the list as the wire does.
type ProtectionTypes struct {
	SecurityProtectionType []string `json:"SecurityProtectionType"`
}

// OperationLocks wraps the list as the wire does.
type OperationLocks struct {
	LockReason []LockReason `json:"LockReason"`
}

// LockReason is financial or security.
type LockReason struct {
	LockReason string `json:"LockReason"`
}

// Tags wraps the list as the wire does.
type Tags struct {
	Tag []eci.Tag `json:"Tag"`
}

// DescribeVSwitchesRequest lists vSwitches.
type DescribeVSwitchesRequest struct {
	eci.RequestMeta
	// VSwitchID is one id.
	VSwitchID  string `json:"VSwitchId,omitempty"`
	VPCID      string `json:"VpcId,omitempty"`
	ZoneID     string `json:"ZoneId,omitempty"`
	PageNumber int32  `json:"PageNumber,omitempty"`
	PageSize   int32  `json:"PageSize,omitempty"`
}

// DescribeVSwitchesResponse is one page.
type DescribeVSwitchesResponse struct {
	eci.ResponseMeta
	TotalCount int32     `json:"TotalCount"`
	PageNumber int32     `json:"PageNumber"`
	PageSize   int32     `json:"PageSize"`
	VSwitches  VSwitches `json:"VSwitches"`
}

// VSwitches wraps the list as the wire does.
type VSwitches struct {
	VSwitch []VSwitch `json:"VSwitch"`
}

// VSwitch is a subnet of one zone.
type VSwitch struct {
	VSwitchID               string `json:"VSwitchId"`
	VPCID                   string `json:"VpcId"`
	ZoneID                  string `json:"ZoneId"`
	CIDRBlock               string `json:"CidrBlock"`
	Status                  string `json:"Status"`
	AvailableIPAddressCount int64  `json:"AvailableIpAddressCount"`
}

// DescribeNetworkInterfacesRequest lists ENIs; of ECS.
type DescribeNetworkInterfacesRequest struct {
	eci.RequestMeta
	NetworkInterfaceIDs []string `json:"NetworkInterfaceId,omitempty"`
	PrivateIPAddresses  []string `json:"PrivateIpAddress,omitempty"`
	VPCID               string   `json:"VpcId,omitempty"`
	VSwitchID           string   `json:"VSwitchId,omitempty"`
	PageNumber          int32    `json:"PageNumber,omitempty"`
	PageSize            int32    `json:"PageSize,omitempty"`
}

// DescribeNetworkInterfacesResponse is one page.
type DescribeNetworkInterfacesResponse struct {
	eci.ResponseMeta
	TotalCount           int32             `json:"TotalCount"`
	PageNumber           int32             `json:"PageNumber"`
	PageSize             int32             `json:"PageSize"`
	NetworkInterfaceSets NetworkInterfaces `json:"NetworkInterfaceSets"`
}

// NetworkInterfaces wraps the list as the wire does.
type NetworkInterfaces struct {
	NetworkInterfaceSet []NetworkInterface `json:"NetworkInterfaceSet"`
}

// NetworkInterface is an ENI.
type NetworkInterface struct {
	NetworkInterfaceID string   `json:"NetworkInterfaceId"`
	Status             string   `json:"Status"`
	VPCID              string   `json:"VpcId"`
	VSwitchID          string   `json:"VSwitchId"`
	ZoneID             string   `json:"ZoneId"`
	PrivateIPAddress   string   `json:"PrivateIpAddress"`
	AssociatedPublicIP PublicIP `json:"AssociatedPublicIp"`
}

// PublicIP is the EIP of an ENI.
type PublicIP struct {
	PublicIPAddress string `json:"PublicIpAddress"`
	AllocationID    string `json:"AllocationId"`
}
