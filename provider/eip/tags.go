package eip

import (
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// TagStrategy holds the release strategy of an EIP that this node bought. With
// the tags of request.Identity it says whose the EIP is: an EIP without it is
// not ours.
const TagStrategy = "eci-vnode/eip"

// nodeTags filter for the EIPs that this node is to look after.
func (r *Reconciler) nodeTags() []eci.Tag {
	return request.Identity{ClusterID: r.cfg.ClusterID, NodeName: r.cfg.NodeName}.Tags()
}

// tagsFor says whose an EIP is: that of a pod by its UID, or that of all pods of
// its name, one after the other.
func (r *Reconciler) tagsFor(pod Pod) []eci.Tag {
	who := request.Identity{
		ClusterID: r.cfg.ClusterID, NodeName: r.cfg.NodeName, Namespace: pod.Object.Namespace, PodName: pod.Object.Name,
	}
	if !pod.Want.IsFixed() {
		who.UID = pod.uid()
	}
	return append(who.Tags(), eci.Tag{Key: TagStrategy, Value: string(pod.Want.Strategy)})
}

// isOurs says whether a node of this cluster bought the EIP.
func (r *Reconciler) isOurs(a vpc.EIPAddress) bool {
	return a.Tag(request.TagCluster) == r.cfg.ClusterID && a.Tag(TagStrategy) != ""
}

// isFixed says whether the EIP outlives the pod.
func isFixed(a vpc.EIPAddress) bool { return a.Tag(request.TagUID) == "" }

// belongsTo says whether the EIP was bought for this pod.
func belongsTo(a vpc.EIPAddress, pod Pod) bool {
	if a.Tag(TagStrategy) == "" {
		return false
	}
	if !isFixed(a) {
		return a.Tag(request.TagUID) == string(pod.uid())
	}
	name := request.Identity{Namespace: pod.Object.Namespace, PodName: pod.Object.Name}.Tags()
	return pod.Want != nil && pod.Want.IsFixed() && !slices.ContainsFunc(name, func(t eci.Tag) bool { return a.Tag(t.Key) != t.Value })
}

// hasTags says whether the EIP carries all of tags.
func hasTags(a vpc.EIPAddress, tags []eci.Tag) bool {
	return !slices.ContainsFunc(tags, func(t eci.Tag) bool { return a.Tag(t.Key) != t.Value })
}

// ownerOf reads whose an EIP is.
func ownerOf(a vpc.EIPAddress) request.Identity {
	who, _ := request.IdentityOf(a.Tags.Tag)
	return who
}
