package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// CreatePod makes the container group of pod and returns once the cloud has
// accepted it; called again for the same UID it changes nothing. nil means that
// the group exists. The error is classified for errdefs: IsInvalidInput will
// fail again, anything else is worth another try.
func (p *Provider) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	if err := p.recoverLate(ctx, pod); err != nil {
		return classify(fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
	}
	p.store.remember(pod)
	if e, _ := p.store.get(pod.UID); e.stage != stageNew || e.gaveUp || e.undecided() {
		p.tell(pod.UID)
		return nil
	}
	if err := p.create(ctx, pod.UID); err != nil {
		if p.refused(ctx, pod.UID, err) {
			return nil
		}
		return classify(fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
	}
	p.tell(pod.UID)
	p.poke()
	return nil
}

// notYet is the error for work that waits for something else, and has not failed: the
// node's controller asks again, and tells the user nothing.
type notYet string

func (e notYet) Error() string { return string(e) }

// NotYet marks the error for the node's controller.
func (e notYet) NotYet() bool { return true }

// errBusy is the error while another goroutine sends the create of the pod.
const errBusy = notYet("its container group is being created; ask again")

// create claims a pod that has no group and sends its request. An answer that
// was lost leaves the request pending: the next call sends the same one, whose
// ClientToken gives the same group.
func (p *Provider) create(ctx context.Context, uid types.UID) error {
	e, ok := p.store.claim(uid)
	if !ok {
		return errBusy
	}
	defer p.store.release(uid)
	if e.undecided() {
		return errNoGroup
	}
	return p.send(ctx, e)
}

// send makes the group of a claimed pod.
func (p *Provider) send(ctx context.Context, e entry) error {
	req, again := e.pending, e.pending != nil
	if !again {
		var err error
		if req, err = p.build(ctx, e); err != nil {
			return err
		}
		if req, err = p.avoidScarce(e.pod.UID, req); err != nil {
			return err
		}
		p.store.update(e.pod.UID, func(e *entry) { e.pending = req })
	}
	resp, err := p.cloud.CreateContainerGroup(ctx, req)
	p.scarcity.note(req, err, p.deps.Clock.Now())
	if known, _ := p.store.get(e.pod.UID); degradable(known, req, err) {
		req = payAsYouGo(req)
		p.store.update(e.pod.UID, func(e *entry) { e.pending = req })
		resp, err = p.cloud.CreateContainerGroup(ctx, req)
		p.scarcity.note(req, err, p.deps.Clock.Now())
	}
	if req.ImageSnapshotID != "" && eci.IsImageCacheUnfit(err) {
		p.reportCacheUnfit(e.pod, req.ImageSnapshotID, err)
		req = withoutCache(req)
		p.store.update(e.pod.UID, func(e *entry) { e.pending = req })
		resp, err = p.cloud.CreateContainerGroup(ctx, req)
	}
	found := eci.IsTokenTaken(err)
	if found {
		resp, err = p.findOwn(ctx, e, err)
	}
	if err != nil {
		if saysNothingExists(err, again) {
			p.store.update(e.pod.UID, func(e *entry) { e.pending = nil })
		}
		return err
	}
	p.adopt(e, resp)
	if found {
		groupLogger(ctx, e.pod, resp.ContainerGroupID).Info("container group found that was made before")
		return nil
	}
	now := p.deps.Clock.Now()
	p.store.update(e.pod.UID, func(e *entry) { e.files, e.tokensAt = p.sumsFor(e.pod).of(req.Volumes), now })
	groupLogger(ctx, e.pod, resp.ContainerGroupID).WithField("requestID", resp.RequestID).Info("container group created")
	return nil
}

// avoidScarce returns the request without the places that are known to have no stock. A
// pod that may do without spot does so where no place has any.
func (p *Provider) avoidScarce(uid types.UID, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupRequest, error) {
	now := p.deps.Clock.Now()
	left, err := p.scarcity.avoid(req, now)
	if e, _ := p.store.get(uid); degradable(e, req, err) {
		return p.scarcity.avoid(payAsYouGo(req), now)
	}
	return left, err
}

// saysNothingExists says that the cloud has refused a create and has made
// nothing, so that the next request may differ. again is that an earlier call was
// not answered.
func saysNothingExists(err error, again bool) bool {
	var refusal *eci.Error
	return errors.As(err, &refusal) && refusal.HTTPStatus < 500 &&
		!(eci.IsBeforeToken(err) && (again || refusal.Unanswered))
}

// groupsOf lists the groups of a pod by its tags.
func (p *Provider) groupsOf(ctx context.Context, pod *corev1.Pod) ([]*eci.ContainerGroup, error) {
	listed, err := p.describe(ctx, &eci.DescribeContainerGroupsRequest{
		Tags: request.IdentityFor(pod, p.cfg.Request).Tags(), WithEvent: ptr.To(true),
	})
	if err != nil {
		return nil, fmt.Errorf("looking for its container group: %w", err)
	}
	var groups []*eci.ContainerGroup
	for i := range listed {
		if p.isOwn(pod, &listed[i]) {
			groups = append(groups, &listed[i])
		}
	}
	return groups, nil
}

// build translates the pod with the objects that it names as they are now.
func (p *Provider) build(ctx context.Context, e entry) (*eci.CreateContainerGroupRequest, error) {
	bindable, err := p.secureEIP(ctx, &e)
	if err != nil {
		p.reportMissing(e.pod, err)
		return nil, err
	}
	translation, err := p.translate(ctx, e.withAddress(), true)
	if err != nil {
		p.reportMissing(e.pod, err)
		return nil, err
	}
	p.reportDefaults(e.pod, translation.applied)
	p.reportWarnings(e.pod, translation.Warnings)
	source, err := p.sourceOf(ctx, e.pod, versionsIn(e.pod, translation.objects))
	if err != nil {
		return nil, err
	}
	req := translation.Request
	useEIP(req, bindable)
	// Pointers into the translation would keep all of it.
	behaviour, rounded, narrow := translation.Behaviour, roundedIn(translation.Translation), narrowOf(req)
	p.store.update(e.pod.UID, func(e *entry) {
		e.behaviour, e.places, e.narrow, e.source, e.rounded = &behaviour, alternatives(req), narrow, source, rounded
	})
	if err := p.chooseImageCache(ctx, e.pod, req, behaviour.ImageMatch); err != nil {
		return nil, err
	}
	req.ClientToken = request.ClientToken(e.pod.UID, e.attempt)
	placeFor(req, e.attempt)
	if e.noSpot && wantsSpot(req) {
		req = payAsYouGo(req)
	}
	return req, nil
}

// adopt records the new group of a pod.
func (p *Provider) adopt(e entry, resp *eci.CreateContainerGroupResponse) {
	now := p.deps.Clock.Now()
	p.store.update(e.pod.UID, func(e *entry) { e.has(resp.ContainerGroupID, resp.RequestID, now) })
}

// UpdatePod takes over what changed in a pod. What ECI cannot change in a group
// that was made is told by an event that says why; changed labels and annotations
// reach the files of the group with the next refresh. A pod without a group gets
// one as it is now.
func (p *Provider) UpdatePod(_ context.Context, pod *corev1.Pod) error {
	e, ok := p.store.get(pod.UID)
	if !ok {
		return notFound(pod.Namespace, pod.Name)
	}
	p.store.remember(pod)
	p.pokeEIPs()
	if e.stage == stageEnded {
		return nil
	}
	p.showRefused(pod.UID)
	waits := e.stage == stageNew && e.pending == nil && !e.busy
	for _, r := range refusals(e.pod, pod) {
		if !waits || r.always {
			p.deps.Events.Event(pod, corev1.EventTypeWarning, r.reason, r.message)
		}
	}
	return nil
}

// showRefused puts what a changed pod cannot have into its status.
func (p *Provider) showRefused(uid types.UID) {
	changed := false
	p.store.update(uid, func(e *entry) {
		if e.status == nil {
			return
		}
		next := status.InPlace(e.pod, *e.status)
		if changed = !equality.Semantic.DeepEqual(next, *e.status); changed {
			e.status = &next
		}
	})
	if changed {
		p.tell(uid)
	}
}

// DeletePod asks the cloud to end the group of pod, whose containers have the grace
// period of the pod to end. nil means that the cloud has accepted; the final status
// comes through NotifyPods when the group is really gone. errdefs.IsNotFound means
// that there is nothing left to end.
func (p *Provider) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	if _, ok := p.store.get(pod.UID); !ok {
		if hasEnded(pod) {
			return notFound(pod.Namespace, pod.Name)
		}
		if err := p.recoverLate(ctx, pod); err != nil {
			return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
	}
	p.store.remember(pod)
	now := p.deps.Clock.Now()
	e := p.store.changed(pod.UID, func(e *entry) { e.deleteAsked(now) })
	switch e.stage {
	case stageNew:
		return p.abandon(ctx, pod)
	case stageEnded:
		return p.bury(ctx, e)
	}
	if e.stage == stageDeleting && (e.deletion.forced || !e.deletion.force) {
		p.endings.Add(pod.UID)
		p.tell(pod.UID) // asked again: our earlier word may have been lost
		return nil
	}
	if err := p.end(ctx, pod.UID, e.deletion.force); err != nil {
		return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	p.poke()
	return nil
}

// errNoGroup is the error for a pod whose group is not, or not yet, known to be its own.
const errNoGroup = notYet("its container group is not known; ask again")

// end sends the delete of a live group and moves the pod on.
func (p *Provider) end(ctx context.Context, uid types.UID, force bool) error {
	e, err := p.prove(ctx, uid)
	if e.stage == stageEnded {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{
		ContainerGroupID: e.groupID,
		Force:            ptr.To(force),
	})
	switch {
	case eci.IsNotFound(err):
		p.gone(ctx, e)
		return nil
	case err != nil:
		return err
	}
	groupLogger(ctx, e.pod, e.groupID).WithField("force", force).Info("container group deletion accepted")
	now := p.deps.Clock.Now()
	if !p.store.updateRunning(e, func(e *entry) { e.deleteAccepted(force, now) }) {
		// It could not be scheduled meanwhile, and the next attempt waits or has been
		// made: that one is to be given up too, or nobody would.
		if now, known := p.store.get(uid); known && (now.stage == stageNew || now.running() && now.groupID != e.groupID) {
			return errBusy
		}
	}
	p.endings.Add(uid)
	return nil
}

// hasEnded says that the API server has the last status of the pod.
func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// gone records that the group of a pod whose end was asked for is no more.
func (p *Provider) gone(ctx context.Context, e entry) {
	if e.status != nil && e.status.Phase == corev1.PodPending && p.overtaken(ctx, e) {
		return
	}
	last := e.pod.Status
	if e.status != nil {
		last = *e.status
	}
	final := status.Deleted(e.pod, last)
	if p.store.updateRunning(e, func(e *entry) { e.stage, e.status = stageEnded, &final }) {
		groupLogger(ctx, e.pod, e.groupID).Info("container group is gone")
	}
	p.tell(e.pod.UID)
	p.movedEIP(&e)
}

// overtaken reports whether the end of a pod whose group never ran has to wait: that
// group may have been one that could not be scheduled, and another leader have
// made the next, which then is the one to end.
func (p *Provider) overtaken(ctx context.Context, e entry) bool {
	groups, err := p.groupsOf(ctx, e.pod)
	if err != nil {
		return true
	}
	found := best(groups)
	if found == nil || eci.IsTerminal(found.Status) || found.ContainerGroupID == e.groupID {
		return false
	}
	p.adopt(e, &eci.CreateContainerGroupResponse{ContainerGroupID: found.ContainerGroupID})
	p.endings.Add(e.pod.UID)
	return true
}

// GetPod returns the pod of that name with its latest status; while two of one
// name overlap, the newer.
func (p *Provider) GetPod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	e, ok := p.store.named(namespace, name)
	if !ok {
		return nil, notFound(namespace, name)
	}
	return e.render(), nil
}

// GetPodStatus returns the latest status of the pod of that name.
func (p *Provider) GetPodStatus(ctx context.Context, namespace, name string) (*corev1.PodStatus, error) {
	pod, err := p.GetPod(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return &pod.Status, nil
}

// GetPods returns the pods that have a group which has not ended.
func (p *Provider) GetPods(context.Context) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	for _, e := range p.store.all((*entry).running) {
		pods = append(pods, e.render())
	}
	return pods, nil
}

// groupLogger logs with the fields that every line on a pod carries.
func groupLogger(ctx context.Context, pod *corev1.Pod, groupID string) log.Logger {
	return log.G(ctx).WithFields(log.Fields{
		"namespace": pod.Namespace, "pod": pod.Name, "uid": string(pod.UID), "containerGroup": groupID,
	})
}
