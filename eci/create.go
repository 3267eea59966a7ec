package eci

// CreateContainerGroupRequest asks for one container group. The answer comes
// before scheduling: the group starts in StatusScheduling.
// Source: OpenAPI metadata and the official SDK v3.1.1.
type CreateContainerGroupRequest struct {
	RequestMeta

	// ContainerGroupName has 2 to 128 lower case letters, digits and hyphens,
	// no hyphen at either end. It is not unique.
	ContainerGroupName string `json:"ContainerGroupName,omitempty"`
	// ClientToken makes the call idempotent: at most 64 ASCII characters.
	ClientToken     string `json:"ClientToken,omitempty"`
	DryRun          *bool  `json:"DryRun,omitempty"`
	ResourceGroupID string `json:"ResourceGroupId,omitempty"`
	Tags            []Tag  `json:"Tag,omitempty"`

	// Placement.
	ZoneID string `json:"ZoneId,omitempty"`
	// VSwitchID holds up to 10 ids, comma separated.
	VSwitchID        string `json:"VSwitchId,omitempty"`
	SecurityGroupID  string `json:"SecurityGroupId,omitempty"`
	ScheduleStrategy string `json:"ScheduleStrategy,omitempty"`

	// Size. CPU in vCPU and Memory in GiB are those of the whole group.
	CPU    float64 `json:"Cpu,omitempty"`
	Memory float64 `json:"Memory,omitempty"`
	// InstanceType holds ECS types and sizes such as 2-4Gi, comma separated.
	InstanceType             string   `json:"InstanceType,omitempty"`
	CPUArchitecture          string   `json:"CpuArchitecture,omitempty"`
	CPUOptionsCore           int32    `json:"CpuOptionsCore,omitempty"`
	CPUOptionsThreadsPerCore int32    `json:"CpuOptionsThreadsPerCore,omitempty"`
	CPUOptionsNuma           string   `json:"CpuOptionsNuma,omitempty"`
	ComputeCategory          []string `json:"ComputeCategory,omitempty"`
	GPUDriverVersion         string   `json:"GpuDriverVersion,omitempty"`
	// EphemeralStorage is in GiB on top of the 30 GiB that every group has.
	EphemeralStorage int32 `json:"EphemeralStorage,omitempty"`
	// SpotStrategy is NoSpot (default), SpotWithPriceLimit or SpotAsPriceGo.
	SpotStrategy string `json:"SpotStrategy,omitempty"`
	// SpotPriceLimit is an hourly cap with 3 decimals.
	SpotPriceLimit float64 `json:"SpotPriceLimit,omitempty"`
	// SpotDuration is the protected time in hours; 0 is none, unset is 1.
	SpotDuration *int64 `json:"SpotDuration,omitempty"`
	StrictSpot   *bool  `json:"StrictSpot,omitempty"`

	// Containers.
	RestartPolicy  string          `json:"RestartPolicy,omitempty"`
	InitContainers []InitContainer `json:"InitContainer,omitempty"`
	Containers     []Container     `json:"Container,omitempty"`
	Volumes        []Volume        `json:"Volume,omitempty"`
	OSType         string          `json:"OsType,omitempty"`
	CorePattern    string          `json:"CorePattern,omitempty"`
	// ShareProcessNamespace puts all containers into one PID namespace.
	ShareProcessNamespace *bool `json:"ShareProcessNamespace,omitempty"`
	// TerminationGracePeriodSeconds is honoured on a delete without Force.
	TerminationGracePeriodSeconds *int64               `json:"TerminationGracePeriodSeconds,omitempty"`
	ActiveDeadlineSeconds         *int64               `json:"ActiveDeadlineSeconds,omitempty"`
	ContainerResourceView         *bool                `json:"ContainerResourceView,omitempty"`
	SecurityContext               GroupSecurityContext `json:"SecurityContext,omitzero"`
	HostSecurityContext           GroupSecurityContext `json:"HostSecurityContext,omitzero"`
	// MaxPendingMinute ends a group that is still pending after 10 to 1440
	// minutes (default 240).
	MaxPendingMinute int32  `json:"MaxPendingMinute,omitempty"`
	RAMRoleName      string `json:"RamRoleName,omitempty"`

	// Images.
	ImageRegistryCredentials []ImageRegistryCredential `json:"ImageRegistryCredential,omitempty"`
	ACRRegistryInfos         []ACRRegistryInfo         `json:"AcrRegistryInfo,omitempty"`
	// ImageSnapshotID is the id of an image cache (imc-...), despite the name.
	ImageSnapshotID     string `json:"ImageSnapshotId,omitempty"`
	AutoMatchImageCache *bool  `json:"AutoMatchImageCache,omitempty"`
	ImageAccelerateMode string `json:"ImageAccelerateMode,omitempty"`
	// PlainHTTPRegistry and InsecureRegistry are comma separated hosts.
	PlainHTTPRegistry string `json:"PlainHttpRegistry,omitempty"`
	InsecureRegistry  string `json:"InsecureRegistry,omitempty"`

	// Data caches.
	DataCacheBucket          string `json:"DataCacheBucket,omitempty"`
	DataCachePL              string `json:"DataCachePL,omitempty"`
	DataCacheProvisionedIOPS *int64 `json:"DataCacheProvisionedIops,omitempty"`
	DataCacheBurstingEnabled *bool  `json:"DataCacheBurstingEnabled,omitempty"`

	// Network.
	HostName string `json:"HostName,omitempty"`
	// HostAliases is spelled without its last letters on the wire.
	HostAliases []HostAlias `json:"HostAliase,omitempty"`
	// DNSPolicy is None (DNSConfig counts) or Default; ClusterFirst is unknown
	// to ECI.
	DNSPolicy        string    `json:"DnsPolicy,omitempty"`
	DNSConfig        DNSConfig `json:"DnsConfig,omitzero"`
	NTPServers       []string  `json:"NtpServer,omitempty"`
	PrivateIPAddress string    `json:"PrivateIpAddress,omitempty"`
	// FixedIP is the text "true".
	FixedIP           string `json:"FixedIp,omitempty"`
	FixedIPRetainHour int32  `json:"FixedIpRetainHour,omitempty"`
	// IPv6AddressCount is 0 or 1.
	IPv6AddressCount           int32 `json:"Ipv6AddressCount,omitempty"`
	IPv6GatewayBandwidthEnable *bool `json:"Ipv6GatewayBandwidthEnable,omitempty"`
	// IPv6GatewayBandwidth is in Mbit/s, as a text without a unit.
	IPv6GatewayBandwidth string `json:"Ipv6GatewayBandwidth,omitempty"`
	// IngressBandwidth and EgressBandwidth have an unproved unit: the documents
	// say both bit/s and byte/s.
	IngressBandwidth int64 `json:"IngressBandwidth,omitempty"`
	EgressBandwidth  int64 `json:"EgressBandwidth,omitempty"`

	// Elastic IP.
	EIPInstanceID string `json:"EipInstanceId,omitempty"`
	AutoCreateEIP *bool  `json:"AutoCreateEip,omitempty"`
	// EIPBandwidth is in Mbit/s, 5 when unset, and only with AutoCreateEIP.
	EIPBandwidth              int32  `json:"EipBandwidth,omitempty"`
	EIPISP                    string `json:"EipISP,omitempty"`
	EIPCommonBandwidthPackage string `json:"EipCommonBandwidthPackage,omitempty"`
}

