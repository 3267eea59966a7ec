package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Client is what the suite drives. A refusal by the cloud is a *eci.Error.
type Client interface {
	CreateContainerGroup(context.Context, *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error)
	DeleteContainerGroup(context.Context, *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error)
	UpdateContainerGroup(context.Context, *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error)
	RestartContainerGroup(context.Context, *eci.RestartContainerGroupRequest) (*eci.RestartContainerGroupResponse, error)
	DescribeContainerGroups(context.Context, *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error)
	DescribeContainerGroupStatus(context.Context, *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error)
	DescribeContainerGroupEvents(context.Context, *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error)
	DescribeContainerLog(context.Context, *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error)
	ExecContainerCommand(context.Context, *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error)
	DescribeMultiContainerGroupMetric(context.Context, *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error)
	DescribeRegions(context.Context, *eci.DescribeRegionsRequest) (*eci.DescribeRegionsResponse, error)
	ListUsage(context.Context, *eci.ListUsageRequest) (*eci.ListUsageResponse, error)
	DescribeContainerGroupPrice(context.Context, *eci.DescribeContainerGroupPriceRequest) (*eci.DescribeContainerGroupPriceResponse, error)
}

// Target is a cloud, or what plays one, and a Client of it.
type Target struct {
	Client          Client
	Region          string
	VSwitchID       string
	SecurityGroupID string
	// Image has sh, sleep and echo, and can be pulled from the vSwitch.
	Image string
	// Timeout bounds each wait for a condition.
	Timeout time.Duration
	// Poll is the pause between two looks at a condition.
	Poll time.Duration
}

func (target Target) validate() error {
	var errs []error
	for field, missing := range map[string]bool{
		"Client": target.Client == nil, "Region": target.Region == "", "VSwitchID": target.VSwitchID == "",
		"SecurityGroupID": target.SecurityGroupID == "", "Image": target.Image == "",
		"Timeout": target.Timeout <= 0, "Poll": target.Poll <= 0,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("target: %s is required", field))
		}
	}
	return errors.Join(errs...)
}

// Run holds the target to the contract: one subtest per sentence, side by side.
// It returns when all have ended and every group that they made is deleted.
func Run(t *testing.T, target Target) {
	t.Helper()
	if err := target.validate(); err != nil {
		t.Fatal(err)
	}
	s := newSuite(target)
	// The outer subtest waits for the parallel ones, so that a server that the
	// caller closes after Run is not closed under them.
	t.Run("cloud", func(t *testing.T) {
		t.Cleanup(func() { s.sweep(t) })
		for _, part := range [][]contract{
			createContracts, refusalContracts, lifecycleContracts, describeContracts, statusContracts,
			eventContracts, logContracts, execContracts, changeContracts, deleteContracts, accountContracts,
		} {
			for _, c := range part {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.holds(t, s)
				})
			}
		}
	})
}

// contract is one sentence and what proves it.
type contract struct {
	name  string
	holds func(t *testing.T, s *suite)
}
