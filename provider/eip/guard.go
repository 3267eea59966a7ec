package eip

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// owner says for whom an EIP is changed: one pod by its UID, or without one all
// pods of the name.
type owner struct {
	namespace, pod string
	uid            types.UID
}

func ownerOfPod(pod Pod) owner {
	return owner{namespace: pod.Object.Namespace, pod: pod.Object.Name, uid: pod.uid()}
}

func ownerOfRecord(record *PodEIP) owner {
	return owner{namespace: record.Namespace, pod: record.Name}
}

// guard is the only one that makes calls which change an EIP. Ids come out of
// annotations and records, which tenants write: what the tags on the EIP say, as
// the cloud shows them, decides whether a call is made.
type guard struct {
	cloud   changer
	cluster string
	// owns reports whether the EIP was bought for the owner.
	owns func(a vpc.EIPAddress, who owner) bool
}

// changer has the calls that change an EIP which is there.
type changer interface {
	AssociateEIPAddress(context.Context, *vpc.AssociateEIPAddressRequest) (*vpc.Done, error)
	UnassociateEIPAddress(context.Context, *vpc.UnassociateEIPAddressRequest) (*vpc.Done, error)
	ReleaseEIPAddress(context.Context, *vpc.ReleaseEIPAddressRequest) (*vpc.Done, error)
	AddCommonBandwidthPackageIP(context.Context, *vpc.AddCommonBandwidthPackageIPRequest) (*vpc.Done, error)
	RemoveCommonBandwidthPackageIP(context.Context, *vpc.RemoveCommonBandwidthPackageIPRequest) (*vpc.Done, error)
	TagResources(context.Context, *vpc.TagResourcesRequest) (*vpc.Done, error)
}

func newGuard(cloud changer, cluster string) *guard {
	g := &guard{cloud: cloud, cluster: cluster}
	g.owns = g.tagsProve
	return g
}

// tagsProve reports whether the tags say that a node of this cluster bought the
// EIP for the owner. One that is for all pods of a name belongs to each of them.
func (g *guard) tagsProve(a vpc.EIPAddress, who owner) bool {
	if a.Tag(TagStrategy) == "" {
		return false
	}
	name := request.Identity{ClusterID: g.cluster, Namespace: who.namespace, PodName: who.pod}.Tags()
	return hasTags(a, name) && (isFixed(a) || who.uid != "" && a.Tag(request.TagUID) == string(who.uid))
}

// isBought reports whether a node, of this cluster or another, bought the EIP for
// a pod.
func isBought(a vpc.EIPAddress) bool {
	return a.Tag(TagStrategy) != "" || a.Tag(request.TagCluster) != ""
}

// notOwned is the error of a call that is not made.
func notOwned(doing string, a vpc.EIPAddress, who owner) error {
	return fmt.Errorf("%s EIP %s for pod %s/%s is refused: its tags do not name this pod", doing, a.AllocationID, who.namespace, who.pod)
}

// bind binds the EIP of the pod, or one that its user has given and that the pod
// may have.
func (g *guard) bind(ctx context.Context, a vpc.EIPAddress, pod Pod) error {
	given := !isBought(a) && pod.Want.Permitted && pod.Want.Candidate == a.AllocationID
	if who := ownerOfPod(pod); !given && !g.owns(a, who) {
		return notOwned("binding", a, who)
	}
	_, err := g.cloud.AssociateEIPAddress(ctx, &vpc.AssociateEIPAddressRequest{
		AllocationID: a.AllocationID, InstanceID: pod.ENI, InstanceType: vpc.InstanceTypeENI,
	})
	return err
}

// unbind takes the EIP of the owner off the network interface that has it.
func (g *guard) unbind(ctx context.Context, a vpc.EIPAddress, who owner) error {
	if !g.owns(a, who) {
		return notOwned("unbinding", a, who)
	}
	_, err := g.cloud.UnassociateEIPAddress(ctx, &vpc.UnassociateEIPAddressRequest{
		AllocationID: a.AllocationID, InstanceID: a.InstanceID, InstanceType: vpc.InstanceTypeENI,
	})
	return err
}

// release gives the EIP of the owner back.
func (g *guard) release(ctx context.Context, a vpc.EIPAddress, who owner) error {
	if !g.owns(a, who) {
		return notOwned("releasing", a, who)
	}
	_, err := g.cloud.ReleaseEIPAddress(ctx, &vpc.ReleaseEIPAddressRequest{AllocationID: a.AllocationID})
	return err
}

// join puts the EIP of the owner into a bandwidth package.
func (g *guard) join(ctx context.Context, a vpc.EIPAddress, who owner, pkg string) error {
	if !g.owns(a, who) {
		return notOwned("adding to a bandwidth package", a, who)
	}
	_, err := g.cloud.AddCommonBandwidthPackageIP(ctx, &vpc.AddCommonBandwidthPackageIPRequest{BandwidthPackageID: pkg, IPInstanceID: a.AllocationID})
	return err
}

// leave takes the EIP of the owner out of its bandwidth package.
func (g *guard) leave(ctx context.Context, a vpc.EIPAddress, who owner) error {
	if !g.owns(a, who) {
		return notOwned("removing from a bandwidth package", a, who)
	}
	_, err := g.cloud.RemoveCommonBandwidthPackageIP(ctx, &vpc.RemoveCommonBandwidthPackageIPRequest{BandwidthPackageID: a.BandwidthPackageID, IPInstanceID: a.AllocationID})
	return err
}

// tag changes the tags of the EIP of the owner. bought is the id of one that was
// bought for it a moment ago: that one may have no tags yet.
func (g *guard) tag(ctx context.Context, a vpc.EIPAddress, who owner, bought string, tags []eci.Tag) error {
	if fresh := !isBought(a) && a.AllocationID == bought; !fresh && !g.owns(a, who) {
		return notOwned("tagging", a, who)
	}
	_, err := g.cloud.TagResources(ctx, &vpc.TagResourcesRequest{ResourceType: vpc.ResourceTypeEIP, ResourceIDs: []string{a.AllocationID}, Tags: tags})
	return err
}

// hasTags says whether the EIP carries all of tags.
func hasTags(a vpc.EIPAddress, tags []eci.Tag) bool {
	return !slices.ContainsFunc(tags, func(t eci.Tag) bool { return a.Tag(t.Key) != t.Value })
}
