package campaign

import (
	"cmp"
	"context"
	"slices"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
	"github.com/eci-vnode/eci-vnode/vnode"
)

// Protection is one that is switched off, to see the campaign fail without it.
// All of them are switched off from outside, around the real code.
type Protection string

const (
	// NoneOff is the real thing.
	NoneOff Protection = ""
	// NoClientToken sends creates without one.
	NoClientToken Protection = "ClientToken"
	// NoRecovery starts to work without looking at the cloud first, nor at what
	// the pods tell of their groups.
	NoRecovery Protection = "recovery before create"
	// OneSighting takes the first complete list that leaves a group out, where asking
	// for the group by its name does not find it either, as all the proof that is
	// needed.
	OneSighting Protection = "two sightings"
	// Poisoned lets the provider panic over the pods with the label panics.
	Poisoned Protection = "poison"
	// NoConfirmation takes an accepted delete as an end.
	NoConfirmation Protection = "delete confirmation"
	// NoGrace ends every group with Force.
	NoGrace Protection = "grace"
	// NoTags believes the objects of pods which group is theirs.
	NoTags Protection = "tags"
	// NoReserve lets the calls of users take all of a budget.
	NoReserve Protection = "budget reserve"
	// NoFinalStatus removes objects without writing their last status.
	NoFinalStatus Protection = "final status before removal"
)

// panics is the label of pods over which a poisoned provider panics.
const panics = "panics"

// weaken changes what the provider is made from.
func (p Protection) weaken(cfg *provider.Config, deps *provider.Deps) {
	switch p {
	case NoClientToken:
		deps.Cloud = tokenless{deps.Cloud}
	case NoRecovery:
		deps.Kube = forgetfulKube{deps.Kube.(kube)}
	case NoGrace:
		deps.Cloud = hastyCloud{deps.Cloud}
	case NoTags:
		deps.Cloud = gullibleCloud{deps.Cloud, deps.Kube.(kube).i}
	case NoReserve:
		deps.Cloud = equalCloud{deps.Cloud}
	case OneSighting:
		cfg.Sightings, cfg.LostGrace, cfg.OrphanGrace, cfg.MassOrphanGrace = 1, 0, 0, 0
	}
}

// provider is the one that the pod controller sees.
func (p Protection) provider(real *provider.Provider) vnode.Provider {
	return weakProvider{Provider: real, off: p}
}

// kube is the client that the pod controller sees.
func (p Protection) kube(real kube) kubernetes.Interface {
	if p == NoFinalStatus {
		return statuslessKube{real}
	}
	return real
}

type tokenless struct{ provider.Cloud }

func (c tokenless) CreateContainerGroup(ctx context.Context, req *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error) {
	bare := *req
	bare.ClientToken = ""
	return c.Cloud.CreateContainerGroup(ctx, &bare)
}

// hastyCloud ends every group at once.
type hastyCloud struct{ provider.Cloud }

func (c hastyCloud) DeleteContainerGroup(ctx context.Context, req *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error) {
	forced := *req
	forced.Force = ptr.To(true)
	return c.Cloud.DeleteContainerGroup(ctx, &forced)
}

// gullibleCloud shows groups that are asked for by their ids with the tags of the pods
// whose objects name them.
type gullibleCloud struct {
	provider.Cloud
	i *instance
}

func (c gullibleCloud) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	resp, err := c.Cloud.DescribeContainerGroups(ctx, req)
	if err != nil || len(req.ContainerGroupIDs) == 0 {
		return resp, err
	}
	for n := range resp.ContainerGroups {
		g := &resp.ContainerGroups[n]
		for _, pod := range c.i.w.api.list() {
			if pod.Annotations[status.AnnotationInstanceID] == g.ContainerGroupID {
				g.Tags = request.IdentityFor(pod, request.Config{ClusterID: clusterID, NodeName: nodeName}).Tags()
			}
		}
	}
	return resp, nil
}

// equalCloud forgets whom a call is made for.
type equalCloud struct{ provider.Cloud }

func (c equalCloud) DescribeContainerLog(ctx context.Context, req *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	return c.Cloud.DescribeContainerLog(eci.WithPriority(ctx, eci.PriorityControl), req)
}

type weakProvider struct {
	*provider.Provider
	off Protection
}

// Recover sorts the pods, as the informer's cache lists them in any order.
func (p weakProvider) Recover(ctx context.Context, pods []*corev1.Pod) error {
	if p.off == NoRecovery {
		return p.Provider.Recover(ctx, nil)
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.UID, b.UID) })
	return p.Provider.Recover(ctx, pods)
}

func (p weakProvider) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	if _, is := pod.Labels[panics]; is && p.off == Poisoned {
		panic("a pod that nobody has thought of")
	}
	if p.off == NoRecovery {
		pod = nameless(pod)
	}
	return p.Provider.CreatePod(ctx, pod)
}

// nameless is a pod that does not tell which group it has, nor that it has run.
func nameless(pod *corev1.Pod) *corev1.Pod {
	if pod = pod.DeepCopy(); pod != nil {
		delete(pod.Annotations, status.AnnotationInstanceID)
		pod.Status.ContainerStatuses = nil
	}
	return pod
}

// forgetfulKube hides from the provider which groups the pods name.
type forgetfulKube struct{ kube }

func (k forgetfulKube) CoreV1() typedcorev1.CoreV1Interface { return k }

func (k forgetfulKube) Pods(string) typedcorev1.PodInterface {
	return forgetfulPods{kubePods{i: k.i}}
}

type forgetfulPods struct{ kubePods }

func (k forgetfulPods) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Pod, error) {
	pod, err := k.kubePods.Get(ctx, name, o)
	return nameless(pod), err
}

func (p weakProvider) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	err := p.Provider.DeletePod(ctx, pod)
	if err == nil && p.off == NoConfirmation {
		return errdefs.NotFound("an accepted delete is taken as an end")
	}
	return err
}

// statuslessKube drops the statuses of pods that are being deleted.
type statuslessKube struct{ kube }

func (k statuslessKube) CoreV1() typedcorev1.CoreV1Interface { return k }

func (k statuslessKube) Pods(string) typedcorev1.PodInterface {
	return statuslessPods{kubePods{i: k.i}}
}

type statuslessPods struct{ kubePods }

func (k statuslessPods) Patch(ctx context.Context, name string, kind types.PatchType, patch []byte, o metav1.PatchOptions, sub ...string) (*corev1.Pod, error) {
	if pod, err := k.i.w.api.get(name); err == nil && pod.DeletionTimestamp != nil {
		return pod, nil
	}
	return k.kubePods.Patch(ctx, name, kind, patch, o, sub...)
}
