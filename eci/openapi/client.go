package openapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxIdleConns keeps that many connections open for the next burst; with HTTP/2
// one would do.
const maxIdleConns = 64

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// Client calls the OpenAPI. It is safe for many goroutines and starts none.
type Client struct {
	cfg      Config
	products products
	deps     Deps
	http     *http.Client
	budgets  map[string]*budget
	measured *metrics
	seen     *seenStates
	answers  sync.Pool // of *bytes.Buffer
}

// New checks cfg and returns a client. It talks to nobody.
func New(cfg Config, deps Deps) (*Client, error) {
	err := cfg.Validate()
	if deps.Credentials == nil {
		err = errors.Join(err, errors.New("credentials: required"))
	}
	if err != nil {
		return nil, fmt.Errorf("openapi client: %w", err)
	}
	products, err := resolveProducts(cfg)
	if err != nil {
		return nil, fmt.Errorf("openapi client: %w", err)
	}
	if deps.Clock == nil {
		deps.Clock = wallClock{}
	}
	measured := newMetrics()
	if deps.Registry != nil {
		if err := measured.register(deps.Registry); err != nil {
			return nil, fmt.Errorf("openapi client: %w", err)
		}
	}
	c := &Client{cfg: cfg, products: products, deps: deps, http: newHTTPClient(deps.HTTPClient), measured: measured, seen: newSeenStates(),
		answers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	c.budgets = make(map[string]*budget, len(cfg.Rates))
	for action, full := range cfg.Rates {
		c.budgets[action] = newBudget(full, measured.rate.WithLabelValues(action), measured.waiting.WithLabelValues(action))
	}
	return c, nil
}

// Close lets go of the idle connections; calls under way are not cut.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// newHTTPClient never follows a redirect: one would carry the signed body, and
// the secrets in it, to another host.
func newHTTPClient(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	} else {
		client.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        maxIdleConns,
			MaxIdleConnsPerHost: maxIdleConns,
			IdleConnTimeout:     90 * time.Second,

			MaxResponseHeaderBytes: maxHeader,
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// invoke runs one call and returns its answer, nil with an error.
func invoke[Response any](ctx context.Context, c *Client, action string, req any) (*Response, error) {
	resp := new(Response)
	if err := c.call(ctx, action, req, resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// request encodes req and names the region when it does not.
func (c *Client) request(req any) (parameters, error) {
	params, err := encode(req)
	if err != nil {
		return params, err
	}
	params.values["RegionId"] = cmp.Or(params.values["RegionId"], c.cfg.Region)
	return params, nil
}

// CreateContainerGroup makes a group. Without a ClientToken it is not sent again
// once it may have reached the cloud.
func (c *Client) CreateContainerGroup(ctx context.Context, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	return invoke[eci.CreateContainerGroupResponse](ctx, c, eci.ActionCreateContainerGroup, req)
}

// DeleteContainerGroup ends a group.
func (c *Client) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	return invoke[eci.DeleteContainerGroupResponse](ctx, c, eci.ActionDeleteContainerGroup, req)
}

// UpdateContainerGroup changes a group.
func (c *Client) UpdateContainerGroup(ctx context.Context, req *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error) {
	return invoke[eci.UpdateContainerGroupResponse](ctx, c, eci.ActionUpdateContainerGroup, req)
}

// RestartContainerGroup restarts the containers of a group.
func (c *Client) RestartContainerGroup(ctx context.Context, req *eci.RestartContainerGroupRequest) (*eci.RestartContainerGroupResponse, error) {
	return invoke[eci.RestartContainerGroupResponse](ctx, c, eci.ActionRestartContainerGroup, req)
}

// DescribeContainerGroups reads one page of groups in full.
func (c *Client) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	return invoke[eci.DescribeContainerGroupsResponse](ctx, c, eci.ActionDescribeContainerGroups, req)
}

// DescribeContainerGroupStatus reads one page of states.
func (c *Client) DescribeContainerGroupStatus(ctx context.Context, req *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error) {
	return invoke[eci.DescribeContainerGroupStatusResponse](ctx, c, eci.ActionDescribeContainerGroupStatus, req)
}

// DescribeContainerGroupEvents reads the newest events of groups.
func (c *Client) DescribeContainerGroupEvents(ctx context.Context, req *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error) {
	return invoke[eci.DescribeContainerGroupEventsResponse](ctx, c, eci.ActionDescribeContainerGroupEvents, req)
}

// DescribeContainerLog reads the log of one container, once.
func (c *Client) DescribeContainerLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return invoke[eci.DescribeContainerLogResponse](ctx, c, eci.ActionDescribeContainerLog, req)
}

// ExecContainerCommand announces a command, or with Sync runs it. The stream of
// an announced one is opened with eci/execstream.
func (c *Client) ExecContainerCommand(ctx context.Context, req *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	return invoke[eci.ExecContainerCommandResponse](ctx, c, eci.ActionExecContainerCommand, req)
}

// DescribeMultiContainerGroupMetric reads the newest usage of groups.
func (c *Client) DescribeMultiContainerGroupMetric(ctx context.Context, req *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	return invoke[eci.DescribeMultiContainerGroupMetricResponse](ctx, c, eci.ActionDescribeMultiContainerGroupMetric, req)
}

// DescribeRegions lists the regions and their zones.
func (c *Client) DescribeRegions(ctx context.Context, req *eci.DescribeRegionsRequest) (*eci.DescribeRegionsResponse, error) {
	return invoke[eci.DescribeRegionsResponse](ctx, c, eci.ActionDescribeRegions, req)
}

// DescribeImageCaches reads one page of image caches.
func (c *Client) DescribeImageCaches(ctx context.Context, req *eci.DescribeImageCachesRequest) (*eci.DescribeImageCachesResponse, error) {
	return invoke[eci.DescribeImageCachesResponse](ctx, c, eci.ActionDescribeImageCaches, req)
}

// ListUsage reads the quotas of the account.
func (c *Client) ListUsage(ctx context.Context, req *eci.ListUsageRequest) (*eci.ListUsageResponse, error) {
	return invoke[eci.ListUsageResponse](ctx, c, eci.ActionListUsage, req)
}

// DescribeContainerGroupPrice asks what a size costs.
func (c *Client) DescribeContainerGroupPrice(ctx context.Context, req *eci.DescribeContainerGroupPriceRequest) (*eci.DescribeContainerGroupPriceResponse, error) {
	return invoke[eci.DescribeContainerGroupPriceResponse](ctx, c, eci.ActionDescribeContainerGroupPrice, req)
}
