package vnode

import (
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// maxShared bounds the encoded bytes of the parts that are remembered, for they
// outlive their pods: what comes after that many is shared anew.
const maxShared = 4 << 20

// slimmer makes the pods of the informer small before anybody sees them: what
// they have in common with each other, as the pods of a workload have most of
// their spec, and with what the provider reported is kept once. The pods are equal
// to what they were, and as read-only as everything of an informer.
type slimmer struct {
	index cache.Indexer // of the informer
	pods  *memory

	mu    sync.Mutex
	parts map[string]any // by kind and encoding
	size  int            // of the keys, in bytes
}

func newSlimmer(index cache.Indexer, pods *memory) *slimmer {
	return &slimmer{index: index, pods: pods, parts: map[string]any{}}
}

// transform is a cache.TransformFunc for the informer of the index. It takes
// managedFields off as well. A pod that leaves is not worth more.
func (s *slimmer) transform(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return StripManagedFields(obj)
	}
	pod.ManagedFields = nil
	if pod.DeletionTimestamp != nil {
		return pod, nil
	}
	if e, known := s.pods.read(pod.UID); known && e.reported != nil {
		shareReport(pod, e.reported)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := podByUID(s.index, pod.UID); old != nil && old.Generation != 0 && old.Generation == pod.Generation {
		pod.Spec = old.Spec
	} else {
		s.shareSpec(&pod.Spec)
	}
	pod.Labels = share(s, 'l', pod.Labels, &metav1.ObjectMeta{Labels: pod.Labels})
	pod.OwnerReferences = share(s, 'o', pod.OwnerReferences, &metav1.ObjectMeta{OwnerReferences: pod.OwnerReferences})
	return pod, nil
}

func (s *slimmer) shareSpec(spec *corev1.PodSpec) {
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			// The name of the volume of the token is another one in each pod.
			mounts := containers[i].VolumeMounts
			containers[i].VolumeMounts = nil
			containers[i] = share(s, 'c', containers[i], &containers[i])
			containers[i].VolumeMounts = mounts
		}
	}
	for i := range spec.Volumes {
		source := &spec.Volumes[i].VolumeSource
		*source = share(s, 'v', *source, source)
	}
	spec.Tolerations = share(s, 't', spec.Tolerations, &corev1.PodSpec{Tolerations: spec.Tolerations})
	spec.Affinity = share(s, 'a', spec.Affinity, &corev1.PodSpec{Affinity: spec.Affinity})
	spec.NodeName = share(s, 'n', spec.NodeName, &corev1.PodSpec{NodeName: spec.NodeName})
}

// share returns the first part of this kind that was encoded like this one.
func share[T any](s *slimmer, kind byte, part T, message interface{ Marshal() ([]byte, error) }) T {
	encoded, err := message.Marshal()
	if err != nil {
		return part
	}
	key := string(append(encoded, kind))
	if first, ok := s.parts[key].(T); ok {
		return first
	}
	if s.size += len(key); s.size > maxShared {
		clear(s.parts)
		s.size = len(key)
	}
	s.parts[key] = part
	return part
}

// shareReport takes over from a report what the API server has the same.
func shareReport(pod *corev1.Pod, r *report) {
	theirs, ours := &pod.Status, &r.Status
	if maps.Equal(pod.Annotations, r.Annotations) {
		pod.Annotations = r.Annotations
	}
	if slices.EqualFunc(theirs.Conditions, ours.Conditions, sameCondition) {
		theirs.Conditions = ours.Conditions
	}
	for _, list := range []struct{ theirs, ours *[]corev1.ContainerStatus }{
		{&theirs.InitContainerStatuses, &ours.InitContainerStatuses},
		{&theirs.ContainerStatuses, &ours.ContainerStatuses},
		{&theirs.EphemeralContainerStatuses, &ours.EphemeralContainerStatuses},
	} {
		if len(*list.theirs) > 0 && len(*list.theirs) == len(*list.ours) && equality.Semantic.DeepEqual(*list.theirs, *list.ours) {
			*list.theirs = *list.ours
		}
	}
}

// sameCondition compares times in whole seconds: that is what the API server keeps.
func sameCondition(a, b corev1.PodCondition) bool {
	same := a.LastTransitionTime.Unix() == b.LastTransitionTime.Unix() && a.LastProbeTime.Unix() == b.LastProbeTime.Unix()
	a.LastTransitionTime, a.LastProbeTime = b.LastTransitionTime, b.LastProbeTime
	return same && a == b
}