// CreateContainerGroupResponse names the new group.
type CreateContainerGroupResponse struct {
	ResponseMeta
	ContainerGroupID string `json:"ContainerGroupId"`
}

// GroupSecurityContext holds the sysctls of a group: the safe ones in
// SecurityContext, the unsafe ones in HostSecurityContext.
type GroupSecurityContext struct {
	Sysctls []NameValue `json:"Sysctl,omitempty"`
}

// NameValue is a named text; the value may be empty.
type NameValue struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// ImageRegistryCredential logs in to one registry; Server has no scheme.
type ImageRegistryCredential struct {
	Server   string `json:"Server,omitempty"`
	UserName string `json:"UserName,omitempty"`
	Password Secret `json:"Password,omitempty"`
}

// ACRRegistryInfo lets a group pull from an ACR enterprise instance without a
// credential.
type ACRRegistryInfo struct {
	InstanceID   string   `json:"InstanceId,omitempty"`
	InstanceName string   `json:"InstanceName,omitempty"`
	RegionID     string   `json:"RegionId,omitempty"`
	Domains      []string `json:"Domain,omitempty"`
	ARNService   string   `json:"ArnService,omitempty"`
	ARNUser      string   `json:"ArnUser,omitempty"`
}

// HostAlias is a line of /etc/hosts.
type HostAlias struct {
	IP        string   `json:"Ip,omitempty"`
	Hostnames []string `json:"Hostname,omitempty"`
}

// DNSConfig is the resolver of the group, counted when DNSPolicy is None.
type DNSConfig struct {
	NameServers []string    `json:"NameServer,omitempty"`
	Searches    []string    `json:"Search,omitempty"`
	Options     []NameValue `json:"Option,omitempty"`
}
