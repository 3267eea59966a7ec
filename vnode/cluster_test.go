package vnode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

// cluster is client-go's fake clientset with the behaviour of a real API server
// where the fake has none: resource versions, UIDs, generations, UID preconditions
// on patch and delete, graceful deletion, status writes that touch only status and
// metadata and do nothing when nothing changes.
type cluster struct {
	*fake.Clientset
	tracker clienttesting.ObjectTracker

	mu      sync.Mutex
	version int
	watches map[schema.GroupVersionResource]int // that were opened
	patches []string                            // bodies of status patches
	deletes []metav1.DeleteOptions
	fail    func(verb string) error // answers instead of the API server
}

var (
	podsResource = corev1.SchemeGroupVersion.WithResource("pods")
	podKind      = schema.GroupKind{Kind: "Pod"}
)

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{Clientset: &fake.Clientset{}, version: 100, watches: map[schema.GroupVersionResource]int{}}
	c.tracker = clienttesting.NewObjectTracker(scheme.Scheme, scheme.Codecs.UniversalDecoder())
	c.AddReactor("create", "pods", c.createPod)
	c.AddReactor("patch", "pods", c.patchPod)
	c.AddReactor("delete", "pods", c.deletePod)
	c.AddReactor("*", "*", clienttesting.ObjectReaction(c.tracker))
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w, err := c.tracker.Watch(a.GetResource(), a.GetNamespace())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watches[a.GetResource()]++
		return true, w, err
	})
	return c
}

// mustBeWatched waits until a resource has been watched n times. The fake's watches begin
// with the present: what changes between a client's list and its watch is never told.
func (c *cluster) mustBeWatched(t *testing.T, resource schema.GroupVersionResource, n int) {
	t.Helper()
	eventually(t, resource.Resource+" are watched", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.watches[resource] >= n
	})
}

func (c *cluster) nextVersion() string {
	c.version++
	return strconv.Itoa(c.version)
}

func (c *cluster) createPod(a clienttesting.Action) (bool, runtime.Object, error) {
	pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
	c.mu.Lock()
	defer c.mu.Unlock()
	pod.ResourceVersion = c.nextVersion()
	if pod.UID == "" {
		pod.UID = types.UID(fmt.Sprintf("uid-%s-%s", pod.Name, pod.ResourceVersion))
	}
	pod.Generation = 1
	if pod.Status.Phase == "" {
		pod.Status.Phase = corev1.PodPending
	}
	return true, pod, c.tracker.Create(podsResource, pod.DeepCopy(), pod.Namespace)
}

func (c *cluster) get(namespace, name string) (*corev1.Pod, error) {
	obj, err := c.tracker.Get(podsResource, namespace, name)
	if err != nil {
		return nil, err
	}
	return obj.(*corev1.Pod).DeepCopy(), nil
}

func (c *cluster) patchPod(a clienttesting.Action) (bool, runtime.Object, error) {
	patch := a.(clienttesting.PatchAction)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.patches = append(c.patches, string(patch.GetPatch()))
	if c.fail != nil {
		if err := c.fail("patch"); err != nil {
			return true, nil, err
		}
	}
	if patch.GetSubresource() != "status" || patch.GetPatchType() != types.StrategicMergePatchType {
		return true, nil, fmt.Errorf("unexpected patch %s of %q", patch.GetPatchType(), patch.GetSubresource())
	}
	old, err := c.get(patch.GetNamespace(), patch.GetName())
	if err != nil {
		return true, nil, err
	}
	merged, err := applyPatch(old, patch.GetPatch())
	if err != nil {
		return true, nil, err
	}
	if merged.UID != old.UID {
		return true, nil, apierrors.NewInvalid(podKind, old.Name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "uid"), merged.UID, "field is immutable")})
	}
	merged.Spec = old.Spec
	if equality.Semantic.DeepEqual(merged, old) {
		return true, old, nil
	}
	merged.ResourceVersion = c.nextVersion()
	return true, merged, c.tracker.Update(podsResource, merged.DeepCopy(), old.Namespace)
}

func applyPatch(old *corev1.Pod, patch []byte) (*corev1.Pod, error) {
	before, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
	if err != nil {
		return nil, err
	}
	merged := &corev1.Pod{}
	return merged, json.Unmarshal(after, merged)
}

func (c *cluster) deletePod(a clienttesting.Action) (bool, runtime.Object, error) {
	act := a.(clienttesting.DeleteActionImpl)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deletes = append(c.deletes, act.DeleteOptions)
	if c.fail != nil {
		if err := c.fail("delete"); err != nil {
			return true, nil, err
		}
	}
	pod, err := c.get(act.Namespace, act.Name)
	if err != nil {
		return true, nil, err
	}
	if p := act.DeleteOptions.Preconditions; p != nil && p.UID != nil && *p.UID != pod.UID {
		return true, nil, apierrors.NewConflict(podsResource.GroupResource(), pod.Name, fmt.Errorf("UID in precondition does not match"))
	}
	grace := int64(30)
	if g := act.DeleteOptions.GracePeriodSeconds; g != nil {
		grace = *g
	}
	if grace == 0 && len(pod.Finalizers) == 0 {
		return true, pod, c.tracker.Delete(podsResource, pod.Namespace, pod.Name)
	}
	pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(2000000000, 0)}
	pod.DeletionGracePeriodSeconds = &grace
	pod.ResourceVersion = c.nextVersion()
	return true, pod, c.tracker.Update(podsResource, pod, pod.Namespace)
}

// change edits a pod as its owner or another controller would.
func (c *cluster) change(t *testing.T, name string, edit func(*corev1.Pod)) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	pod, err := c.get("default", name)
	if err != nil {
		t.Fatalf("get pod %s: %v", name, err)
	}
	before := pod.DeepCopy()
	edit(pod)
	if !equality.Semantic.DeepEqual(before.Spec, pod.Spec) {
		pod.Generation++
	}
	pod.ResourceVersion = c.nextVersion()
	if err := c.tracker.Update(podsResource, pod, "default"); err != nil {
		t.Fatalf("update pod %s: %v", name, err)
	}
}

func (c *cluster) mustCreate(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := c.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("create pod %s: %v", pod.Name, err)
	}
	return created
}

func (c *cluster) mustDelete(t *testing.T, name string, grace int64) {
	t.Helper()
	if err := c.CoreV1().Pods("default").Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &grace}); err != nil {
		t.Fatalf("delete pod %s: %v", name, err)
	}
}

// pod returns a pod as it is now, or nil.
func (c *cluster) pod(name string) *corev1.Pod {
	pod, err := c.get("default", name)
	if err != nil {
		return nil
	}
	return pod
}

func (c *cluster) statusPatches() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.patches)
}

func (c *cluster) setFail(f func(verb string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = f
}

// newPod is a pod bound to the node, with one container.
func newPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PodSpec{
			NodeName:   "vk",
			Containers: []corev1.Container{{Name: "main", Image: "nginx"}},
		},
	}
}
