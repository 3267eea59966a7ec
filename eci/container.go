package eci

// ContainerBase is what an app container and an init container of a create
// request have in common.
type ContainerBase struct {
	// Name is unique inside the group, init containers included.
	Name  string `json:"Name,omitempty"`
	Image string `json:"Image,omitempty"`
	// ImagePullPolicy is Always, IfNotPresent or Never.
	ImagePullPolicy string `json:"ImagePullPolicy,omitempty"`
	// Command overrides the entry point; Args the image's CMD.
	Command    []string `json:"Command,omitempty"`
	Args       []string `json:"Arg,omitempty"`
	WorkingDir string   `json:"WorkingDir,omitempty"`
	// CPU is in vCPU, Memory in GiB; both act as limits.
	CPU    float64 `json:"Cpu,omitempty"`
	Memory float64 `json:"Memory,omitempty"`
	// GPU counts whole GPUs.
	GPU                      int32                    `json:"Gpu,omitempty"`
	EnvironmentVars          []EnvironmentVar         `json:"EnvironmentVar,omitempty"`
	Ports                    []ContainerPort          `json:"Port,omitempty"`
	VolumeMounts             []VolumeMount            `json:"VolumeMount,omitempty"`
	SecurityContext          ContainerSecurityContext `json:"SecurityContext,omitzero"`
	TerminationMessagePath   string                   `json:"TerminationMessagePath,omitempty"`
	TerminationMessagePolicy string                   `json:"TerminationMessagePolicy,omitempty"`
}

// InitContainer is an init container of a create request: the init containers
// run in order, each to its end, before the app containers start. It has no
// probes, hooks, stdin or restart policy.
type InitContainer struct {
	ContainerBase
}

// Container is an app container of a create request.
type Container struct {
	ContainerBase
	ContainerStdin
	ContainerCare

	// Three security settings are flat names on the wire.
	SecurityContextPrivileged   *bool  `json:"SecurityContextPrivileged,omitempty"`
	SecurityContextRunAsGroup   *int64 `json:"SecurityContextRunAsGroup,omitempty"`
	SecurityContextRunAsNonRoot *bool  `json:"SecurityContextRunAsNonRoot,omitempty"`

	// EnvironmentVarHide keeps the environment out of the describe answers.
	EnvironmentVarHide *bool `json:"EnvironmentVarHide,omitempty"`

	PostStartHTTPHeaders []NameValue `json:"LifecyclePostStartHandlerHttpGetHttpHeader,omitempty"`
}

// ContainerStdin is what a container reads from.
type ContainerStdin struct {
	Stdin     *bool `json:"Stdin,omitempty"`
	StdinOnce *bool `json:"StdinOnce,omitempty"`
	TTY       *bool `json:"Tty,omitempty"`
}

// ContainerCare is how an app container is looked after: probes, and hooks with
// flat names on the wire. The post-start headers are missing: a create and an
// update spell them differently.
type ContainerCare struct {
	LivenessProbe  *Probe `json:"LivenessProbe,omitempty"`
	ReadinessProbe *Probe `json:"ReadinessProbe,omitempty"`

	PostStartExec          []string `json:"LifecyclePostStartHandlerExec,omitempty"`
	PostStartHTTPGetHost   string   `json:"LifecyclePostStartHandlerHttpGetHost,omitempty"`
	PostStartHTTPGetPath   string   `json:"LifecyclePostStartHandlerHttpGetPath,omitempty"`
	PostStartHTTPGetPort   int32    `json:"LifecyclePostStartHandlerHttpGetPort,omitempty"`
	PostStartHTTPGetScheme string   `json:"LifecyclePostStartHandlerHttpGetScheme,omitempty"`
	PostStartTCPSocketHost string   `json:"LifecyclePostStartHandlerTcpSocketHost,omitempty"`
	PostStartTCPSocketPort int32    `json:"LifecyclePostStartHandlerTcpSocketPort,omitempty"`

	PreStopExec          []string    `json:"LifecyclePreStopHandlerExec,omitempty"`
	PreStopHTTPGetHost   string      `json:"LifecyclePreStopHandlerHttpGetHost,omitempty"`
	PreStopHTTPGetPath   string      `json:"LifecyclePreStopHandlerHttpGetPath,omitempty"`
	PreStopHTTPGetPort   int32       `json:"LifecyclePreStopHandlerHttpGetPort,omitempty"`
	PreStopHTTPGetScheme string      `json:"LifecyclePreStopHandlerHttpGetScheme,omitempty"`
	PreStopHTTPHeaders   []NameValue `json:"LifecyclePreStopHandlerHttpGetHttpHeader,omitempty"`
	PreStopTCPSocketHost string      `json:"LifecyclePreStopHandlerTcpSocketHost,omitempty"`
	PreStopTCPSocketPort int32       `json:"LifecyclePreStopHandlerTcpSocketPort,omitempty"`
}

