// Package provider turns pods into container groups on ECI, and what happens to
// the groups into the status of the pods. It is a virtual-kubelet provider: a
// node.PodLifecycleHandler and a node.PodNotifier, so that it runs under vnode
// as well as under the stock library.
//
// Outward a pod goes through request.FromPod to CreateContainerGroup; back, a
// group goes through status.FromContainerGroup to the node's pod controller.
// The two meet only in the store, which is a cache of the cloud: everything in
// it can be rebuilt from the tags of the groups (Recover).
//
// Statuses are written by the node's controller and not by this package, which
// writes two things only: the cloud's events (eventRelay), and the deletion of
// a pod whose group the cloud takes back (evict).
// It never takes an error or an empty list of the cloud as proof that a group
// is gone, and it never forgets a group that may still be billed.
package provider
