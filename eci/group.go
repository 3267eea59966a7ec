package eci

// States of a container group. Source: product documents on the lifecycle.
const (
	StatusScheduling = "Scheduling"
	StatusPending    = "Pending"
	StatusRunning    = "Running"
	StatusRestarting = "Restarting"
	StatusUpdating   = "Updating"
	// StatusTerminating is a running group whose delete waits for its grace
	// period; it is still billed.
	StatusTerminating = "Terminating"
	StatusSucceeded   = "Succeeded"
	StatusFailed      = "Failed"
	// StatusExpired is a spot group that was reclaimed.
	StatusExpired        = "Expired"
	StatusScheduleFailed = "ScheduleFailed"
)

// IsTerminal says whether a group of this status has ended: it is not billed
// and never runs again.
func IsTerminal(status string) bool {
	switch status {
	case StatusSucceeded, StatusFailed, StatusExpired, StatusScheduleFailed:
		return true
	}
	return false
}

// States of a container: the value of ContainerState.State.
const (
	ContainerWaiting    = "Waiting"
	ContainerRunning    = "Running"
	ContainerTerminated = "Terminated"
)

// DescribeContainerGroupsRequest lists groups, MaxGroupsPerPage at a time. A
// page may be shorter than Limit while a NextToken follows. A caller without
// permission is answered with an empty list, not with an error.
type DescribeContainerGroupsRequest struct {
	RequestMeta
	ZoneID          string `json:"ZoneId,omitempty"`
	VSwitchID       string `json:"VSwitchId,omitempty"`
	SecurityGroupID string `json:"SecurityGroupId,omitempty"`
	ResourceGroupID string `json:"ResourceGroupId,omitempty"`
	ComputeCategory string `json:"ComputeCategory,omitempty"`
	// ContainerGroupIDs is sent as one JSON array in a text, at most 20 ids.
	ContainerGroupIDs  JSONList `json:"ContainerGroupIds,omitempty"`
	ContainerGroupName string   `json:"ContainerGroupName,omitempty"`
	Status             string   `json:"Status,omitempty"`
	// Tags filter: a group must carry all of them, at most 10.
	Tags      []Tag  `json:"Tag,omitempty"`
	WithEvent *bool  `json:"WithEvent,omitempty"`
	Limit     int32  `json:"Limit,omitempty"`
	NextToken string `json:"NextToken,omitempty"`
}

// JSONList is a list that the wire carries as one text holding a JSON array.
type JSONList []string

// DescribeContainerGroupsResponse is one page; NextToken is empty on the last.
type DescribeContainerGroupsResponse struct {
	ResponseMeta
	TotalCount      int32            `json:"TotalCount"`
	NextToken       string           `json:"NextToken,omitempty"`
	ContainerGroups []ContainerGroup `json:"ContainerGroups"`
}

