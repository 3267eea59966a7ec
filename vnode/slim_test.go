package vnode

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// replicaOf is a pod of a workload as an API server gives it, decoded anew.
func replicaOf(i int, change ...func(*corev1.Pod)) *corev1.Pod {
	name := fmt.Sprint("web-", i)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "shop", UID: types.UID(name), Labels: map[string]string{"app": "web"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web", UID: "1"}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: corev1.PodSpec{
			NodeName:    "virtual-kubelet",
			Tolerations: []corev1.Toleration{{Key: "virtual-kubelet.io/provider", Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name: "app", Image: "nginx", Env: []corev1.EnvVar{{Name: "MODE", Value: "shop"}},
				Resources:    corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}},
				VolumeMounts: []corev1.VolumeMount{{Name: fmt.Sprint("token-", i), MountPath: "/token"}},
			}},
			Volumes: []corev1.Volume{{Name: fmt.Sprint("token-", i), VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3607)}}},
			}}}},
		},
	}
	for _, f := range change {
		f(pod)
	}
	return pod
}

func emptyIndex() cache.Indexer {
	return cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{uidIndex: podUID})
}

// slimmed puts a pod through the transform and checks that it is the same pod.
func slimmed(t *testing.T, s *slimmer, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	want := pod.DeepCopy()
	want.ManagedFields = nil
	got, err := s.transform(pod)
	if err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(got, want) {
		t.Fatalf("transformed to\n%+v\nwant\n%+v", got, want)
	}
	return got.(*corev1.Pod)
}

func TestPodsOfAWorkloadShareWhatIsTheSame(t *testing.T) {
	s := newSlimmer(emptyIndex(), newMemory())
	one, two := slimmed(t, s, replicaOf(1)), slimmed(t, s, replicaOf(2))
	if a, b := one.Spec.Containers[0], two.Spec.Containers[0]; unsafe.SliceData(a.Env) != unsafe.SliceData(b.Env) || unsafe.StringData(a.Image) != unsafe.StringData(b.Image) {
		t.Error("the containers are kept twice")
	}
	if one.Spec.Volumes[0].Projected != two.Spec.Volumes[0].Projected {
		t.Error("the sources of the volumes are kept twice")
	}
	if unsafe.SliceData(one.Spec.Tolerations) != unsafe.SliceData(two.Spec.Tolerations) || unsafe.SliceData(one.OwnerReferences) != unsafe.SliceData(two.OwnerReferences) {
		t.Error("the tolerations or the owners are kept twice")
	}
}

// What is only nearly the same stays apart: slimmed compares each with what it was.
func TestPodsThatDifferStayAsTheyAre(t *testing.T) {
	s := newSlimmer(emptyIndex(), newMemory())
	slimmed(t, s, replicaOf(1))
	for i, change := range []func(*corev1.Pod){
		func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2" },
		func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = p.Spec.Containers[0].Resources.Requests },
		func(p *corev1.Pod) { p.Spec.InitContainers, p.Spec.Containers = p.Spec.Containers, nil },
		func(p *corev1.Pod) { p.Spec.Volumes[0].Projected.DefaultMode = ptr.To[int32](0o400) },
		func(p *corev1.Pod) { p.Spec.Tolerations = nil },
		func(p *corev1.Pod) { p.Labels["app"] = "other" },
		func(p *corev1.Pod) { p.Labels, p.Annotations = nil, p.Labels },
		func(p *corev1.Pod) { p.OwnerReferences[0].UID = "2" },
	} {
		slimmed(t, s, replicaOf(10+i, change))
	}
}

// Whoever may make pods must not fill the memory of the node with what they had.
func TestWhatIsRememberedOfPodsIsBounded(t *testing.T) {
	s := newSlimmer(emptyIndex(), newMemory())
	const long = maxShared / 10
	for i := range 25 {
		slimmed(t, s, replicaOf(i, func(p *corev1.Pod) {
			p.Spec.Containers[0].Env[0].Value = fmt.Sprint(i) + strings.Repeat("x", long)
		}))
		size := 0
		for key := range s.parts {
			size += len(key)
		}
		if size > maxShared || size != s.size || len(s.parts) == 0 {
			t.Fatalf("after %d pods %d bytes are remembered and %d counted, want %d at most", i+1, size, s.size, maxShared)
		}
	}
}

func TestAPodSharesItsSpecWithItsEarlierSelf(t *testing.T) {
	index := emptyIndex()
	s := newSlimmer(index, newMemory())
	generation := func(n int64) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Generation = n } }
	first := slimmed(t, s, replicaOf(1, generation(1)))
	if err := index.Add(first); err != nil {
		t.Fatal(err)
	}
	again := slimmed(t, s, replicaOf(1, generation(1)))
	if unsafe.SliceData(again.Spec.Containers) != unsafe.SliceData(first.Spec.Containers) {
		t.Error("the same spec is kept twice")
	}
	slimmed(t, s, replicaOf(1, generation(2), func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nginx:2" }))
	leaving := slimmed(t, s, replicaOf(1, generation(1), func(p *corev1.Pod) { p.DeletionTimestamp = ptr.To(metav1.Now()) }))
	if unsafe.SliceData(leaving.Spec.Containers) == unsafe.SliceData(first.Spec.Containers) {
		t.Error("time is spent on a pod that leaves")
	}
}

func TestAPodSharesItsStatusWithTheReport(t *testing.T) {
	pods := newMemory()
	s := newSlimmer(emptyIndex(), pods)
	at := time.Unix(1700000000, 0)
	status := func(at time.Time, ready corev1.ConditionStatus) corev1.PodStatus {
		return corev1.PodStatus{
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.NewTime(at)}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: ready == corev1.ConditionTrue}},
		}
	}
	annotations := func() map[string]string { return map[string]string{ownedPrefix + "id": "eci-1"} }
	pods.observe(replicaOf(1))
	reported := &report{Status: status(at.Add(300*time.Millisecond), corev1.ConditionTrue), Annotations: annotations()}
	pods.change("web-1", func(e *entry) { e.reported = reported })
	written := func(ready corev1.ConditionStatus) *corev1.Pod {
		return replicaOf(1, func(p *corev1.Pod) { p.Status, p.Annotations = status(at, ready), annotations() })
	}

	got, err := s.transform(written(corev1.ConditionTrue))
	if err != nil {
		t.Fatal(err)
	}
	pod := got.(*corev1.Pod)
	if unsafe.SliceData(pod.Status.Conditions) != unsafe.SliceData(reported.Status.Conditions) ||
		unsafe.SliceData(pod.Status.ContainerStatuses) != unsafe.SliceData(reported.Status.ContainerStatuses) {
		t.Error("what was written and what was reported are kept apart")
	}
	slimmed(t, s, written(corev1.ConditionFalse)) // somebody else's status stays
}
