package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// readNetworks lists the PodNetworking resources; a cluster without Terway has
// none. What of them cannot be read is left out, and is the problem. An error
// says that nothing is known: without the right to list them, say.
func (p *profiles) readNetworks(ctx context.Context) (found []request.PodNetworking, problem, err error) {
	if p.networks == nil {
		return nil, nil, nil
	}
	listed, err := p.networks.Resource(request.PodNetworkings()).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("listing the PodNetworking resources: %w", err)
	}
	for i := range listed.Items {
		var n request.PodNetworking
		err := runtime.DefaultUnstructuredConverter.FromUnstructured(listed.Items[i].Object, &n)
		if err == nil {
			err = request.ValidateNetworking(n)
		}
		if err != nil {
			problem = errors.Join(problem, fmt.Errorf("PodNetworking %s: %w", listed.Items[i].GetName(), err))
			continue
		}
		found = append(found, n)
	}
	return found, problem, nil
}

// asksForNamespaces says whether a selector asks for the labels of a namespace.
func (k *knownProfile) asksForNamespaces() bool {
	selects := func(s request.ProfileSelector) bool { return s.NamespaceSelector != nil }
	return slices.ContainsFunc(k.profile.Enforced, selects) || slices.ContainsFunc(k.profile.Selectors, selects) ||
		slices.ContainsFunc(k.networks, func(n request.PodNetworking) bool { return n.Spec.Selector.NamespaceSelector != nil })
}
