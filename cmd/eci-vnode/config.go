package main

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/explain"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/vnode"
	"github.com/eci-vnode/eci-vnode/vnode/leader"
)

// Config is everything that an operator can set: in the file named by --config,
// and the most common settings also by flag and environment variable. A flag
// beats the environment, which beats the file, which beats the default.
type Config struct {
	// NodeName is the name of the virtual node.
	NodeName string `json:"nodeName"`
	// Labels, Annotations and Taints are added to the node; a taint with the key
	// of the default one replaces it.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Taints      []corev1.Taint    `json:"taints,omitempty"`
	Taint       Taint             `json:"taint"`
	// Capacity of the node; Allocatable is the same when empty.
	Capacity    corev1.ResourceList `json:"capacity"`
	Allocatable corev1.ResourceList `json:"allocatable,omitempty"`
	// InternalIP is where the API server reaches the kubelet API.
	InternalIP string `json:"internalIP,omitempty"`

	ECI  ECI  `json:"eci"`
	Pods Pods `json:"pods"`
	// Permissions says which resources of the account pods may name.
	Permissions request.Permissions `json:"permissions,omitzero"`

	Kubelet Kubelet `json:"kubelet"`
	Kube    Kube    `json:"kube"`
	Sync    Sync    `json:"sync"`
	EIP     EIP     `json:"eip"`
	Log     Log     `json:"log"`
	// LeaderElection lets one of several replicas work at a time.
	LeaderElection LeaderElection `json:"leaderElection"`
	// Prices are those that explain calculates with.
	Prices explain.ListPrices `json:"prices"`
	// MetricsAddress serves /metrics, /healthz and /readyz over HTTP; empty is
	// off.
	MetricsAddress string `json:"metricsAddress"`
	// Profiling serves /debug/pprof/ beside the metrics.
	Profiling bool `json:"profiling,omitempty"`
}

// Taint keeps ordinary pods away from the virtual node.
type Taint struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	Effect   string `json:"effect"`
	Disabled bool   `json:"disabled,omitempty"`
}

// ECI says where container groups go.
type ECI struct {
	Region string `json:"region"`
	// Zone is the zone label of the node; groups run in that of their vSwitch.
	Zone string `json:"zone,omitempty"`
	// VSwitchIDs are tried by ECI in order; at most 10.
	VSwitchIDs      []string `json:"vSwitchIDs"`
	SecurityGroupID string   `json:"securityGroupID"`
	ResourceGroupID string   `json:"resourceGroupID,omitempty"`
	// Endpoint is a host, or a URL; empty is the public one of the region.
	Endpoint string `json:"endpoint,omitempty"`
	// VPCEndpoint is that of VPC, which gives pods their EIP.
	VPCEndpoint string `json:"vpcEndpoint,omitempty"`
	// STSEndpoint is that of STS, which gives the credentials of roles and says
	// who the caller is.
	STSEndpoint string `json:"stsEndpoint,omitempty"`
	// AllowIMDSv1 asks the metadata server for the RAM role of this machine also
	// where it opens no session (IMDSv2).
	AllowIMDSv1 bool `json:"allowIMDSv1,omitempty"`
	// ClusterID keeps the groups of two clusters in one account apart; empty is
	// the UID of the namespace kube-system.
	ClusterID string `json:"clusterID,omitempty"`
	// ClusterDNS and ClusterDomain are given to pods whose dnsPolicy is
	// ClusterFirst.
	ClusterDNS    []string `json:"clusterDNS,omitempty"`
	ClusterDomain string   `json:"clusterDomain"`
	// Tags are put on every group beside our own.
	Tags map[string]string `json:"tags,omitempty"`
	// Timeout bounds one attempt of one call.
	Timeout metav1.Duration `json:"timeout"`
	// Rates replace the documented ones of a new account, by action; 0 per second
	// is no limit of ours.
	Rates map[string]openapi.Rate `json:"rates,omitempty"`
	// BudgetShare is this node's share of all rates, above 0 and at most 1:
	// several nodes of one account share its budget in the region.
	BudgetShare float64 `json:"budgetShare"`
}

