package vnode

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
)

// stop asks the provider to end a pod that has a deletion timestamp, and leaves
// the rest to the status workers: they remove the object when the end is reported.
// It asks again when the grace period changes, and from time to time in case a
// report got lost.
func (c *podController) stop(ctx context.Context, r entry) error {
	asked, uid, grace := r.pod, r.pod.UID, gracePeriod(r.pod)
	if r.ended || r.finished() {
		return nil // that we remove the object looks like a delete with another grace period
	}
	if !r.asked.IsZero() && r.askedGrace == grace {
		if wait := c.deleteRecheck - c.clock.Since(r.asked); wait > 0 {
			c.deletes.AddAfter(uid, wait)
			return nil
		}
	}
	ended, err := c.delete(ctx, r.pod)
	if err != nil {
		return err
	}
	var last *report
	if !ended && r.reported == nil {
		last = c.lastWord(ctx, r.pod)
	}
	c.pods.change(uid, func(r *entry) {
		r.asked, r.askedGrace, r.ended, r.endedAs = c.clock.Now(), grace, ended, asked
		if r.reported == nil {
			r.reported = last
		}
	})
	c.statusChanged(uid)
	if !ended {
		c.deletes.AddAfter(uid, c.deleteRecheck)
	}
	return nil
}

// stopEnded asks the provider to stop a pod that has ended at the API server and runs on:
// somebody else has declared its end, which is final, and what runs of it would run,
// and cost, for as long as the object stays.
func (c *podController) stopEnded(ctx context.Context, r entry) error {
	if r.ended || r.reported != nil && isTerminal(r.reported.Status.Phase) {
		return nil
	}
	got, err := c.lookUp(ctx, r.pod)
	if err != nil {
		return fmt.Errorf("look for a pod that has ended: %w", err)
	}
	if got == nil || isTerminal(got.Status.Phase) {
		return nil
	}
	log.G(ctx).WithField("phase", r.pod.Status.Phase).Info("pod has ended at the API server and runs; stopping it")
	ended, err := c.delete(ctx, r.pod)
	if err != nil {
		return err
	}
	c.pods.change(r.pod.UID, func(r *entry) { r.ended = r.ended || ended })
	return nil
}

// endIsDoubtful says that the pod's object tells more of the provider's side than
// the provider knew when it said that nothing of the pod runs: another leader has
// written there what it made meanwhile.
func (c *podController) endIsDoubtful(e entry) bool {
	if !e.ended || e.removed || e.endedAs == nil {
		return false
	}
	for key, value := range e.pod.Annotations {
		known := e.endedAs.Annotations[key] == value || e.reported != nil && e.reported.Annotations[key] == value
		if c.owns(key) && !known {
			return true
		}
	}
	return false
}

// lastWord returns the pod if the provider shows it as ended, or nil. A pod that
// ended before we started is not reported again, and a provider that no longer
// shows a pod may only be hiding that it still ends: that proves nothing.
func (c *podController) lastWord(ctx context.Context, pod *corev1.Pod) *report {
	got, err := c.lookUp(ctx, pod)
	if err != nil || got == nil || !isTerminal(got.Status.Phase) {
		return nil
	}
	return c.reportOf(got)
}

// release lets go of a pod that the API server no longer has. Unless the provider
// said that it ended, it is asked to stop it: the object may have been forced away
// while the pod runs.
func (c *podController) release(ctx context.Context, r entry) error {
	if !r.ended && !r.finished() {
		if _, err := c.delete(ctx, r.pod); err != nil {
			return err
		}
	}
	log.G(ctx).Debug("pod gone")
	c.pods.forget(r.pod.UID)
	return nil
}

// NotYetError is an error of CreatePod, UpdatePod or DeletePod that tells of no failure:
// something else has to happen before, and the provider is asked again as after an
// error. The user is not told.
type NotYetError interface {
	error
	// NotYet reports whether the error is of that kind.
	NotYet() bool
}

// waits reports whether err is a NotYetError.
func waits(err error) bool {
	var notYet NotYetError
	return errors.As(err, &notYet) && notYet.NotYet()
}

// delete calls DeletePod and reports whether the provider has nothing of the pod.
func (c *podController) delete(ctx context.Context, pod *corev1.Pod) (ended bool, err error) {
	err = c.calls.call(ctx, opDelete, func() error { return c.provider.DeletePod(ctx, pod) })
	if errdefs.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		if !waits(err) {
			c.recorder.Event(pod, corev1.EventTypeWarning, reasonDeleteFailed, err.Error())
		}
		return false, fmt.Errorf("delete pod in provider: %w", err)
	}
	return false, nil
}
