package provider

import (
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// createTries is after how many groups that could not be made a pod with
// pod-fail-on-create-err fails.
const createTries = 3

// tagDegraded marks a group that was wanted on spot and is paid as it goes, so
// that this is known after a restart too.
const tagDegraded = "eci-vnode/spot-degraded"

// refused shows why a pod has no group, and says whether the pod was given up
// for it. A pod whose annotations ask for nothing waits and is tried again.
func (p *Provider) refused(ctx context.Context, uid types.UID, err error) (gaveUp bool) {
	var refusal *eci.Error
	e, ok := p.store.get(uid)
	if !ok || e.stage != stageNew || !errors.As(err, &refusal) || !eci.IsRetryable(err) {
		return false
	}
	no := eci.ContainerGroup{Status: eci.StatusScheduleFailed, Events: []eci.GroupEvent{
		{Type: corev1.EventTypeWarning, Reason: refusalReason(err), Message: refusal.Message},
	}}
	if eci.IsNoStock(err) || eci.IsQuotaExceeded(err) {
		if remembered := (*scarceError)(nil); !errors.As(err, &remembered) {
			p.store.update(uid, func(e *entry) { e.tries++ })
		}
		policy, err := p.createPolicy(ctx, e)
		if err == nil && p.giveUp(ctx, uid, policy, &no) {
			return true
		}
	}
	p.store.update(uid, func(e *entry) {
		if e.stage == stageNew && !e.gaveUp {
			waiting := status.Unscheduled(e.render(), no)
			e.status = &waiting
		}
	})
	p.tell(uid)
	return false
}

// refusalReason is the reason of the condition ContainerInstanceCreated that
// stands for a refused create.
func refusalReason(err error) string {
	switch {
	case eci.CodeOf(err) == eci.CodeZoneNotOnSale:
		return "StockClose"
	case eci.IsNoStock(err) && eci.CodeOf(err) != eci.CodeIPNotEnough:
		return "NoStock"
	case eci.IsThrottled(err):
		return "Throttling"
	case eci.IsQuotaExceeded(err), eci.CodeOf(err) == eci.CodeIPNotEnough, eci.CodeOf(err) == eci.CodePrivateIPInUse:
		return "FailedScheduling"
	}
	return "UnknownError"
}

// giveUp ends the attempts for a pod that wants to be told at once: with
// fail-fast it stays Pending with the reason ContainerInstanceScheduleFailed and
// is for its controller to replace; with pod-fail-on-create-err it fails.
func (p *Provider) giveUp(ctx context.Context, uid types.UID, wants request.Behaviour, group *eci.ContainerGroup) bool {
	e, ok := p.store.get(uid)
	exhausted := wants.FailFast || e.attempt+e.tries >= createTries
	if !ok || !wants.FailFast && !wants.FailOnCreateError || !exhausted {
		return false
	}
	if wants.FailOnCreateError && p.hasGroup(ctx, e) {
		return true
	}
	failed := status.FromContainerGroup(e.render(), *group, nil)
	gaveUp := false
	p.store.update(uid, func(e *entry) {
		if gaveUp = e.stage == stageNew; gaveUp {
			e.givenUp(group, failed, wants.FailOnCreateError)
		}
	})
	if !gaveUp {
		return false
	}
	p.deps.Events.Event(e.pod, corev1.EventTypeWarning, status.ReasonScheduleFailed, failed.Message)
	groupLogger(ctx, e.pod, e.groupID).Info("no container group could be made; the pod asks not to try again")
	p.tell(uid)
	return true
}

// hasGroup looks for a group that another leader has made for a pod which is
// about to fail for want of one, and takes it over. Where the list cannot be read
// it says no: the pod asked to fail early.
func (p *Provider) hasGroup(ctx context.Context, e entry) bool {
	groups, err := p.groupsOf(ctx, e.pod)
	found := best(groups)
	if err != nil || found == nil || eci.IsTerminal(found.Status) {
		return false
	}
	p.adopt(e, &eci.CreateContainerGroupResponse{ContainerGroupID: found.ContainerGroupID})
	p.tell(e.pod.UID)
	return true
}

// wasGivenUp says whether an earlier life of ours gave the pod up.
func wasGivenUp(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodPending && pod.Status.Reason == status.ReasonScheduleFailed
}

// degradable says whether a refused request may be sent again without spot.
func degradable(e entry, req *eci.CreateContainerGroupRequest, err error) bool {
	switch eci.CodeOf(err) {
	case eci.CodeNoStock, eci.CodeSpotNotMatched, eci.CodeRecommendEmpty:
		return e.behaviour != nil && e.behaviour.SpotFallback && wantsSpot(req)
	}
	return false
}

func wantsSpot(req *eci.CreateContainerGroupRequest) bool {
	return req.SpotStrategy != "" && req.SpotStrategy != spotNone
}

// payAsYouGo is the request without spot. Its ClientToken stays: what was
// refused has made nothing, and a list that lags after a restart must not lead
// to a second group under a token of its own.
func payAsYouGo(req *eci.CreateContainerGroupRequest) *eci.CreateContainerGroupRequest {
	plain := *req
	plain.SpotStrategy, plain.SpotPriceLimit, plain.SpotDuration, plain.StrictSpot = "", 0, nil, nil
	if len(plain.Tags) < eci.MaxTags {
		plain.Tags = append(slices.Clone(plain.Tags), eci.Tag{Key: tagDegraded, Value: "true"})
	}
	return &plain
}

func isDegraded(group *eci.ContainerGroup) bool {
	return slices.ContainsFunc(group.Tags, func(t eci.Tag) bool { return t.Key == tagDegraded })
}

// alternatives is how many places the user gave: vSwitches times sizes.
func alternatives(req *eci.CreateContainerGroupRequest) int {
	return len(places(req.VSwitchID)) * len(places(req.InstanceType))
}

func places(list string) []string { return strings.Split(list, ",") }

// placeFor puts another of the vSwitches, and after each round of them another
// of the sizes, first with each attempt. The cloud tries them in their order,
// but a shortage that shows after it has accepted the first is final for the
// group.
func placeFor(req *eci.CreateContainerGroupRequest, attempt int) {
	vSwitches := places(req.VSwitchID)
	req.VSwitchID = startingAt(vSwitches, attempt)
	req.InstanceType = startingAt(places(req.InstanceType), attempt/len(vSwitches))
}

func startingAt(list []string, n int) string {
	n %= len(list)
	return strings.Join(append(slices.Clone(list[n:]), list[:n]...), ",")
}