// EnvironmentVar is a variable of a container. Key has 1 to 128 letters, digits
// and underscores and no leading digit; Value at most 256 characters by the
// documents. With FieldRef the value is empty.
type EnvironmentVar struct {
	Key      string    `json:"Key,omitempty"`
	Value    string    `json:"Value"`
	FieldRef *FieldRef `json:"FieldRef,omitempty"`
}

// FieldRef fills a variable when the group has its address: the only path that
// ECI knows is FieldPathPodIP.
type FieldRef struct {
	FieldPath string `json:"FieldPath,omitempty"`
}

// FieldPathPodIP is the only FieldPath that ECI accepts.
const FieldPathPodIP = "status.podIP"

// ContainerPort is a port of a container; Protocol is TCP or UDP.
type ContainerPort struct {
	Port     int32  `json:"Port,omitempty"`
	Protocol string `json:"Protocol,omitempty"`
}

// VolumeMount puts a volume of the group into a container.
type VolumeMount struct {
	// Name is that of a Volume of the group.
	Name      string `json:"Name,omitempty"`
	MountPath string `json:"MountPath,omitempty"`
	SubPath   string `json:"SubPath,omitempty"`
	ReadOnly  *bool  `json:"ReadOnly,omitempty"`
	// MountPropagation is None (default), HostToContainer or Bidirectional.
	MountPropagation string `json:"MountPropagation,omitempty"`
}

// ContainerSecurityContext is the nested part of a container's security.
type ContainerSecurityContext struct {
	// Capability adds NET_ADMIN, and by allow-list NET_RAW; nothing can be
	// dropped.
	Capability Capability `json:"Capability,omitzero"`
	// ReadOnlyRootFilesystem: only true is accepted.
	ReadOnlyRootFilesystem *bool  `json:"ReadOnlyRootFilesystem,omitempty"`
	RunAsUser              *int64 `json:"RunAsUser,omitempty"`
}

// Capability names the Linux capabilities to add, without the CAP_ prefix.
type Capability struct {
	Add []string `json:"Add,omitempty"`
}

// Probe checks a container by exactly one of Exec, HTTPGet and TCPSocket. The
// API has no HTTP headers, no host, no named port, no gRPC and no startup
// probe. Times are in seconds.
type Probe struct {
	Exec      *ExecAction      `json:"Exec,omitempty"`
	HTTPGet   *HTTPGetAction   `json:"HttpGet,omitempty"`
	TCPSocket *TCPSocketAction `json:"TcpSocket,omitempty"`

	InitialDelaySeconds int32 `json:"InitialDelaySeconds,omitempty"`
	// PeriodSeconds is 10 when unset, TimeoutSeconds 1, FailureThreshold 3.
	PeriodSeconds    int32 `json:"PeriodSeconds,omitempty"`
	TimeoutSeconds   int32 `json:"TimeoutSeconds,omitempty"`
	FailureThreshold int32 `json:"FailureThreshold,omitempty"`
	// SuccessThreshold must be 1, for readiness too.
	SuccessThreshold int32 `json:"SuccessThreshold,omitempty"`
}

// ExecAction runs a command in the container.
type ExecAction struct {
	Command []string `json:"Command,omitempty"`
}

// HTTPGetAction asks the container over HTTP or HTTPS.
type HTTPGetAction struct {
	Path   string `json:"Path,omitempty"`
	Port   int32  `json:"Port,omitempty"`
	Scheme string `json:"Scheme,omitempty"`
}

// TCPSocketAction connects to a port of the container.
type TCPSocketAction struct {
	Port int32 `json:"Port,omitempty"`
}
