package vnode

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestReadinessIsWhatTheKubeletSays(t *testing.T) {
	reported := func(t corev1.PodConditionType, s corev1.ConditionStatus) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: t, Status: s}}
	}
	unready := running("")
	unready.ContainerStatuses[0].Ready = false
	for name, c := range map[string]struct {
		status       corev1.PodStatus
		conditions   []corev1.PodCondition
		status2      corev1.ConditionStatus
		wantedReason string
	}{
		"all containers ready":      {status: running(""), status2: corev1.ConditionTrue},
		"a container unready":       {status: unready, status2: corev1.ConditionFalse, wantedReason: "ContainersNotReady"},
		"pending":                   {status: corev1.PodStatus{Phase: corev1.PodPending}, status2: corev1.ConditionFalse, wantedReason: "ContainersNotReady"},
		"provider says ready":       {status: unready, conditions: reported(corev1.ContainersReady, corev1.ConditionTrue), status2: corev1.ConditionTrue},
		"provider says only Ready":  {status: unready, conditions: reported(corev1.PodReady, corev1.ConditionTrue), status2: corev1.ConditionTrue},
		"provider says not ready":   {status: running(""), conditions: reported(corev1.ContainersReady, corev1.ConditionFalse), status2: corev1.ConditionFalse},
		"succeeded, provider ready": {status: ended(corev1.PodSucceeded, 0), conditions: reported(corev1.ContainersReady, corev1.ConditionTrue), status2: corev1.ConditionFalse, wantedReason: "PodCompleted"},
		"failed":                    {status: ended(corev1.PodFailed, 1), status2: corev1.ConditionFalse, wantedReason: "PodFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			status := c.status
			status.Conditions = c.conditions
			for _, got := range readiness(newPod("a"), &status) {
				if got.Status != c.status2 || got.Reason != c.wantedReason {
					t.Errorf("%s = %s %s, want %s %s", got.Type, got.Status, got.Reason, c.status2, c.wantedReason)
				}
			}
		})
	}
}

func TestMergedConditionsKeepTheirPlaces(t *testing.T) {
	then, now := metav1.NewTime(time.Unix(1000, 0)), metav1.NewTime(time.Unix(2000, 0))
	api := []corev1.PodCondition{
		{Type: "A", Status: "True", LastTransitionTime: then},
		{Type: "Foreign", Status: "True", LastTransitionTime: then},
		{Type: "B", Status: "True", LastTransitionTime: then},
	}
	own := []corev1.PodCondition{{Type: "C", Status: "True"}, {Type: "B", Status: "False"}, {Type: "A", Status: "True", Reason: "New"}}
	want := []corev1.PodCondition{
		{Type: "A", Status: "True", Reason: "New", LastTransitionTime: then},
		{Type: "Foreign", Status: "True", LastTransitionTime: then},
		{Type: "B", Status: "False", LastTransitionTime: now},
		{Type: "C", Status: "True", LastTransitionTime: now},
	}
	if diff := cmp.Diff(want, mergeConditions(api, own, now)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheProviderCannotKnowIsKept(t *testing.T) {
	start := metav1.NewTime(time.Unix(1000, 0))
	pod := newPod("a")
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &start, QOSClass: corev1.PodQOSBurstable, NominatedNodeName: "n"}
	later := metav1.NewTime(time.Unix(5000, 0))
	said := &report{Status: running("10.0.0.1")}
	said.Status.StartTime = &later
	said.Status.HostIPs = []corev1.HostIP{{IP: "10.1.1.1"}}
	got := desiredStatus(entry{pod: pod, reported: said}, later)
	if !got.StartTime.Equal(&start) || got.QOSClass != corev1.PodQOSBurstable || got.NominatedNodeName != "n" || got.HostIP != "10.1.1.1" {
		t.Errorf("status = %+v", got)
	}
	if said.Status.HostIP != "" {
		t.Error("the report was changed")
	}
}

func TestFailureOfARepeatedCreateDoesNotHideThatThePodRuns(t *testing.T) {
	got := desiredStatus(entry{pod: newPod("a"), reported: &report{Status: running("")}, failure: &createFailure{message: "timeout"}}, metav1.Now())
	if got.Phase != corev1.PodRunning || got.Message != "" {
		t.Errorf("status = %+v", got)
	}
}

func TestARefusedResizeIsForgottenWhenTheProviderNoLongerSaysIt(t *testing.T) {
	pod := newPod("a")
	pod.Status = running("10.0.0.1")
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: "True"}, {Type: "Foreign", Status: "True"}}
	said := &report{Status: running("10.0.0.1")}
	got := desiredStatus(entry{pod: pod, reported: said}, metav1.Now())
	if findCondition(got.Conditions, corev1.PodResizePending) != nil || findCondition(got.Conditions, "Foreign") == nil {
		t.Errorf("conditions %+v", got.Conditions)
	}
	said.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: "True"}}
	if got = desiredStatus(entry{pod: pod, reported: said}, metav1.Now()); findCondition(got.Conditions, corev1.PodResizePending) == nil {
		t.Errorf("conditions %+v", got.Conditions)
	}
}
