// Package eip turns what a pod asks for in its annotations (request.EIP) into an
// Elastic IP that is bound to the network interface of its container group, and
// gives back what no pod has a right to any more.
//
// A turn of the Reconciler looks at three things: the pods of the node, the
// EIPs that carry our tags, and the PodEIP records of addresses that outlive
// their pods. It takes one step for each pod and each surplus EIP and forgets
// nothing by forgetting: who made an EIP, for whom and until when is read from
// the tags on the EIP and from the records, so that a crash between any two
// calls costs nothing but time. A purchase has a ClientToken of the pod's UID;
// no other call is sent without having read the state that it changes.
//
// Ids in annotations and in records are what tenants write. Every call that
// changes an EIP goes through guard, which makes it only where the tags on the
// EIP name the pod, or for an EIP of the user that the pod may have.
//
// The package never changes or releases an EIP that does not carry our tags,
// never takes one from another holder, and never takes an error or an empty
// list as proof that a pod is gone.
package eip