// Pods says what pods may ask for where that depends on the account, or on what
// the operator prefers.
type Pods struct {
	// MaxEnvValue is the longest value of an environment variable, in bytes; 0
	// sends any length.
	MaxEnvValue int `json:"maxEnvValue"`
	// HostPathAllowed says that the account may mount paths of the machine of a
	// group.
	HostPathAllowed bool `json:"hostPathAllowed,omitempty"`
	// BandwidthUnit is the unit of the bandwidth limits of this account, bit or
	// byte; empty refuses such limits.
	BandwidthUnit string `json:"bandwidthUnit,omitempty"`
	// Hardening of containers that ECI has no parameter for: warn or refuse.
	Hardening string `json:"hardening"`
	// UpdateFiles sends changed ConfigMaps, Secrets and tokens to running groups;
	// otherwise an event tells of them. Refresh is the time between two looks.
	UpdateFiles bool            `json:"updateFiles,omitempty"`
	Refresh     metav1.Duration `json:"refresh"`
}

// Kubelet is the HTTPS API that serves kubectl logs and exec.
type Kubelet struct {
	Address           string `json:"address,omitempty"`
	Port              int32  `json:"port"`
	TLSCertFile       string `json:"tlsCertFile,omitempty"`
	TLSPrivateKeyFile string `json:"tlsPrivateKeyFile,omitempty"`
	// ServerTLSBootstrap has the cluster sign the certificate, as the kubelet's
	// field of this name.
	ServerTLSBootstrap bool `json:"serverTLSBootstrap,omitempty"`
	// ClientCAFile is the cluster's own when empty.
	ClientCAFile  string `json:"clientCAFile,omitempty"`
	AnonymousAuth bool   `json:"anonymousAuth,omitempty"`
	// Limits bounds what callers can hold and cost.
	Limits vnode.KubeletLimits `json:"limits"`
}

// Kube is how the Kubernetes API is reached.
type Kube struct {
	// Kubeconfig is a file; empty is the pod's own ServiceAccount.
	Kubeconfig string  `json:"kubeconfig,omitempty"`
	QPS        float32 `json:"qps"`
	Burst      int     `json:"burst"`
	// EventQPS is how many events are written a second, beside all else. Events may
	// come late; statuses may not.
	EventQPS int `json:"eventQPS"`
	// Workers is how many pods are worked on at once.
	Workers int `json:"workers"`
}

// Sync is how often the cloud is read.
type Sync struct {
	// Fast is the time between reads while pods come up or go down, Slow while
	// nothing moves, Repair between complete listings.
	Fast   metav1.Duration `json:"fast"`
	Slow   metav1.Duration `json:"slow"`
	Repair metav1.Duration `json:"repair"`
	// OrphanGrace is how long a group without a pod is left alone, LostGrace how
	// long a group must be missing before its pod fails.
	OrphanGrace metav1.Duration `json:"orphanGrace"`
	LostGrace   metav1.Duration `json:"lostGrace"`
	// MassOrphanGrace is OrphanGrace while more than half of several groups have no
	// pod, as after the restore of a cluster from an old backup.
	MassOrphanGrace metav1.Duration `json:"massOrphanGrace"`
}

// EIP is how the public addresses of pods are looked after. The names of the
// last three are those of the network controller of ACK.
type EIP struct {
	// Disabled leaves pods with the EIPs that ECI itself gives a group.
	Disabled bool `json:"disabled,omitempty"`
	// GarbageCollectionPeriodInMinutes is the time between two looks for EIPs
	// without a pod; parts of minutes are allowed.
	GarbageCollectionPeriodInMinutes float64 `json:"garbageCollectionPeriodInMinutes"`
	// MaxConcurrentReconciles is how many pods are given their EIP at once.
	MaxConcurrentReconciles int `json:"maxConcurrentReconciles"`
	// CustomStatefulWorkloadKinds are kinds beside StatefulSet whose pods may
	// keep their EIP.
	CustomStatefulWorkloadKinds []string `json:"customStatefulWorkloadKinds,omitempty"`
}

