package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

var _ eip.Pods = (*Provider)(nil)

// newEIPs makes the reconciler of EIPs with the identity of this node.
func newEIPs(p *Provider) (*eip.Reconciler, error) {
	cfg := p.cfg.EIP
	cfg.ClusterID, cfg.NodeName = p.cfg.Request.ClusterID, p.cfg.Request.NodeName
	return eip.New(cfg, eip.Deps{
		Cloud: p.deps.EIPs, Pods: p, Records: p.deps.Records, Events: p.deps.Events, Clock: p.deps.Clock, Registry: p.deps.Registry,
	})
}

// EIPPods lists the pods of this node with what they want of an EIP. A pod of
// which this cannot be told is left out: what it has stays as it is. The same holds
// for a pod with a wish whose network interface is not known yet: without one it
// would be told as waiting, and its readiness gate would close.
func (p *Provider) EIPPods(ctx context.Context) []eip.Pod {
	p.learnInterfaces(ctx)
	var pods []eip.Pod
	for _, e := range p.store.all(func(*entry) bool { return true }) {
		want, err := p.wish(ctx, e)
		if err != nil || want != nil && (e.detailsUnread() || e.hint.given()) {
			continue
		}
		pods = append(pods, eip.Pod{Object: e.pod, Want: want, ENI: e.eni(), Ended: e.stage == stageEnded})
	}
	return pods
}

// learnInterfaces reads the groups of pods that want an EIP and whose network
// interface is not known, as many in one turn as one round of files looks at. The
// pods that this shows have the next turn come at once.
func (p *Provider) learnInterfaces(ctx context.Context) {
	lives := map[string]*eci.ContainerGroupStatus{}
	for _, e := range p.store.all((*entry).detailsUnread) {
		if want, err := p.wish(ctx, e); err != nil || want == nil {
			continue
		}
		if lives[e.groupID] = e.live; len(lives) == refreshChecks {
			break
		}
	}
	if err := p.readDetails(ctx, lives, evidence{}); err != nil && ctx.Err() == nil {
		log.G(ctx).WithError(err).Warn("reading the network interfaces of container groups failed; the EIPs of their pods stay as they are, will try again")
	}
}

// wish returns what the pod wants of an EIP by its own annotations and those that
// the profile of the cluster gives it. The profile is asked once: a later change
// of it changes nothing for a pod that is there.
func (p *Provider) wish(ctx context.Context, e entry) (*request.EIP, error) {
	if !e.profiled {
		applied, _, err := p.profiles.apply(ctx, e.pod, p.cfg.Request)
		if err != nil {
			return nil, err
		}
		defaults := applied.EIPDefaults()
		e.eipDefaults = defaults
		p.store.update(e.pod.UID, func(e *entry) { e.eipDefaults, e.profiled = defaults, true })
	}
	pod, cfg := request.WithDefaults(e.pod, e.eipDefaults, p.cfg.Request)
	want, err := request.EIPFor(pod, cfg)
	if !request.IsRefused(err) || !e.running() {
		return want, err
	}
	// The group may have been made with an EIP that was allowed then; it is only
	// looked at.
	cfg.Permissions = request.AllPermissions()
	if made, _ := request.EIPFor(pod, cfg); made != nil && made.Given != "" {
		return made, nil
	}
	return want, err
}

// mayHave reports whether a pod is allowed the EIP that it names now. The annotation may
// have been written on a running pod, and keeps nobody from an EIP then.
func (p *Provider) mayHave(e *entry) bool {
	pod, cfg := request.WithDefaults(e.pod, e.eipDefaults, p.cfg.Request)
	_, err := request.EIPFor(pod, cfg)
	return !request.IsRefused(err)
}

// eni is the network interface of the pod's group, "" while there is none.
func (e *entry) eni() string {
	if e.group == nil || !e.running() {
		return ""
	}
	return e.group.eni
}

// PodOver asks the API server whether the pod is gone or has ended.
func (p *Provider) PodOver(ctx context.Context, namespace, name string, uid types.UID) (bool, error) {
	pod, err := p.deps.Kube.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case errors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("asking whether pod %s/%s is gone: %w", namespace, name, err)
	case uid != "" && pod.UID != uid:
		return true, nil
	}
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed, nil
}

// ReportEIP takes over what became of the EIP of a pod.
func (p *Provider) ReportEIP(uid types.UID, state eip.State) {
	p.store.update(uid, func(e *entry) { e.eip = state })
	p.tell(uid)
	if e, known := p.store.get(uid); known {
		p.pokePodIPs(e)
	}
}

// showEIP puts what is known of the EIP into the pod that is told.
func (e *entry) showEIP(pod *corev1.Pod) {
	condition, ok := e.eip.Condition()
	if !ok {
		return
	}
	status.Put(&pod.Status, condition)
	annotate(pod, e.eip.Annotations(pod.Status.PodIP))
}

