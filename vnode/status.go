package vnode

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// notify takes a report of the provider. It only remembers it, so that the
// provider is never held up: the newest report of a pod is the one that counts.
func (c *podController) notify(pod *corev1.Pod) {
	if pod == nil {
		return
	}
	uid := pod.UID
	if uid == "" {
		uid = c.uidOf(pod.Namespace, pod.Name)
	}
	report := c.reportOf(pod)
	remember := func(e *entry) {
		// Reports can overtake each other on their way here; an end is the last word.
		if e.reported == nil || !isTerminal(e.reported.Status.Phase) || isTerminal(report.Status.Phase) {
			e.reported = report
		}
	}
	if !c.pods.change(uid, remember) {
		// The informer may have the pod in its cache and not yet have told us.
		known := podByUID(c.informer.GetIndexer(), uid)
		if known == nil {
			return
		}
		c.pods.observe(known)
		c.pods.change(uid, remember)
	}
	c.statusChanged(uid)
}

// statusChanged has the status of a pod written. While a pod comes up or goes, one
// state follows another, and its status waits a moment for the next: most pods that
// are fast in that cost one write. Whatever matters to others is written at once.
func (c *podController) statusChanged(uid types.UID) {
	if e, ok := c.pods.read(uid); ok && (e.comingUp() || e.leaving()) {
		c.updates.AddAfter(uid, c.pendingPause)
		return
	}
	c.updates.Add(uid)
}

// reportOf shares with the provider's pod what it can.
func (c *podController) reportOf(pod *corev1.Pod) *report {
	owned := 0
	for key := range pod.Annotations {
		if c.owns(key) {
			owned++
		}
	}
	if owned == len(pod.Annotations) {
		return &report{Status: pod.Status, Annotations: pod.Annotations}
	}
	r := &report{Status: pod.Status, Annotations: make(map[string]string, owned)}
	for key, value := range pod.Annotations {
		if c.owns(key) {
			r.Annotations[key] = value
		}
	}
	return r
}

// uidOf finds the UID for providers that leave it out.
func (c *podController) uidOf(namespace, name string) types.UID {
	obj, ok, err := c.informer.GetIndexer().GetByKey(namespace + "/" + name)
	if err != nil || !ok {
		return ""
	}
	return obj.(*corev1.Pod).UID
}

// syncStatus writes the status of a pod if it differs from the API server's, and
// removes the object of a deleted pod once that was its last status.
func (c *podController) syncStatus(ctx context.Context, uid types.UID) error {
	e, ok := c.pods.read(uid)
	if !ok || e.gone {
		return nil
	}
	if c.endIsDoubtful(e) {
		c.pods.change(uid, func(e *entry) { e.ended, e.endedAs, e.asked = false, nil, time.Time{} })
		c.deletes.Add(uid)
		return nil
	}
	current, err := c.writeStatus(ctx, e)
	if apierrors.IsInvalid(err) && e.finished() {
		// No status is worth an object that can never leave.
		log.G(ctx).WithError(err).Warn("final status of pod refused, removing it without")
		current, err = true, nil
	}
	if err != nil {
		return err
	}
	if !current || e.removed || !e.finished() {
		return nil
	}
	if e, ok = c.pods.read(uid); !ok || e.gone || c.endIsDoubtful(e) {
		return nil // the event that changed it has queued it again
	}
	return c.remove(ctx, e.pod)
}

