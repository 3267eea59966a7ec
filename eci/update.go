package eci

// Update types of UpdateContainerGroupRequest.
const (
	// UpdateRenew replaces each list that is sent as a whole; the default.
	UpdateRenew       = "RenewUpdate"
	UpdateIncremental = "IncrementalUpdate"
)

// UpdateContainerGroupRequest changes a group that is Pending or Running; it
// goes to StatusUpdating. Containers are replaced as whole lists; touching init
// containers restarts the group. Name, network, EIP, spot and DNS policy cannot
// change. Source: OpenAPI metadata.
type UpdateContainerGroupRequest struct {
	RequestMeta
	ContainerGroupID string `json:"ContainerGroupId,omitempty"`
	ClientToken      string `json:"ClientToken,omitempty"`
	UpdateType       string `json:"UpdateType,omitempty"`
	ResourceGroupID  string `json:"ResourceGroupId,omitempty"`
	RestartPolicy    string `json:"RestartPolicy,omitempty"`
	// CPU is in vCPU, Memory in GiB, of the whole group.
	CPU                      float64                   `json:"Cpu,omitempty"`
	Memory                   float64                   `json:"Memory,omitempty"`
	InitContainers           []UpdateInitContainer     `json:"InitContainer,omitempty"`
	Containers               []UpdateContainer         `json:"Container,omitempty"`
	Volumes                  []Volume                  `json:"Volume,omitempty"`
	ImageRegistryCredentials []ImageRegistryCredential `json:"ImageRegistryCredential,omitempty"`
	ACRRegistryInfos         []ACRRegistryInfo         `json:"AcrRegistryInfo,omitempty"`
	DNSConfig                DNSConfig                 `json:"DnsConfig,omitzero"`
	Tags                     []Tag                     `json:"Tag,omitempty"`
}

// UpdateContainerGroupResponse is empty but for its request id.
type UpdateContainerGroupResponse struct{ ResponseMeta }

// UpdateInitContainer is an init container of an update: it may also have a
// stdin, which a create does not give.
type UpdateInitContainer struct {
	ContainerBase
	ContainerStdin
}

// UpdateContainer is an app container of an update. It differs from Container
// in the plural name of the post-start headers and in the flat security
// settings, which an update does not have.
type UpdateContainer struct {
	ContainerBase
	ContainerStdin
	ContainerCare

	PostStartHTTPHeaders []NameValue `json:"LifecyclePostStartHandlerHttpGetHttpHeaders,omitempty"`
}

// DeleteContainerGroupRequest ends a group. Without Force its grace period is
// honoured.
type DeleteContainerGroupRequest struct {
	RequestMeta
	ContainerGroupID string `json:"ContainerGroupId,omitempty"`
	ClientToken      string `json:"ClientToken,omitempty"`
	Force            *bool  `json:"Force,omitempty"`
}

// DeleteContainerGroupResponse is empty but for its request id.
type DeleteContainerGroupResponse struct{ ResponseMeta }

// RestartContainerGroupRequest restarts a group that is Pending or Running.
type RestartContainerGroupRequest struct {
	RequestMeta
	ContainerGroupID string `json:"ContainerGroupId,omitempty"`
	ClientToken      string `json:"ClientToken,omitempty"`
}

// RestartContainerGroupResponse is empty but for its request id.
type RestartContainerGroupResponse struct{ ResponseMeta }