// annotate makes a map only where it has to: others may share either.
func annotate(pod *corev1.Pod, annotations map[string]string) {
	if hasAll(pod.Annotations, annotations) {
		return
	}
	if len(pod.Annotations) == 0 {
		pod.Annotations = annotations
		return
	}
	all := make(map[string]string, len(pod.Annotations)+len(annotations))
	maps.Copy(all, pod.Annotations)
	maps.Copy(all, annotations)
	pod.Annotations = all
}

func hasAll(there, wanted map[string]string) bool {
	for key, value := range wanted {
		if have, ok := there[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// withAddress is the pod with the annotations of the EIP that was got for it
// before its group.
func (e *entry) withAddress() *corev1.Pod {
	if e.secured.Address == "" {
		return e.pod
	}
	pod := *e.pod
	annotate(&pod, e.secured.Annotations(""))
	return &pod
}

// secureEIP gets the EIP of a pod whose files or variables show its address
// before they are made. It returns the EIP that the group may be made with.
func (p *Provider) secureEIP(ctx context.Context, e *entry) (bindable string, err error) {
	want, err := p.wish(ctx, *e)
	if err != nil || want == nil {
		return "", err
	}
	if err := p.checkEIP(ctx, *e, want); err != nil || !want.Early {
		return "", err
	}
	// A pod that is refused must not cost an EIP.
	if _, err := p.translate(ctx, e.pod, false); err != nil {
		return "", err
	}
	state, free, err := p.eips.Secure(ctx, eip.Pod{Object: e.pod, Want: want})
	if err != nil {
		return "", err
	}
	e.secured = state
	p.store.update(e.pod.UID, func(e *entry) { e.secured = state })
	if free && want.Given == "" {
		return state.AllocationID, nil
	}
	return "", nil
}

// checkEIP refuses for now what cannot be: an EIP over an API that is not set
// up, and one EIP for two pods. The pod waits, as the other one may end.
func (p *Provider) checkEIP(ctx context.Context, e entry, want *request.EIP) error {
	if p.eips == nil && (want.Early || !want.ByGroup) {
		return fmt.Errorf("its EIP: the VPC API is switched off on this node (eip.disabled); only %s is served", "k8s.aliyun.com/eci-with-eip")
	}
	if want.Given == "" {
		return nil
	}
	if p.eips != nil {
		if err := p.eips.CheckGiven(ctx, eip.Pod{Object: e.pod, Want: want}); err != nil {
			return fmt.Errorf("its EIP: %w", err)
		}
	}
	others := p.store.all(func(other *entry) bool { return other.pod.UID != e.pod.UID && other.running() })
	held := slices.IndexFunc(others, func(other entry) bool {
		theirs, err := p.wish(ctx, other)
		return err == nil && theirs != nil && theirs.Given == want.Given && p.mayHave(&other)
	})
	if held < 0 {
		return nil
	}
	holder, why := others[held].pod, ""
	if owner := metav1.GetControllerOf(e.pod); owner != nil && holder.DeletionTimestamp == nil && sameController(owner, holder) {
		why = fmt.Sprintf("; the pods of %s %s all name it: set replicas to 1, or let each pod have an EIP of its own", owner.Kind, owner.Name)
	}
	return fmt.Errorf("its EIP: %s serves pod %s/%s, and one EIP serves one pod%s", want.Given, holder.Namespace, holder.Name, why)
}

func sameController(owner *metav1.OwnerReference, pod *corev1.Pod) bool {
	other := metav1.GetControllerOf(pod)
	return other != nil && other.UID == owner.UID
}

// useEIP lets the group be made with an EIP that was got for it.
func useEIP(req *eci.CreateContainerGroupRequest, id string) {
	if id != "" {
		req.EIPInstanceID, req.AutoCreateEIP = id, nil
	}
}

// pokeEIPs has the EIPs looked at now.
func (p *Provider) pokeEIPs() {
	if p.eips != nil {
		p.eips.Poke()
	}
}

// movedEIP pokes if the pod that moved has to do with an EIP, or may: a turn looks
// at every pod of the node, and most have none.
func (p *Provider) movedEIP(e *entry) {
	_, had := e.eip.Condition()
	if had || len(e.eipDefaults) > 0 || !e.profiled || request.MentionsEIP(e.pod) {
		p.pokeEIPs()
	}
}

// eipTrouble says whether a create was refused for its EIP, which passes.
func eipTrouble(err error) bool {
	return eci.CodeOf(err) != "" && (vpc.IsPassing(err) || vpc.IsQuota(err) || vpc.IsBalance(err))
}
