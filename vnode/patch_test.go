package vnode

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"
)

// randomStatus has few values of each field, so that two statuses agree in some.
func randomStatus(r *rand.Rand) corev1.PodStatus {
	text := func() string { return []string{"", "a", "b"}[r.IntN(3)] }
	at := func() metav1.Time {
		return []metav1.Time{{}, metav1.NewTime(time.Unix(1e9, 0)), metav1.NewTime(time.Unix(1e9, 5e8)), metav1.NewTime(time.Unix(2e9, 0))}[r.IntN(4)]
	}
	s := corev1.PodStatus{
		ObservedGeneration: int64(r.IntN(3)), Phase: corev1.PodPhase(text()), Message: text(), Reason: text(),
		HostIP: text(), PodIP: text(), QOSClass: corev1.PodQOSClass(text()),
	}
	if s.PodIP != "" {
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
	if t := at(); !t.IsZero() {
		s.StartTime = &t
	}
	for _, kind := range []corev1.PodConditionType{"One", "Two", "Three"} {
		if r.IntN(4) > 0 {
			s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionStatus("S" + text()),
				Reason: text(), Message: text(), LastProbeTime: at(), LastTransitionTime: at(), ObservedGeneration: int64(r.IntN(2))})
		}
	}
	for range r.IntN(3) {
		c := corev1.ContainerStatus{Name: "c" + text(), Ready: r.IntN(2) == 0, Image: text(), Started: ptr.To(r.IntN(2) == 0)}
		if r.IntN(2) == 0 {
			c.State.Running = &corev1.ContainerStateRunning{StartedAt: at()}
		}
		s.ContainerStatuses = append(s.ContainerStatuses, c)
	}
	return s
}

// throughJSON is a status as the API server keeps it.
func throughJSON(t *testing.T, s corev1.PodStatus) corev1.PodStatus {
	t.Helper()
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out corev1.PodStatus
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The order of conditions is the API server's own: it keeps what it has.
func byType(s corev1.PodStatus) map[corev1.PodConditionType]corev1.PodCondition {
	conditions := map[corev1.PodConditionType]corev1.PodCondition{}
	for _, c := range s.Conditions {
		conditions[c.Type] = c
	}
	return conditions
}

func TestAPatchAppliedToTheOldStatusGivesTheNewOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	quick := 0
	for range 5000 {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u"}, Status: throughJSON(t, randomStatus(r))}
		want := randomStatus(r)
		if r.IntN(2) == 0 { // most statuses are close to the one before
			near := *pod.Status.DeepCopy()
			near.Phase, near.ContainerStatuses, near.Message = want.Phase, want.ContainerStatuses, want.Message
			want = near
		}
		if _, ok := statusDiff(&pod.Status, &want); ok {
			quick++
		}
		patch, err := statusPatch(pod, want, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := *pod
		if patch != nil {
			before, _ := json.Marshal(pod)
			after, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
			if err != nil {
				t.Fatalf("patch %s: %v", patch, err)
			}
			got = corev1.Pod{}
			if err := json.Unmarshal(after, &got); err != nil {
				t.Fatal(err)
			}
		}
		want = throughJSON(t, want)
		if !equality.Semantic.DeepEqual(byType(got.Status), byType(want)) {
			t.Fatalf("conditions after %s:\n%+v, want\n%+v", patch, got.Status.Conditions, want.Conditions)
		}
		got.Status.Conditions, want.Conditions = nil, nil
		if !equality.Semantic.DeepEqual(got.Status, want) {
			t.Fatalf("status after %s:\n%+v, want\n%+v", patch, got.Status, want)
		}
		if got.UID != "u" {
			t.Fatalf("patch %s changed the UID", patch)
		}
	}
	if quick < 2000 {
		t.Errorf("only %d of 5000 patches were made without going through JSON", quick)
	}
}

func TestAStatusThatDiffersInFractionsOfSecondsOnlyIsNotWritten(t *testing.T) {
	at := metav1.NewTime(time.Unix(1e9, 0))
	pod := &corev1.Pod{Status: corev1.PodStatus{StartTime: &at,
		Conditions:        []corev1.PodCondition{{Type: "A", Status: "True", LastTransitionTime: at}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "a", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}}}}}
	want := *pod.Status.DeepCopy()
	later := metav1.NewTime(time.Unix(1e9, 1e8))
	want.StartTime, want.Conditions[0].LastTransitionTime, want.ContainerStatuses[0].State.Running.StartedAt = &later, later, later
	if patch, err := statusPatch(pod, want, nil); patch != nil || err != nil {
		t.Errorf("patch %s, %v", patch, err)
	}
}

func BenchmarkStatusPatchOfAPodThatComesUp(b *testing.B) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	now := metav1.Now()
	want := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "a", Image: "nginx", Ready: true, Started: ptr.To(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}}}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		want.Conditions = append(want.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			_, _ = statusPatch(pod, want, nil)
		}
	})
	b.Run("computed", func(b *testing.B) {
		for b.Loop() {
			_, _ = computedPatch(pod, want, nil)
		}
	})
}
