package provider

import (
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// classify turns an error into the class that virtual-kubelet's predicates
// know. It is the last thing that happens to an error: those predicates do not
// see through %w. A refused pod, a parameter that the cloud rejects and a
// missing permission will not heal by themselves and fail the pod; all else, an
// expired key of ours included, is tried again.
func classify(err error) error {
	if err != nil && !eipTrouble(err) && (request.IsRefused(err) || eci.IsInvalid(err) || eci.IsForbidden(err)) {
		return errdefs.AsInvalidInput(err)
	}
	return err
}

// notFound says that the provider has nothing of the pod.
func notFound(namespace, name string) error {
	return errdefs.AsNotFound(fmt.Errorf("pod %s/%s is not on this node", namespace, name))
}