// ContainerGroup is a group in full. Times are RFC 3339 in UTC, empty when they
// have not come. Names are plural where the request is singular.
type ContainerGroup struct {
	ContainerGroupID   string `json:"ContainerGroupId"`
	ContainerGroupName string `json:"ContainerGroupName"`
	RegionID           string `json:"RegionId"`
	ZoneID             string `json:"ZoneId"`
	VPCID              string `json:"VpcId"`
	VSwitchID          string `json:"VSwitchId"`
	SecurityGroupID    string `json:"SecurityGroupId"`
	ResourceGroupID    string `json:"ResourceGroupId,omitempty"`
	ENIInstanceID      string `json:"EniInstanceId,omitempty"`
	// IntranetIP is the address of the pod, empty while scheduling.
	IntranetIP string `json:"IntranetIp,omitempty"`
	// InternetIP is the bound EIP address.
	InternetIP  string `json:"InternetIp,omitempty"`
	IPv6Address string `json:"Ipv6Address,omitempty"`

	Status        string `json:"Status"`
	CreationTime  string `json:"CreationTime"`
	SucceededTime string `json:"SucceededTime,omitempty"`
	FailedTime    string `json:"FailedTime,omitempty"`
	ExpiredTime   string `json:"ExpiredTime,omitempty"`

	// CPU in vCPU and Memory in GiB are the billed size.
	CPU             float64 `json:"Cpu"`
	Memory          float64 `json:"Memory"`
	InstanceType    string  `json:"InstanceType,omitempty"`
	ComputeCategory string  `json:"ComputeCategory,omitempty"`
	SpotStrategy    string  `json:"SpotStrategy,omitempty"`
	SpotPriceLimit  float64 `json:"SpotPriceLimit,omitempty"`
	Discount        int32   `json:"Discount,omitempty"`
	// EphemeralStorage is in GiB.
	EphemeralStorage int32  `json:"EphemeralStorage,omitempty"`
	RAMRoleName      string `json:"RamRoleName,omitempty"`

	RestartPolicy  string                 `json:"RestartPolicy"`
	InitContainers []GroupInitContainer   `json:"InitContainers,omitempty"`
	Containers     []GroupContainer       `json:"Containers"`
	Volumes        []GroupVolume          `json:"Volumes,omitempty"`
	HostAliases    []GroupHostAlias       `json:"HostAliases,omitempty"`
	DNSPolicy      string                 `json:"DnsPolicy,omitempty"`
	DNSConfig      *GroupDNSConfig        `json:"DnsConfig,omitempty"`
	Security       *DescribedGroupSysctls `json:"EciSecurityContext,omitempty"`
	Tags           []Tag                  `json:"Tags,omitempty"`
	// Events has the newest 50, and only when WithEvent was asked.
	Events []GroupEvent `json:"Events,omitempty"`
}

// GroupContainerBase is what app and init containers have in common in the
// answer.
type GroupContainerBase struct {
	Name                     string                  `json:"Name"`
	Image                    string                  `json:"Image"`
	ImagePullPolicy          string                  `json:"ImagePullPolicy,omitempty"`
	Args                     []string                `json:"Args,omitempty"`
	WorkingDir               string                  `json:"WorkingDir,omitempty"`
	CPU                      float64                 `json:"Cpu"`
	Memory                   float64                 `json:"Memory"`
	GPU                      int32                   `json:"Gpu,omitempty"`
	EnvironmentVars          []GroupEnvironmentVar   `json:"EnvironmentVars,omitempty"`
	Ports                    []ContainerPort         `json:"Ports,omitempty"`
	VolumeMounts             []VolumeMount           `json:"VolumeMounts,omitempty"`
	Ready                    bool                    `json:"Ready"`
	RestartCount             int32                   `json:"RestartCount"`
	CurrentState             *ContainerState         `json:"CurrentState,omitempty"`
	PreviousState            *ContainerState         `json:"PreviousState,omitempty"`
	SecurityContext          *GroupContainerSecurity `json:"SecurityContext,omitempty"`
	TerminationMessagePath   string                  `json:"TerminationMessagePath,omitempty"`
	TerminationMessagePolicy string                  `json:"TerminationMessagePolicy,omitempty"`
}

// GroupInitContainer is an init container; its command is singular here.
type GroupInitContainer struct {
	GroupContainerBase
	Command []string `json:"Command,omitempty"`
}

// GroupContainer is an app container.
type GroupContainer struct {
	GroupContainerBase
	Commands       []string    `json:"Commands,omitempty"`
	LivenessProbe  *GroupProbe `json:"LivenessProbe,omitempty"`
	ReadinessProbe *GroupProbe `json:"ReadinessProbe,omitempty"`
	Stdin          bool        `json:"Stdin,omitempty"`
	StdinOnce      bool        `json:"StdinOnce,omitempty"`
	TTY            bool        `json:"Tty,omitempty"`
}

// ContainerState is what a container does now or did before.
type ContainerState struct {
	// State is ContainerWaiting, ContainerRunning or ContainerTerminated.
	State        string `json:"State"`
	Reason       string `json:"Reason,omitempty"`
	Message      string `json:"Message,omitempty"`
	DetailStatus string `json:"DetailStatus,omitempty"`
	ExitCode     int32  `json:"ExitCode"`
	Signal       int32  `json:"Signal,omitempty"`
	StartTime    string `json:"StartTime,omitempty"`
	FinishTime   string `json:"FinishTime,omitempty"`
}

