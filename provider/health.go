package provider

import (
	"context"
	"errors"
	"slices"
	"strings"
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
	ConditionOrphansHeld corev1.NodeConditionType = "ECIOrphansHeld"
)

// memoryOf is how long a trouble stays on the node when nothing has proved it over.
// It is longer than the longest pause between two tries of what met it, or the
// condition would come and go with every try.
func memoryOf(key troubleKey) time.Duration {
	switch {
	case key.kind == ConditionCredentials:
		return time.Hour // what is forbidden fails its pods, and may not be tried again for long
	case key.kind == ConditionUnreachable && strings.HasPrefix(key.action, "Describe"):
		return time.Minute // made every few seconds, or when a user asks
	}
	return 2 * maxRetry
}

// troubleKey tells troubles apart: one action may be forbidden while another
// succeeds. Actions are those that watchedCloud calls, so that there are few keys.
type troubleKey struct {
	kind   corev1.NodeConditionType
	action string
}

// identityKey is the action of a trouble with the credentials themselves, which
// every call meets.
const identityKey = ""

// trouble is a refusal that has not been proved over.
type trouble struct {
	at      time.Time // of the latest
	reason  string
	message string
}

// watchedCloud passes calls on and remembers what the cloud refused, for the
// conditions of the node.
type watchedCloud struct {
	cloud Cloud
	clock clock.PassiveClock

	mu       sync.Mutex
	troubles map[troubleKey]trouble
}

func newWatchedCloud(cloud Cloud, clock clock.PassiveClock) *watchedCloud {
	return &watchedCloud{cloud: cloud, clock: clock, troubles: map[troubleKey]trouble{}}
}

// watched makes one call and notes its outcome.
func watched[Req, Resp any](ctx context.Context, w *watchedCloud, action string, call func(context.Context, *Req) (*Resp, error), req *Req) (*Resp, error) {
	resp, err := call(ctx, req)
	if ctx.Err() == nil && !errors.Is(err, eci.ErrNoBudget) {
		w.note(action, err)
	}
	return resp, err
}

// note files err under the condition and the action that it stands for, and clears
// what the answer proves to be over: for this action, that it is answered, and that
// it is permitted; for all of them, that the credentials are good. Shortages and
// throttling end by time alone: that one group was made says nothing of the stock
// for another.
func (w *watchedCloud) note(action string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil || eci.CodeOf(err) != "" {
		delete(w.troubles, troubleKey{ConditionUnreachable, action})
	}
	if isPermitted(err) {
		delete(w.troubles, troubleKey{ConditionCredentials, action})
	}
	if isPermitted(err) || eci.IsForbidden(err) {
		delete(w.troubles, troubleKey{ConditionCredentials, identityKey})
	}
	kind := kindOf(err)
	if kind == "" {
		return
	}
	key := troubleKey{kind, action}
	if eci.IsIdentity(err) {
		key.action = identityKey
	}
	now := newTrouble(err, w.clock.Now())
	if before, had := w.troubles[key]; had && before.reason == now.reason {
		now.message = before.message // the numbers in it change with every call, and the node would with them
	}
	w.troubles[key] = now
}

// isPermitted reports whether the cloud has looked at what a call asks for, so that
// it has accepted the caller and its right to ask.
func isPermitted(err error) bool {
	var refusal *eci.Error
	return err == nil || errors.As(err, &refusal) && refusal.HTTPStatus < 500 && !eci.IsBeforeToken(err)
}

// newTrouble describes err without its request ID, which is another with every call.
func newTrouble(err error, now time.Time) trouble {
	var refusal *eci.Error
	if errors.As(err, &refusal) {
		return trouble{at: now, reason: refusal.Code, message: refusal.Code + ": " + refusal.Message}
	}
	return trouble{at: now, reason: "NoAnswer", message: err.Error()}
}

func kindOf(err error) corev1.NodeConditionType {
	switch {
	case err == nil:
		return ""
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
	w.set(ConditionVanished, vanished, trouble{reason: "EverythingMissing",
		message: "the listing of container groups is empty although groups are known: is the RAM permission eci:DescribeContainerGroups there?"})
}

// noteHeld files, or clears, that orphans are left alone because they are too many.
func (w *watchedCloud) noteHeld(held bool, message string) {
	w.set(ConditionOrphansHeld, held, trouble{reason: "TooManyOrphans", message: message})
}

// set files or clears a trouble that no call has met, and that stays until it is
// cleared.
func (w *watchedCloud) set(kind corev1.NodeConditionType, bad bool, t trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.troubles, troubleKey{kind: kind})
	if bad {
		t.at = w.clock.Now()
		w.troubles[troubleKey{kind: kind}] = t
	}
}

