package vnode

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Reasons of events and statuses, those of the virtual-kubelet library.
const (
	reasonProviderFailed = "ProviderFailed"
	reasonCreateFailed   = "ProviderCreateFailed"
	reasonUpdateFailed   = "ProviderUpdateFailed"
	reasonDeleteFailed   = "ProviderDeleteFailed"
)

// reconcile makes the provider's side of one pod what the API server asks for.
func (c *podController) reconcile(ctx context.Context, uid types.UID) error {
	r, ok := c.pods.begin(uid)
	if !ok {
		return nil
	}
	defer func() {
		if c.pods.end(uid) {
			c.enqueue(uid)
		}
	}()
	switch {
	case r.gone:
		return c.release(ctx, r)
	case r.pod.DeletionTimestamp != nil:
		return c.stop(ctx, r)
	case r.failure != nil && r.failure.lasting:
		return nil
	case isTerminal(r.pod.Status.Phase):
		return c.stopEnded(ctx, r)
	case !r.known:
		return c.start(ctx, r)
	case !c.sameForProvider(r.told, r.pod):
		return c.update(ctx, r.pod)
	}
	return nil
}

// start creates a pod, unless the provider has it already: it may have outlived us.
func (c *podController) start(ctx context.Context, r entry) error {
	got, err := c.lookUp(ctx, r.pod)
	if err != nil {
		return fmt.Errorf("look for pod before creating it: %w", err)
	}
	if got == nil {
		return c.create(ctx, r.pod)
	}
	// The generation of the provider's copy says nothing about its spec.
	told := *got
	told.Generation = 0
	c.pods.change(r.pod.UID, func(r *entry) {
		r.known, r.told, r.failure = true, &told, nil
		if r.reported == nil && got.Status.Phase != "" {
			r.reported = c.reportOf(got)
		}
	})
	c.statusChanged(r.pod.UID)
	if c.sameForProvider(&told, r.pod) {
		c.pods.change(r.pod.UID, func(e *entry) { e.told = r.pod })
		return nil
	}
	return c.update(ctx, r.pod)
}

// lookUp asks the provider for a pod and returns nil if it does not have this
// very one; a namesake does not count.
func (c *podController) lookUp(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	var got *corev1.Pod
	err := c.calls.call(ctx, opGet, func() (err error) {
		got, err = c.provider.GetPod(ctx, pod.Namespace, pod.Name)
		return err
	})
	if errdefs.IsNotFound(err) || (err == nil && (got == nil || got.UID != pod.UID)) {
		return nil, nil
	}
	return got, err
}

func (c *podController) create(ctx context.Context, pod *corev1.Pod) error {
	err := c.calls.call(ctx, opCreate, func() error { return c.provider.CreatePod(ctx, pod) })
	if err == nil {
		log.G(ctx).Debug("pod created in provider")
		c.pods.change(pod.UID, func(r *entry) {
			r.known, r.told, r.failure = true, pod, nil
			if c.sameForProvider(pod, r.pod) {
				r.told = r.pod // and the older object can be let go
			}
		})
		c.statusChanged(pod.UID)
		return nil
	}
	if waits(err) {
		return fmt.Errorf("create pod in provider: %w", err)
	}
	message := shortened(err.Error())
	c.recorder.Event(pod, corev1.EventTypeWarning, reasonCreateFailed, message)
	failure := &createFailure{message: message, lasting: errdefs.IsInvalidInput(err)}
	c.pods.change(pod.UID, func(r *entry) { r.failure = failure })
	c.statusChanged(pod.UID)
	if failure.lasting {
		log.G(ctx).WithError(err).Info("pod refused by provider")
		return nil
	}
	return fmt.Errorf("create pod in provider: %w", err)
}

// maxMessage bounds, in bytes, what is told of a create that failed: an error can
// have a line for each of ten thousand variables, and an object that is too large
// for the API server would be written for ever.
const maxMessage = 4 << 10

func shortened(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " ..."
}

func (c *podController) update(ctx context.Context, pod *corev1.Pod) error {
	err := c.calls.call(ctx, opUpdate, func() error { return c.provider.UpdatePod(ctx, pod) })
	if waits(err) {
		return fmt.Errorf("update pod in provider: %w", err)
	}
	if err != nil {
		c.recorder.Event(pod, corev1.EventTypeWarning, reasonUpdateFailed, err.Error())
		if !errdefs.IsInvalidInput(err) {
			return fmt.Errorf("update pod in provider: %w", err)
		}
		// Trying the same again would not help: wait for another change.
	}
	c.pods.change(pod.UID, func(r *entry) { r.told = pod })
	c.statusChanged(pod.UID)
	return nil
}