// GroupEnvironmentVar is a variable in the answer.
type GroupEnvironmentVar struct {
	Key       string     `json:"Key"`
	Value     string     `json:"Value,omitempty"`
	ValueFrom *ValueFrom `json:"ValueFrom,omitempty"`
}

// ValueFrom wraps a FieldRef, in the answer only.
type ValueFrom struct {
	FieldRef *FieldRef `json:"FieldRef,omitempty"`
}

// GroupContainerSecurity is a container's security in the answer.
type GroupContainerSecurity struct {
	Capability             *GroupCapability `json:"Capability,omitempty"`
	ReadOnlyRootFilesystem bool             `json:"ReadOnlyRootFilesystem,omitempty"`
	RunAsUser              *int64           `json:"RunAsUser,omitempty"`
}

// GroupCapability names added capabilities; plural in the answer.
type GroupCapability struct {
	Adds []string `json:"Adds,omitempty"`
}

// GroupProbe is a probe in the answer: the command is a plain list there.
type GroupProbe struct {
	Execs               []string        `json:"Execs,omitempty"`
	HTTPGet             *HTTPGetAction  `json:"HttpGet,omitempty"`
	TCPSocket           *GroupTCPSocket `json:"TcpSocket,omitempty"`
	InitialDelaySeconds int32           `json:"InitialDelaySeconds,omitempty"`
	PeriodSeconds       int32           `json:"PeriodSeconds,omitempty"`
	TimeoutSeconds      int32           `json:"TimeoutSeconds,omitempty"`
	FailureThreshold    int32           `json:"FailureThreshold,omitempty"`
	SuccessThreshold    int32           `json:"SuccessThreshold,omitempty"`
}

// GroupTCPSocket has a host that the request does not take.
type GroupTCPSocket struct {
	Host string `json:"Host,omitempty"`
	Port int32  `json:"Port,omitempty"`
}

// GroupVolume is a volume in the answer: its parts are flat names there.
type GroupVolume struct {
	Name              string            `json:"Name"`
	Type              string            `json:"Type"`
	ConfigFiles       []GroupConfigFile `json:"ConfigFileVolumeConfigFileToPaths,omitempty"`
	DiskID            string            `json:"DiskVolumeDiskId,omitempty"`
	DiskFSType        string            `json:"DiskVolumeFsType,omitempty"`
	EmptyDirMedium    string            `json:"EmptyDirVolumeMedium,omitempty"`
	EmptyDirSizeLimit string            `json:"EmptyDirVolumeSizeLimit,omitempty"`
	FlexDriver        string            `json:"FlexVolumeDriver,omitempty"`
	FlexFSType        string            `json:"FlexVolumeFsType,omitempty"`
	FlexOptions       string            `json:"FlexVolumeOptions,omitempty"`
	NFSServer         string            `json:"NFSVolumeServer,omitempty"`
	NFSPath           string            `json:"NFSVolumePath,omitempty"`
	NFSReadOnly       bool              `json:"NFSVolumeReadOnly,omitempty"`
}

// GroupConfigFile is a config file in the answer; Content is BASE64.
type GroupConfigFile struct {
	Path    string `json:"Path"`
	Content string `json:"Content"`
}

// GroupHostAlias is a line of /etc/hosts in the answer.
type GroupHostAlias struct {
	IP        string   `json:"Ip"`
	Hostnames []string `json:"Hostnames"`
}

// GroupDNSConfig is the resolver in the answer.
type GroupDNSConfig struct {
	NameServers []string    `json:"NameServers,omitempty"`
	Searches    []string    `json:"Searches,omitempty"`
	Options     []NameValue `json:"Options,omitempty"`
}

// DescribedGroupSysctls holds the sysctls in the answer.
type DescribedGroupSysctls struct {
	Sysctls []NameValue `json:"Sysctls,omitempty"`
}

// GroupEvent is an event in the answer of DescribeContainerGroups.
type GroupEvent struct {
	Name           string `json:"Name"`
	Type           string `json:"Type"`
	Reason         string `json:"Reason"`
	Message        string `json:"Message"`
	Count          int32  `json:"Count"`
	FirstTimestamp string `json:"FirstTimestamp"`
	LastTimestamp  string `json:"LastTimestamp"`
}
