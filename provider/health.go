package provider

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Node conditions that tell what the cloud refuses. True means trouble.
const (
	ConditionCredentials corev1.NodeConditionType = "ECICredentialsRejected"
	ConditionThrottled   corev1.NodeConditionType = "ECIThrottled"
	ConditionQuota       corev1.NodeConditionType = "ECIQuotaExhausted"
	ConditionNoStock     corev1.NodeConditionType = "ECINoStock"
	ConditionUnreachable corev1.NodeConditionType = "ECIUnreachable"
	ConditionVanished    corev1.NodeConditionType = "ECIListingSuspect"
)

// troubleMemory is how long a trouble stays on the node when nothing has proved
// it over.
const troubleMemory = 5 * time.Minute

// trouble is the latest refusal of one kind.
type trouble struct {
	at      time.Time
	reason  string
	message string
}

// watchedCloud passes calls on and remembers what the cloud refused, for the
// conditions of the node.
type watchedCloud struct {
	cloud Cloud
	clock clock.PassiveClock

	mu       sync.Mutex
	troubles map[corev1.NodeConditionType]trouble
}

func newWatchedCloud(cloud Cloud, clock clock.PassiveClock) *watchedCloud {
	return &watchedCloud{cloud: cloud, clock: clock, troubles: map[corev1.NodeConditionType]trouble{}}
}

// watched makes one call and notes its outcome.
func watched[Req, Resp any](ctx context.Context, w *watchedCloud, call func(context.Context, *Req) (*Resp, error), req *Req, created bool) (*Resp, error) {
	resp, err := call(ctx, req)
	if ctx.Err() == nil && !errors.Is(err, eci.ErrNoBudget) {
		w.note(err, created)
	}
	return resp, err
}

// note files err under the condition it stands for. Any answer proves that the
// cloud is reachable, success that the credentials are good, and a group made
// that there is stock and quota.
func (w *watchedCloud) note(err error, created bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code := eci.CodeOf(err); err == nil || code != "" {
		delete(w.troubles, ConditionUnreachable)
	}
	if err == nil {
		delete(w.troubles, ConditionCredentials)
		if created {
			delete(w.troubles, ConditionNoStock)
			delete(w.troubles, ConditionQuota)
		}
		return
	}
	if kind := kindOf(err); kind != "" {
		reason := eci.CodeOf(err)
		if reason == "" {
			reason = "NoAnswer"
		}
		w.troubles[kind] = trouble{at: w.clock.Now(), reason: reason, message: err.Error()}
	}
}

func kindOf(err error) corev1.NodeConditionType {
	switch {
	case eci.IsAuth(err):
		return ConditionCredentials
	case eci.IsThrottled(err):
		return ConditionThrottled
	case eci.IsQuotaExceeded(err):
		return ConditionQuota
	case eci.IsNoStock(err):
		return ConditionNoStock
	case eci.CodeOf(err) == "":
		return ConditionUnreachable
	}
	return ""
}

// noteVanished files, or clears, that every group is missing from a listing.
func (w *watchedCloud) noteVanished(vanished bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.troubles, ConditionVanished)
	if vanished {
		w.troubles[ConditionVanished] = trouble{at: w.clock.Now(), reason: "EverythingMissing",
			message: "the listing of container groups is empty although groups are known: is the RAM permission eci:DescribeContainerGroups there?"}
	}
}

// conditions returns one condition of each kind; transition times are the
// caller's to keep.
func (w *watchedCloud) conditions() []corev1.NodeCondition {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.Now()
	var out []corev1.NodeCondition
	for _, kind := range []corev1.NodeConditionType{
		ConditionCredentials, ConditionThrottled, ConditionQuota, ConditionNoStock, ConditionUnreachable, ConditionVanished,
	} {
		c := corev1.NodeCondition{Type: kind, Status: corev1.ConditionFalse, Reason: "AsExpected", LastHeartbeatTime: metav1.NewTime(now)}
		if t, bad := w.troubles[kind]; bad && (now.Sub(t.at) < troubleMemory || kind == ConditionVanished) {
			c.Status, c.Reason, c.Message = corev1.ConditionTrue, t.reason, t.message
		}
		out = append(out, c)
	}
	return out
}

// NodeConditions tells what the cloud refuses at present: credentials,
// throttling, quota, stock, reachability.
func (p *Provider) NodeConditions(context.Context) []corev1.NodeCondition {
	return p.cloud.conditions()
}

func (w *watchedCloud) CreateContainerGroup(ctx context.Context, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	return watched(ctx, w, w.cloud.CreateContainerGroup, req, true)
}

func (w *watchedCloud) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	return watched(ctx, w, w.cloud.DeleteContainerGroup, req, false)
}

func (w *watchedCloud) UpdateContainerGroup(ctx context.Context, req *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error) {
	return watched(ctx, w, w.cloud.UpdateContainerGroup, req, false)
}

func (w *watchedCloud) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	return watched(ctx, w, w.cloud.DescribeContainerGroups, req, false)
}

func (w *watchedCloud) DescribeContainerGroupStatus(ctx context.Context, req *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error) {
	return watched(ctx, w, w.cloud.DescribeContainerGroupStatus, req, false)
}

func (w *watchedCloud) DescribeContainerGroupEvents(ctx context.Context, req *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error) {
	return watched(ctx, w, w.cloud.DescribeContainerGroupEvents, req, false)
}

func (w *watchedCloud) DescribeContainerLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return watched(ctx, w, w.cloud.DescribeContainerLog, req, false)
}

func (w *watchedCloud) ExecContainerCommand(ctx context.Context, req *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	return watched(ctx, w, w.cloud.ExecContainerCommand, req, false)
}

func (w *watchedCloud) DescribeMultiContainerGroupMetric(ctx context.Context, req *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	return watched(ctx, w, w.cloud.DescribeMultiContainerGroupMetric, req, false)
}

func (w *watchedCloud) DescribeImageCaches(ctx context.Context, req *eci.DescribeImageCachesRequest) (*eci.DescribeImageCachesResponse, error) {
	return watched(ctx, w, w.cloud.DescribeImageCaches, req, false)
}
