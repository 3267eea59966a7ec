package provider

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// podsPerPage is the page size of lists of pods, that of informers.
const podsPerPage = 500

// podsOfNode lists the UIDs of the pods that are bound to a node, by asking the API
// server itself and no cache; every page or an error.
func podsOfNode(ctx context.Context, kube kubernetes.Interface, node string) (map[types.UID]bool, error) {
	uids := map[types.UID]bool{}
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node).String(), Limit: podsPerPage}
	for {
		page, err := kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing the pods of node %s: %w", node, err)
		}
		for i := range page.Items {
			uids[page.Items[i].UID] = true
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return uids, nil
		}
	}
}

// podIsGone reports whether the API server has no pod with the UID in the tags of a
// group; listed are the pods of the node as it has just listed them. A pod that is
// not listed is asked for by its name as well, if the tags have it whole: a name that
// was cut is that of no pod, and asking for it proves nothing. An error is no yes.
func podIsGone(ctx context.Context, kube kubernetes.Interface, who request.Identity, listed map[types.UID]bool) (bool, error) {
	if who.Namespace == "" || who.PodName == "" || who.UID == "" {
		return false, nil // tags that somebody changed: not ours to judge
	}
	if listed[who.UID] {
		return false, nil
	}
	if who.MayBeCut() {
		return true, nil
	}
	pod, err := kube.CoreV1().Pods(who.Namespace).Get(ctx, who.PodName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("asking whether pod %s/%s is gone: %w", who.Namespace, who.PodName, err)
	}
	return pod.UID != who.UID, nil
}
