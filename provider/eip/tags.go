package eip

import (
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

// isFixed says whether the EIP outlives the pod.
func isFixed(a vpc.EIPAddress) bool { return a.Tag(request.TagUID) == "" }

// belongsTo reports whether the EIP was bought for this pod.
func (r *Reconciler) belongsTo(a vpc.EIPAddress, pod Pod) bool {
	return r.guard.owns(a, ownerOfPod(pod)) && (!isFixed(a) || pod.Want != nil && pod.Want.IsFixed())
}

// ownerOf reads whose an EIP is.
func ownerOf(a vpc.EIPAddress) request.Identity {
	who, _ := request.IdentityOf(a.Tags.Tag)
	return who
}

// ownerInTags is for whom the EIP was bought.
func ownerInTags(a vpc.EIPAddress) owner {
	who := ownerOf(a)
	return owner{namespace: who.Namespace, pod: who.PodName, uid: who.UID}
}
