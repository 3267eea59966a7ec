// Package vnode turns any virtual-kubelet provider into a node of a Kubernetes
// cluster: a Node object with its lease and conditions, a pod controller, and
// the kubelet's HTTPS API.
//
// The node object, the lease, the HTTP handlers and the webhook authentication
// are those of the virtual-kubelet library. The pod controller is our own, with
// the library's contract (node.PodLifecycleHandler and node.PodNotifier):
//
//   - everything is keyed by pod UID, so a pod that is created again under the
//     same name is another pod;
//   - work starts at once, failures are retried per pod with a growing pause and
//     never given up;
//   - a deleted pod leaves the API server when the provider says that it ended,
//     not before and not a grace period later;
//   - status is written as a PATCH with the UID as precondition, and nothing that
//     others own is touched.
//
// The package knows no cloud. It never resolves environment variables or
// volumes: a provider gets the pod as the API server holds it.
package vnode
