package check

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
)

// annotationInstanceID is where a pod names its group.
const annotationInstanceID = "k8s.aliyun.com/eci-instance-id"

// clusterChecks are those of the cluster.
type clusterChecks struct {
	book
	cfg  Config
	kube kubernetes.Interface
}

func (c *clusterChecks) run(ctx context.Context) usedGroups {
	version, err := c.kube.Discovery().ServerVersion()
	if err != nil {
		c.add(Fail, "API server", "check --kubeconfig, or that this runs in a pod with a ServiceAccount, and the network", "%v", err)
		return nil
	}
	c.add(OK, "API server", "", "it answers, and is %s", version.GitVersion)
	c.identity(ctx)
	c.rights(ctx)
	c.nodeName(ctx)
	return c.groupsInUse(ctx)
}

// identity is what keeps the groups of this cluster apart from those of others.
func (c *clusterChecks) identity(ctx context.Context) {
	const check = "cluster id"
	if c.cfg.ClusterID != "" {
		c.add(OK, check, "", "%s, as set", c.cfg.ClusterID)
		return
	}
	ns, err := c.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		c.add(Fail, check, "allow to get the namespace kube-system, or set --cluster-id", "%v", err)
		return
	}
	c.add(OK, check, "", "%s, the UID of kube-system", ns.UID)
}

// rights asks the API server for each thing that the node does.
func (c *clusterChecks) rights(ctx context.Context) {
	const check = "rights"
	rights := Rights(c.cfg)
	denied := 0
	for _, r := range rights {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: r.Group, Resource: r.Resource, Subresource: r.Subresource, Verb: r.Verb, Namespace: r.Namespace, Name: r.Name,
			},
		}}
		answer, err := c.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			c.add(Fail, check, "try again: the API server cannot be asked what is allowed", "%v", err)
			return
		}
		if !answer.Status.Allowed {
			denied++
			c.add(Fail, check, "apply the roles and bindings of deploy/eci-vnode.yaml, with the names of this node and its lease", "missing: kubectl auth can-i %s", r)
		}
	}
	if denied == 0 {
		c.add(OK, check, "", "all %d are there", len(rights))
	}
}

// nodeName must not be that of a real node, which ours would take over.
func (c *clusterChecks) nodeName(ctx context.Context) {
	const check = "node name"
	node, err := c.kube.CoreV1().Nodes().Get(ctx, c.cfg.NodeName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		c.add(OK, check, "", "%s is free", c.cfg.NodeName)
	case err != nil:
		c.add(Fail, check, "allow to get nodes", "%v", err)
	case node.Labels["type"] != "virtual-kubelet":
		c.add(Fail, check, "set --nodename to a name of its own", "%s is the name of a node that is not virtual", c.cfg.NodeName)
	default:
		c.add(OK, check, "", "%s is registered already, as a virtual node", c.cfg.NodeName)
	}
}

// groupsInUse names groups that the cloud has to list.
func (c *clusterChecks) groupsInUse(ctx context.Context) usedGroups {
	pods, err := c.kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", c.cfg.NodeName).String(),
	})
	if err != nil {
		return nil // the missing right has been told
	}
	var used usedGroups
	for i := range pods.Items {
		if id := pods.Items[i].Annotations[annotationInstanceID]; id != "" && pods.Items[i].Status.Phase == corev1.PodRunning {
			used = append(used, id)
		}
	}
	return used
}
