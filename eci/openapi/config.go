package openapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Config holds the settings of a Client.
type Config struct {
	// Region is the region id, such as cn-hangzhou; sent with every call.
	Region string
	// Endpoint is a host (HTTPS) or a URL with scheme; http:// is accepted for
	// loopback hosts only. Empty is the public endpoint of the region.
	Endpoint string
	// VPCEndpoint and ECSEndpoint are those of the two other products; empty is
	// the public one of the region, or Endpoint where that is on loopback.
	VPCEndpoint, ECSEndpoint string
	// Timeout bounds one attempt, from connect to the last byte of the answer.
	Timeout time.Duration
	// MaxAttempts bounds how often one call is sent; 1 is no retry.
	MaxAttempts int
	// Rates are the budgets by action; an action without one is not limited.
	Rates map[string]Rate
	// UserAgent names the program to the cloud's support.
	UserAgent string
}

// Rate is the budget of one action.
type Rate struct {
	// PerSecond is the lasting rate in calls per second.
	PerSecond float64 `json:"perSecond"`
	// Burst is how many calls may leave at once.
	Burst int `json:"burst"`
}

// Deps are what a Client works with.
type Deps struct {
	// Credentials is required.
	Credentials Credentials
	// HTTPClient sends; nil is a client of our own with pooled connections. It
	// is copied, and redirects are never followed.
	HTTPClient *http.Client
	// Clock is the time of signatures, budgets and backoff; nil is the wall
	// clock.
	Clock Clock
	// Registry takes the metrics; nil is none.
	Registry prometheus.Registerer
	// Observe, if set, is told of every attempt, on the caller's goroutine and
	// before the call returns.
	Observe func(Attempt)
}

// DefaultConfig returns the settings for a region: its public endpoint, and the
// rates that an account has by default.
func DefaultConfig(region string) Config {
	return Config{
		Region: region,
		// The server itself needs a few seconds for a create; log answers are
		// up to 1 MB.
		Timeout:     15 * time.Second,
		MaxAttempts: 4,
		Rates:       DefaultRates(),
		UserAgent:   "eci-vnode",
	}
}

// The documented bucket of creates and that of deletes. The page on limits of
// today (product-overview/limits) has this bucket; an older one, and the API
// reference, say 1,000 calls a minute. An account that is still held to that
// answers Throttling, which halves the budget; see learn.
const (
	writesPerSecond = 20
	writesBurst     = 100
	// writesSlack is kept back of the burst: the cloud counts when a call
	// arrives, and one that was long on its way shortens the pause to the next.
	// Two calls allow for 100 ms.
	writesSlack = 2
)

// DefaultRates returns the documented budget of an account. Creates and deletes
// have a bucket; of the others calls per minute are documented, which are taken
// as a lasting rate and one tenth of a minute as burst: the window's shape is not
// documented, so the bucket never asks for more than a fixed minute allows.
// Source: product limits; the four actions without a documented limit get the
// lowest documented rate of a read, and UnassociateEipAddress that of its
// opposite. The other actions of VPC have none.
func DefaultRates() map[string]Rate {
	writes := Rate{PerSecond: writesPerSecond, Burst: writesBurst - writesSlack}
	rates := map[string]Rate{eci.ActionCreateContainerGroup: writes, eci.ActionDeleteContainerGroup: writes}
	for action, perMinute := range map[string]int{
		eci.ActionDescribeContainerGroups:           2000,
		eci.ActionDescribeContainerGroupPrice:       1000,
		eci.ActionDescribeContainerLog:              500,
		eci.ActionExecContainerCommand:              500,
		eci.ActionRestartContainerGroup:             500,
		eci.ActionUpdateContainerGroup:              500,
		eci.ActionDescribeMultiContainerGroupMetric: 500,
		eci.ActionDescribeContainerGroupStatus:      500,
		eci.ActionDescribeContainerGroupEvents:      500,
		eci.ActionListUsage:                         500,
		eci.ActionDescribeRegions:                   500,
		eci.ActionDescribeImageCaches:               500,

		vpc.ActionAllocateEipAddress:    120,
		vpc.ActionAllocateEipAddressPro: 120,
		vpc.ActionAssociateEipAddress:   120,
		vpc.ActionUnassociateEipAddress: 120,
		vpc.ActionDescribeEipAddresses:  600,
		vpc.ActionReleaseEipAddress:     600,
	} {
		burst := perMinute / 10
		rates[action] = Rate{PerSecond: float64(perMinute-burst) / 60, Burst: burst}
	}
	return rates
}

// Validate returns all that is wrong, each with its field path.
func (c Config) Validate() error {
	var errs []error
	if c.Region == "" {
		errs = append(errs, errors.New("region: required"))
	}
	if _, err := resolveProducts(c); err != nil {
		errs = append(errs, err)
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout: %s is not above 0", c.Timeout))
	}
	if c.MaxAttempts < 1 {
		errs = append(errs, fmt.Errorf("maxAttempts: %d is below 1", c.MaxAttempts))
	}
	for _, action := range slices.Sorted(maps.Keys(c.Rates)) {
		if r := c.Rates[action]; r.PerSecond <= 0 || r.Burst < 1 {
			errs = append(errs, fmt.Errorf("rates[%s]: perSecond must be above 0 and burst at least 1", action))
		}
	}
	return errors.Join(errs...)
}