// LeaderElection is the lease that the replicas of one virtual node share.
type LeaderElection struct {
	Enabled bool `json:"enabled"`
	// Namespace and Name are those of the Lease; the name is eci-vnode- and that
	// of the node when empty.
	Namespace string `json:"namespace"`
	Name      string `json:"name,omitempty"`
	// Identity of this replica: the name of its pod, or made up when empty.
	Identity string `json:"identity,omitempty"`
	// LeaseDuration is how long a standby waits for a silent leader,
	// RenewDeadline how long a leader works on without renewing, RetryPeriod the
	// time between two looks.
	LeaseDuration metav1.Duration `json:"leaseDuration"`
	RenewDeadline metav1.Duration `json:"renewDeadline"`
	RetryPeriod   metav1.Duration `json:"retryPeriod"`
}

// Log is what is written to standard error.
type Log struct {
	// Level is error, warn, info, debug or trace.
	Level string `json:"level"`
	// Format is text or json.
	Format string `json:"format"`
}

// defaultConfig is what an operator gets who sets nothing; the names are those
// of the first ECI provider.
func defaultConfig() Config {
	duration := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	election := leader.DefaultConfig()
	return Config{
		NodeName: "virtual-kubelet",
		Taint:    Taint{Key: "virtual-kubelet.io/provider", Value: providerName, Effect: string(corev1.TaintEffectNoSchedule)},
		Capacity: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("1000"),
			corev1.ResourceMemory: resource.MustParse("4Ti"),
			corev1.ResourcePods:   resource.MustParse("1000"),
		},
		ECI: ECI{ClusterDomain: "cluster.local", Timeout: duration(15 * time.Second), BudgetShare: 1},
		Pods: Pods{
			MaxEnvValue: request.DefaultConfig().MaxEnvValue, Hardening: string(request.HardeningWarn), Refresh: duration(time.Minute),
		},
		Kubelet: Kubelet{Port: 10250, Limits: vnode.DefaultKubeletLimits()},
		Kube:    Kube{QPS: 500, Burst: 1000, EventQPS: provider.DefaultConfig().EventRate, Workers: 50},
		Sync: Sync{
			Fast: duration(500 * time.Millisecond), Slow: duration(provider.DefaultConfig().SlowSync), Repair: duration(2 * time.Minute),
			OrphanGrace: duration(3 * time.Minute), LostGrace: duration(3 * time.Minute),
			MassOrphanGrace: duration(provider.DefaultConfig().MassOrphanGrace),
		},
		EIP: EIP{GarbageCollectionPeriodInMinutes: 1, MaxConcurrentReconciles: 5},
		Log: Log{Level: "info", Format: "text"},
		LeaderElection: LeaderElection{
			Namespace: metav1.NamespaceSystem, LeaseDuration: duration(election.LeaseDuration),
			RenewDeadline: duration(election.RenewDeadline), RetryPeriod: duration(election.RetryPeriod),
		},
		Prices:         explain.DefaultListPrices(),
		MetricsAddress: "",
	}
}

// placeholder marks the values in deploy/ that the operator has to fill in.
const placeholder = "CHANGE ME"

