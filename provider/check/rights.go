package check

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Right is something that the node does with the Kubernetes API.
type Right struct {
	Group, Resource, Subresource, Verb string
	// Namespace and Name narrow it; empty is all.
	Namespace, Name string
}

// Rights are all that the node needs, as deploy/eci-vnode.yaml grants them.
func Rights(cfg Config) []Right {
	var rights []Right
	add := func(r Right, verbs ...string) {
		for _, verb := range verbs {
			r.Verb = verb
			rights = append(rights, r)
		}
	}
	// What is created has no name yet for the API server.
	add(Right{Resource: "nodes"}, "create")
	add(Right{Resource: "nodes", Name: cfg.NodeName}, "get", "patch")
	add(Right{Resource: "nodes", Subresource: "status", Name: cfg.NodeName}, "patch")
	add(Right{Resource: "pods"}, "get", "list", "watch", "delete")
	add(Right{Resource: "pods", Subresource: "status"}, "patch")
	add(Right{Resource: "events"}, "create", "patch")
	for _, named := range []string{"configmaps", "secrets", "persistentvolumeclaims", "persistentvolumes", "namespaces"} {
		add(Right{Resource: named}, "get")
	}
	add(Right{Resource: "serviceaccounts", Subresource: "token"}, "create")
	add(Right{Resource: "services"}, "list", "watch")
	add(Right{Group: "alibabacloud.com", Resource: "podeips"}, "get", "list", "create", "update", "delete")
	add(Right{Group: "alibabacloud.com", Resource: "podeips", Subresource: "status"}, "update")
	add(Right{Group: "network.alibabacloud.com", Resource: "podnetworkings"}, "list")
	add(Right{Group: "authentication.k8s.io", Resource: "tokenreviews"}, "create")
	add(Right{Group: "authorization.k8s.io", Resource: "subjectaccessreviews"}, "create")
	if cfg.SignedCertificate {
		add(Right{Group: "certificates.k8s.io", Resource: "certificatesigningrequests"}, "create", "list", "watch")
	}
	for _, lease := range []Lease{{corev1.NamespaceNodeLease, cfg.NodeName}, cfg.Lease} {
		if lease.Name != "" {
			right := Right{Group: "coordination.k8s.io", Resource: "leases", Namespace: lease.Namespace}
			add(right, "create")
			right.Name = lease.Name
			add(right, "get", "update")
		}
	}
	add(Right{Resource: "configmaps", Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication"}, "get", "list", "watch")
	return rights
}

// String is the right as `kubectl auth can-i` takes it.
func (r Right) String() string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Name != "" {
		text += "/" + r.Name
	}
	if r.Subresource != "" {
		text += " --subresource=" + r.Subresource
	}
	if r.Namespace != "" {
		return text + " -n " + r.Namespace
	}
	if slices.Contains([]string{"nodes", "namespaces", "persistentvolumes", "podnetworkings", "certificatesigningrequests"}, r.Resource) || r.Group == "authentication.k8s.io" || r.Group == "authorization.k8s.io" {
		return text
	}
	return text + " -A"
}
