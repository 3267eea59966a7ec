package vnode

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// uidIndex is the index of NewPodInformer under which a pod's UID finds the pod.
const uidIndex = "uid"

// NewPodInformer watches the pods that are bound to nodeName, whole but for
// managedFields, which nobody here reads and which are most of a pod's size.
// VirtualNode.Run starts it; add event handlers before.
func NewPodInformer(client kubernetes.Interface, nodeName string) cache.SharedIndexInformer {
	informer := coreinformers.NewFilteredPodInformer(client, metav1.NamespaceAll, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc, uidIndex: podUID},
		func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", nodeName).String()
		})
	// An informer that did not start yet takes a transform: the error cannot happen.
	if err := informer.SetTransform(StripManagedFields); err != nil {
		panic(fmt.Sprintf("set transform on a new informer: %v", err))
	}
	return informer
}

func podUID(obj any) ([]string, error) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("index pod by UID: %w", err)
	}
	return []string{string(m.GetUID())}, nil
}

// StripManagedFields is a transform for informers: it takes managedFields off, of
// any object.
func StripManagedFields(obj any) (any, error) {
	if m, err := meta.Accessor(obj); err == nil {
		m.SetManagedFields(nil)
	}
	return obj, nil
}

// podByUID finds a pod in the informer's cache; nil if there is none.
func podByUID(index cache.Indexer, uid types.UID) *corev1.Pod {
	objs, err := index.ByIndex(uidIndex, string(uid))
	if err != nil || len(objs) == 0 {
		return nil
	}
	pod, _ := objs[0].(*corev1.Pod)
	return pod
}

// listPods returns the pods in the informer's cache. They are shared: read only.
func listPods(index cache.Indexer) []*corev1.Pod {
	objs := index.List()
	pods := make([]*corev1.Pod, 0, len(objs))
	for _, obj := range objs {
		if pod, ok := obj.(*corev1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	return pods
}