// Validate returns every problem at once, each with its path in the file and
// what to do about it.
func (c *Config) Validate() error {
	var errs field.ErrorList
	require := func(path *field.Path, value, how string) {
		if value == "" || value == placeholder {
			errs = append(errs, field.Required(path, how))
		}
	}
	eciPath := field.NewPath("eci")
	require(eciPath.Child("region"), c.ECI.Region, "set --region or ECI_REGION, such as cn-hangzhou")
	require(eciPath.Child("securityGroupID"), c.ECI.SecurityGroupID, "set --security-group or ECI_SECURITY_GROUP")
	if len(c.ECI.VSwitchIDs) == 0 || slices.Contains(c.ECI.VSwitchIDs, placeholder) {
		errs = append(errs, field.Required(eciPath.Child("vSwitchIDs"), "set --vswitch or ECI_VSWITCH"))
	}
	if len(c.ECI.VSwitchIDs) > 10 {
		errs = append(errs, field.TooMany(eciPath.Child("vSwitchIDs"), len(c.ECI.VSwitchIDs), 10))
	}
	if !(c.ECI.BudgetShare > 0 && c.ECI.BudgetShare <= 1) {
		errs = append(errs, field.Invalid(eciPath.Child("budgetShare"), c.ECI.BudgetShare, "must be above 0 and at most 1"))
	}
	for _, problem := range validation.IsDNS1123Subdomain(c.NodeName) {
		errs = append(errs, field.Invalid(field.NewPath("nodeName"), c.NodeName, problem))
	}
	if c.InternalIP != "" {
		if _, err := netip.ParseAddr(c.InternalIP); err != nil {
			errs = append(errs, field.Invalid(field.NewPath("internalIP"), c.InternalIP, "not an IP address"))
		}
	}
	errs = append(errs, c.Log.validate(field.NewPath("log"))...)
	errs = append(errs, c.Pods.validate(field.NewPath("pods"))...)
	errs = append(errs, c.Permissions.Validate(field.NewPath("permissions"))...)
	for _, problem := range linesOf(c.Prices.Validate()) {
		errs = append(errs, field.Invalid(field.NewPath("prices"), field.OmitValueType{}, problem))
	}
	errs = append(errs, c.EIP.validate(field.NewPath("eip"))...)
	for name, grace := range map[string]time.Duration{
		"orphanGrace": c.Sync.OrphanGrace.Duration, "massOrphanGrace": c.Sync.MassOrphanGrace.Duration, "lostGrace": c.Sync.LostGrace.Duration,
	} {
		if grace <= 0 {
			errs = append(errs, field.Invalid(field.NewPath("sync", name), grace.String(), "must be more than 0, or one list that lags would cost a pod"))
		}
	}
	effects := []string{string(corev1.TaintEffectNoSchedule), string(corev1.TaintEffectNoExecute), string(corev1.TaintEffectPreferNoSchedule)}
	if !c.Taint.Disabled && !slices.Contains(effects, c.Taint.Effect) {
		errs = append(errs, field.NotSupported(field.NewPath("taint", "effect"), c.Taint.Effect, effects))
	}
	if c.LeaderElection.Enabled {
		for _, problem := range linesOf(electionConfig(*c, "somebody").Validate()) {
			name, detail, _ := strings.Cut(problem, ": ")
			errs = append(errs, field.Invalid(field.NewPath("leaderElection", name), field.OmitValueType{}, detail))
		}
	}
	errs = append(errs, c.Kubelet.Limits.Validate(field.NewPath("kubelet", "limits"))...)
	if (c.Kubelet.TLSCertFile == "") != (c.Kubelet.TLSPrivateKeyFile == "") {
		errs = append(errs, field.Invalid(field.NewPath("kubelet", "tlsCertFile"), c.Kubelet.TLSCertFile, "tlsCertFile and tlsPrivateKeyFile go together"))
	}
	return errs.ToAggregate()
}

func (l *Log) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if formats := []string{"text", "json"}; !slices.Contains(formats, l.Format) {
		errs = append(errs, field.NotSupported(path.Child("format"), l.Format, formats))
	}
	if levels := []string{"error", "warn", "info", "debug", "trace"}; !slices.Contains(levels, l.Level) {
		errs = append(errs, field.NotSupported(path.Child("level"), l.Level, levels))
	}
	return errs
}

func (p *Pods) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if p.MaxEnvValue < 0 {
		errs = append(errs, field.Invalid(path.Child("maxEnvValue"), p.MaxEnvValue, "must not be negative"))
	}
	if p.Refresh.Duration <= 0 {
		errs = append(errs, field.Invalid(path.Child("refresh"), p.Refresh.Duration.String(), "must be more than 0"))
	}
	for name, given := range map[string]struct {
		value string
		of    []string
	}{
		"bandwidthUnit": {p.BandwidthUnit, []string{"", request.BandwidthBits, request.BandwidthBytes}},
		"hardening":     {p.Hardening, []string{string(request.HardeningWarn), string(request.HardeningRefuse)}},
	} {
		if !slices.Contains(given.of, given.value) {
			errs = append(errs, field.NotSupported(path.Child(name), given.value, given.of))
		}
	}
	return errs
}

func (e *EIP) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if e.GarbageCollectionPeriodInMinutes <= 0 {
		errs = append(errs, field.Invalid(path.Child("garbageCollectionPeriodInMinutes"), e.GarbageCollectionPeriodInMinutes, "must be more than 0"))
	}
	if e.MaxConcurrentReconciles < 1 {
		errs = append(errs, field.Invalid(path.Child("maxConcurrentReconciles"), e.MaxConcurrentReconciles, "must be at least 1"))
	}
	return errs
}
