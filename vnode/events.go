package vnode

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/cache"
)

// handlers turns what the informer sees into work.
func (c *podController) handlers() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if pod, ok := obj.(*corev1.Pod); ok {
				c.podAppeared(pod)
			}
		},
		UpdateFunc: func(before, after any) {
			old, ok1 := before.(*corev1.Pod)
			pod, ok2 := after.(*corev1.Pod)
			if ok1 && ok2 {
				c.podChanged(old, pod)
			}
		},
		DeleteFunc: func(obj any) {
			// A watch that broke may have missed the deletion itself: the
			// informer then only knows that the pod is gone.
			if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tombstone.Obj
			}
			if pod, ok := obj.(*corev1.Pod); ok {
				c.podDisappeared(pod)
			}
		},
	}
}

func (c *podController) podAppeared(pod *corev1.Pod) {
	c.pods.observe(pod)
	c.enqueue(pod.UID)
}

func (c *podController) podChanged(old, pod *corev1.Pod) {
	// After a relist, a pod and its successor of the same name look like one update.
	if old.UID != pod.UID {
		c.podDisappeared(old)
		c.podAppeared(pod)
		return
	}
	c.pods.observe(pod)
	// A status alone, if it is not the end, gives the provider nothing to do. If it did,
	// the status that a failed create leaves behind would call off the pause before the
	// next one.
	ends := !isTerminal(old.Status.Phase) && isTerminal(pod.Status.Phase)
	if ends || !sameDeletion(old, pod) || !c.sameForProvider(old, pod) {
		c.enqueue(pod.UID)
	} else {
		// The same to the provider: let go of the older object.
		c.pods.change(pod.UID, func(e *entry) {
			if e.told != nil && c.sameForProvider(e.told, pod) {
				e.told = pod
			}
		})
	}
	c.statusChanged(pod.UID)
}

func (c *podController) podDisappeared(pod *corev1.Pod) {
	c.pods.bury(pod)
	c.enqueue(pod.UID)
}

// sameForProvider says that a and b ask the same of the provider: same spec,
// labels and annotations, those aside that the provider writes itself.
func (c *podController) sameForProvider(a, b *corev1.Pod) bool {
	return sameSpec(a, b) && maps.Equal(a.Labels, b.Labels) &&
		c.hasAnnotationsOf(a, b) && c.hasAnnotationsOf(b, a)
}

func sameSpec(a, b *corev1.Pod) bool {
	// The generation moves with the spec; API servers before 1.33 leave it at 0.
	if a.Generation != 0 && a.Generation == b.Generation {
		return true
	}
	return equality.Semantic.DeepEqual(a.Spec, b.Spec)
}

// hasAnnotationsOf says that a has the annotations of b, the provider's own aside.
func (c *podController) hasAnnotationsOf(a, b *corev1.Pod) bool {
	for key, value := range b.Annotations {
		if there, ok := a.Annotations[key]; (!ok || there != value) && !c.owns(key) {
			return false
		}
	}
	return true
}

func sameDeletion(a, b *corev1.Pod) bool {
	return (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) && gracePeriod(a) == gracePeriod(b)
}

func gracePeriod(pod *corev1.Pod) int64 {
	if pod.DeletionGracePeriodSeconds == nil {
		return 0
	}
	return *pod.DeletionGracePeriodSeconds
}
