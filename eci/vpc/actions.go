package vpc

// Versions that the calls name.
const (
	Version = "2016-04-28"
	// ECSVersion is that of DescribeNetworkInterfaces.
	ECSVersion = "2014-05-26"
)

// Actions of the VPC OpenAPI that this project calls and emulates.
const (
	ActionAllocateEipAddress             = "AllocateEipAddress"
	ActionAllocateEipAddressPro          = "AllocateEipAddressPro"
	ActionAssociateEipAddress            = "AssociateEipAddress"
	ActionUnassociateEipAddress          = "UnassociateEipAddress"
	ActionReleaseEipAddress              = "ReleaseEipAddress"
	ActionDescribeEipAddresses           = "DescribeEipAddresses"
	ActionModifyEipAddressAttribute      = "ModifyEipAddressAttribute"
	ActionAddCommonBandwidthPackageIP    = "AddCommonBandwidthPackageIp"
	ActionRemoveCommonBandwidthPackageIP = "RemoveCommonBandwidthPackageIp"
	ActionTagResources                   = "TagResources"
	ActionDescribeVSwitches              = "DescribeVSwitches"
	// ActionDescribeNetworkInterfaces is of ECS.
	ActionDescribeNetworkInterfaces = "DescribeNetworkInterfaces"
)

// States of an EIP: Available -> Associating -> InUse -> Unassociating ->
// Available.
const (
	StatusAvailable     = "Available"
	StatusAssociating   = "Associating"
	StatusInUse         = "InUse"
	StatusUnassociating = "Unassociating"
)

// Values of parameters.
const (
	// InstanceTypeENI binds an EIP to the network interface of a group.
	InstanceTypeENI = "NetworkInterface"
	// ResourceTypeEIP is what TagResources tags.
	ResourceTypeEIP = "EIP"

	PayByTraffic   = "PayByTraffic"
	PayByBandwidth = "PayByBandwidth"
	PostPaid       = "PostPaid"
	PrePaid        = "PrePaid"
)

// Bounds of the reads.
const (
	// MaxPageSize is the largest PageSize of the lists; unset it is 10.
	MaxPageSize = 100
	// MaxIDs is how many ids one AllocationId or EipAddress may name.
	MaxIDs = 50
)