// writeStatus is true when the API server has the status that the pod should
// have, as far as it takes it, and false when that is to be looked at again.
func (c *podController) writeStatus(ctx context.Context, e entry) (current bool, err error) {
	if isLeaving(e.pod) {
		return true, nil
	}
	want := desiredStatus(e, metav1.NewTime(c.clock.Now()))
	patch, err := statusPatch(e.pod, want, changedAnnotations(e))
	if err != nil || patch == nil {
		return err == nil, err
	}
	// Nobody wrote since we sent this very patch: the API server has its own mind
	// about some field, and sending it again would go on for ever.
	if e.sentVersion != "" && e.sentVersion == e.pod.ResourceVersion && e.sent == sha256.Sum256(patch) {
		return true, nil
	}
	start := c.clock.Now()
	fenced := withVersion(patch, e.pod.ResourceVersion)
	got, err := c.client.CoreV1().Pods(e.pod.Namespace).Patch(ctx, e.pod.Name, types.StrategicMergePatchType, fenced, metav1.PatchOptions{}, "status")
	c.metrics.apiWrite(opStatus, err, c.clock.Since(start))
	if apierrors.IsNotFound(err) || isOtherUID(err) {
		return true, nil // the informer will say so
	}
	if apierrors.IsConflict(err) {
		return false, c.lookAgain(ctx, e.pod, err)
	}
	if err != nil {
		return false, fmt.Errorf("patch status of pod: %w", err)
	}
	if e.pod.Status.Phase != want.Phase {
		log.G(ctx).WithField("phase", string(want.Phase)).Info("pod changed phase")
	}
	got.ManagedFields = nil
	c.pods.learn(got)
	c.pods.change(got.UID, func(e *entry) { e.sent, e.sentVersion = sha256.Sum256(patch), got.ResourceVersion })
	return true, nil
}

// isLeaving says that nothing keeps the object of a pod any more: it was forced
// away, or we removed it. The API server takes a patch of such an object for its
// last finalizer going, and deletes what has the name by then: a successor too.
func isLeaving(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil && gracePeriod(pod) == 0 && len(pod.Finalizers) == 0
}

// lookAgain is for a pod that somebody wrote before us: the status is to be
// computed anew from what is there now, which the watch may take a while to tell.
func (c *podController) lookAgain(ctx context.Context, pod *corev1.Pod, conflict error) error {
	got, err := c.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || got.UID == pod.UID && got.ResourceVersion == pod.ResourceVersion {
		return fmt.Errorf("patch status of pod: %w", conflict)
	}
	if got.UID == pod.UID {
		got.ManagedFields = nil
		c.pods.learn(got)
		c.updates.AddRateLimited(pod.UID)
	}
	return nil
}

// changedAnnotations are those of the provider's that the API server has not, or not so.
func changedAnnotations(e entry) map[string]string {
	if e.reported == nil {
		return nil
	}
	changed := map[string]string{}
	for key, value := range e.reported.Annotations {
		if there, ok := e.pod.Annotations[key]; !ok || there != value {
			changed[key] = value
		}
	}
	return changed
}

// isOtherUID says that a patch met another pod of the same name: the API server
// calls that an attempt to change metadata.uid.
func isOtherUID(err error) bool {
	if !apierrors.IsInvalid(err) {
		return false
	}
	status, ok := err.(apierrors.APIStatus)
	if !ok || status.Status().Details == nil {
		return false
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Field == "metadata.uid" {
			return true
		}
	}
	return false
}

// remove takes the object of an ended pod out of the API server, if it is still
// as it was seen: another leader may have written there what it made meanwhile.
func (c *podController) remove(ctx context.Context, pod *corev1.Pod) error {
	start := c.clock.Now()
	err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0),
		Preconditions:      &metav1.Preconditions{UID: &pod.UID, ResourceVersion: &pod.ResourceVersion},
	})
	c.metrics.apiWrite(opRemove, err, c.clock.Since(start))
	if apierrors.IsConflict(err) {
		err = c.confirmReplaced(ctx, pod, err)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove ended pod: %w", err)
	}
	c.pods.change(pod.UID, func(e *entry) { e.removed = true })
	return nil
}

// confirmReplaced clears a conflict that came from the UID: another pod has the
// name by now. Other conflicts are returned, to be retried with the pod as it is
// now.
func (c *podController) confirmReplaced(ctx context.Context, pod *corev1.Pod, conflict error) error {
	got, err := c.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || (err == nil && got.UID != pod.UID) {
		return nil
	}
	if err == nil {
		got.ManagedFields = nil
		c.pods.learn(got)
	}
	return conflict
}
