package provider

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// GetContainerLogs returns the log of a container. ECI gives at most
// eci.MaxLogLines lines and eci.MaxLogBytes bytes of it, the newest; with
// opts.Follow the reader goes on until the container has ended or is closed.
func (p *Provider) GetContainerLogs(ctx context.Context, namespace, podName, containerName string, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	e, ok := p.store.named(namespace, podName)
	if !ok {
		return nil, notFound(namespace, podName)
	}
	if e.groupID == "" {
		return nil, errdefs.NotFoundf("pod %s/%s has no container group yet, so no log", namespace, podName)
	}
	if opts.Follow {
		return p.follow(ctx, e, containerName, opts), nil
	}
	content, err := p.readLog(ctx, logRequest(e.groupID, containerName, opts))
	if err != nil {
		return nil, fmt.Errorf("log of container %s of pod %s/%s: %w", containerName, namespace, podName, err)
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

func (p *Provider) readLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (string, error) {
	resp, err := p.cloud.DescribeContainerLog(ctx, req)
	if err != nil {
		return "", err
	}
	if resp.Content != "" && !strings.HasSuffix(resp.Content, "\n") {
		resp.Content += "\n"
	}
	return resp.Content, nil
}

// logRequest turns kubectl's wishes into ECI's. Without --tail everything that
// the cloud still gives is asked for; ECI's own default would be 500 lines.
func logRequest(groupID, container string, opts api.ContainerLogOpts) *eci.DescribeContainerLogRequest {
	req := &eci.DescribeContainerLogRequest{
		ContainerGroupID: groupID,
		ContainerName:    container,
		Tail:             eci.MaxLogLines,
		SinceSeconds:     int32(min(opts.SinceSeconds, math.MaxInt32)),
	}
	if opts.Tail > 0 {
		req.Tail = int32(min(opts.Tail, eci.MaxLogLines))
	}
	if opts.LimitBytes > 0 {
		req.LimitBytes = int64(min(opts.LimitBytes, eci.MaxLogBytes))
	}
	if !opts.SinceTime.IsZero() {
		req.StartTime = opts.SinceTime.UTC().Format(time.RFC3339)
	}
	if opts.Timestamps {
		req.Timestamps = ptr.To(true)
	}
	if opts.Previous {
		req.LastTime = ptr.To(true)
	}
	return req
}
