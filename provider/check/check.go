package check

import (
	"context"

	"k8s.io/client-go/kubernetes"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Cloud is what the checks ask of ECI; eci/openapi's client is one.
type Cloud interface {
	DescribeRegions(context.Context, *eci.DescribeRegionsRequest) (*eci.DescribeRegionsResponse, error)
	ListUsage(context.Context, *eci.ListUsageRequest) (*eci.ListUsageResponse, error)
	CreateContainerGroup(context.Context, *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error)
	DeleteContainerGroup(context.Context, *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error)
	UpdateContainerGroup(context.Context, *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error)
	DescribeContainerGroups(context.Context, *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error)
	DescribeContainerGroupStatus(context.Context, *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error)
	DescribeContainerGroupEvents(context.Context, *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error)
	DescribeContainerLog(context.Context, *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error)
	ExecContainerCommand(context.Context, *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error)
	DescribeMultiContainerGroupMetric(context.Context, *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error)
}

// Config is the node that is to run.
type Config struct {
	Region          string
	VSwitchIDs      []string
	SecurityGroupID string
	ResourceGroupID string
	NodeName        string
	// ClusterID is empty where the UID of kube-system is to be read.
	ClusterID string
	// Lease is that of the leader; empty is no election.
	Lease Lease
	// SignedCertificate says that the cluster signs the serving certificate.
	SignedCertificate bool
}

// Lease names a Lease.
type Lease struct{ Namespace, Name string }

// Deps are what is asked; an area whose dependency is nil is left out.
type Deps struct {
	Cloud Cloud
	// Identity tells whose credentials Cloud uses; nil is not told.
	Identity func(context.Context) Identity
	Kube     kubernetes.Interface
}

// Identity is who calls the cloud.
type Identity struct {
	// Place is where the credentials come from, Unused are places that are
	// configured as well.
	Place  string
	Unused []string
	// Caller is the cloud's answer, empty with an Err.
	Caller string
	Err    error
}

// Run makes all checks. It stops early in an area whose first check fails: the
// others would only fail for the same reason.
func Run(ctx context.Context, cfg Config, deps Deps) Report {
	report := Report{Findings: []Finding{}}
	used := usedGroups{}
	if deps.Kube != nil {
		c := clusterChecks{book: book{area: "cluster"}, cfg: cfg, kube: deps.Kube}
		used = c.run(ctx)
		report.Findings = append(report.Findings, c.findings...)
	}
	if deps.Cloud != nil {
		c := cloudChecks{book: book{area: "cloud"}, cfg: cfg, cloud: deps.Cloud, identity: deps.Identity, used: used}
		c.run(ctx)
		report.Findings = append(report.Findings, c.findings...)
	}
	return report
}

// usedGroups are those that the pods of the node name, while they run.
type usedGroups []string