// conditions returns one condition of each kind; transition times are the
// caller's to keep.
func (w *watchedCloud) conditions() []corev1.NodeCondition {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []corev1.NodeCondition
	for _, kind := range []corev1.NodeConditionType{
		ConditionCredentials, ConditionThrottled, ConditionQuota, ConditionNoStock, ConditionUnreachable, ConditionVanished, ConditionOrphansHeld,
	} {
		out = append(out, w.condition(kind))
	}
	return out
}

// condition is the condition of one kind, with the troubles of all actions in its
// message; the reason is that of the first. The lock is held.
func (w *watchedCloud) condition(kind corev1.NodeConditionType) corev1.NodeCondition {
	now := w.clock.Now()
	c := corev1.NodeCondition{Type: kind, Status: corev1.ConditionFalse, Reason: "AsExpected", LastHeartbeatTime: metav1.NewTime(now)}
	var actions []string
	for key, t := range w.troubles {
		if key.kind == kind && (isLasting(kind) || now.Sub(t.at) < memoryOf(key)) {
			actions = append(actions, key.action)
		}
	}
	slices.Sort(actions) // the credentials themselves come first
	var messages []string
	for i, action := range actions {
		t := w.troubles[troubleKey{kind, action}]
		if i == 0 {
			c.Status, c.Reason = corev1.ConditionTrue, t.reason
		}
		messages = append(messages, strings.TrimPrefix(action+": "+t.message, ": "))
	}
	c.Message = strings.Join(messages, "; ")
	return c
}

// isLasting reports whether a trouble is found by the node itself, which clears it.
func isLasting(kind corev1.NodeConditionType) bool {
	return kind == ConditionVanished || kind == ConditionOrphansHeld
}

// NodeConditions tells what the cloud refuses at present: credentials,
// throttling, quota, stock, reachability.
func (p *Provider) NodeConditions(context.Context) []corev1.NodeCondition {
	return p.cloud.conditions()
}

func (w *watchedCloud) CreateContainerGroup(ctx context.Context, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	return watched(ctx, w, eci.ActionCreateContainerGroup, w.cloud.CreateContainerGroup, req)
}

func (w *watchedCloud) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	return watched(ctx, w, eci.ActionDeleteContainerGroup, w.cloud.DeleteContainerGroup, req)
}

func (w *watchedCloud) UpdateContainerGroup(ctx context.Context, req *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, error) {
	return watched(ctx, w, eci.ActionUpdateContainerGroup, w.cloud.UpdateContainerGroup, req)
}

func (w *watchedCloud) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	return watched(ctx, w, eci.ActionDescribeContainerGroups, w.cloud.DescribeContainerGroups, req)
}

func (w *watchedCloud) DescribeContainerGroupStatus(ctx context.Context, req *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, error) {
	return watched(ctx, w, eci.ActionDescribeContainerGroupStatus, w.cloud.DescribeContainerGroupStatus, req)
}

func (w *watchedCloud) DescribeContainerGroupEvents(ctx context.Context, req *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, error) {
	return watched(ctx, w, eci.ActionDescribeContainerGroupEvents, w.cloud.DescribeContainerGroupEvents, req)
}

func (w *watchedCloud) DescribeContainerLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return watched(ctx, w, eci.ActionDescribeContainerLog, w.cloud.DescribeContainerLog, req)
}

func (w *watchedCloud) ExecContainerCommand(ctx context.Context, req *eci.ExecContainerCommandRequest) (*eci.ExecContainerCommandResponse, error) {
	return watched(ctx, w, eci.ActionExecContainerCommand, w.cloud.ExecContainerCommand, req)
}

func (w *watchedCloud) DescribeMultiContainerGroupMetric(ctx context.Context, req *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	return watched(ctx, w, eci.ActionDescribeMultiContainerGroupMetric, w.cloud.DescribeMultiContainerGroupMetric, req)
}

func (w *watchedCloud) DescribeImageCaches(ctx context.Context, req *eci.DescribeImageCachesRequest) (*eci.DescribeImageCachesResponse, error) {
	return watched(ctx, w, eci.ActionDescribeImageCaches, w.cloud.DescribeImageCaches, req)
}
