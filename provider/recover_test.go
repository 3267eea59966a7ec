package provider

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "default", Name: name}
}

func TestARestartFindsEveryGroupAndMakesNoneTwice(t *testing.T) {
	w := newWorld(t)
	for i := range 45 { // three pages
		w.mustCreatePod(w.mustAddPod(fmt.Sprintf("web-%d", i)))
	}
	w.start()
	for _, pod := range w.pods.List() {
		w.mustCreatePod(pod)
	}
	w.expectLive(45)
	w.pass(time.Second)
	w.tick()
	for _, pod := range w.pods.List() {
		w.expectPhase(pod, corev1.PodRunning)
	}
}

func TestARestartReadsOnlyTheGroupsThatChanged(t *testing.T) {
	w := newWorld(t)
	var pods []*corev1.Pod
	for i := range 45 {
		pod := w.mustRun(fmt.Sprintf("web-%d", i))
		*pod = *w.told[pod.UID] // as the API server has it after our write
		pods = append(pods, pod)
	}
	pods[7].Status.ContainerStatuses[0].RestartCount = 3 // it is not what the cloud says
	before := w.calls(eci.ActionDescribeContainerGroups)
	w.start()
	if n := w.calls(eci.ActionDescribeContainerGroups) - before; n != 1 {
		t.Errorf("%d reads of groups, want 1 for the one that changed", n)
	}
	for _, pod := range pods {
		w.mustCreatePod(pod)
		known, err := w.GetPodStatus(t.Context(), pod.Namespace, pod.Name)
		if err != nil || known.Phase != corev1.PodRunning || known.PodIP == "" {
			t.Errorf("%s after the restart: %+v, %v", pod.Name, known, err)
		}
	}
	w.expectPhase(pods[7], corev1.PodRunning) // what differs is told; all else is there already
	w.expectLive(45)
}

func TestARestartAfterALostAnswerFindsTheGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	w.start()
	w.mustCreatePod(pod)
	w.expectLive(1)
}

func TestARestartWhoseListLagsStillMakesNoSecondGroup(t *testing.T) {
	w := newWorld(t)
	same := w.mustAddPod("same")
	changed := w.mustAddPod("changed", func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "v"}}}}
	})
	settings := &corev1.ConfigMap{ObjectMeta: objectMeta("settings"), Data: map[string]string{"v": "1"}}
	if err := w.kube.Tracker().Add(settings); err != nil {
		t.Fatal(err)
	}
	w.mustCreatePod(same)
	w.mustCreatePod(changed)
	settings.Data["v"] = "2" // so that the second request differs from the first
	if _, err := w.kube.CoreV1().ConfigMaps("default").Update(t.Context(), settings, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
	w.start()
	if err := w.CreatePod(t.Context(), changed); err == nil || errdefs.IsInvalidInput(err) {
		t.Errorf("while the list lags the pod has to wait, got %v", err)
	}
	w.emulator.Faults().Clear()
	w.mustCreatePod(same) // by its ClientToken the cloud gives the same group
	w.mustCreatePod(changed)
	w.expectLive(2)
}

func TestWithoutAListThereIsNoRecovery(t *testing.T) {
	w := newWorld(t)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroupStatus, Error: emulator.Throttled(), Times: 1})
	if err := w.Recover(t.Context(), nil); err == nil {
		t.Error("recovered from an error")
	}
}

func TestAPodThatHadAGroupIsNotStartedTwiceWhenTheListIsEmpty(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	*pod = *w.told[pod.UID] // as the API server has it after our write
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
	w.start()
	creates := w.calls(eci.ActionCreateContainerGroup)
	w.mustCreatePod(pod)
	if w.calls(eci.ActionCreateContainerGroup) != creates {
		t.Error("a create was sent for a pod that has a group")
	}
	w.emulator.Faults().Clear()
	w.pass(hintPause)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	w.expectLive(1)
}

func TestAnOldViewOfAnOldPodMakesNoSecondGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	seen := pod.DeepCopy() // before its group was written on it
	w.pass(25 * time.Hour) // the cloud forgets the ClientToken
	written := w.told[pod.UID].DeepCopy()
	if _, err := w.kube.CoreV1().Pods(pod.Namespace).Update(t.Context(), written, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
	w.start()
	w.mustCreatePod(seen)
	w.expectLive(1)
}

func TestAPodThatEndedAndWasForgottenWhileWeWereDownIsNoSuccess(t *testing.T) {
	w := newWorld(t)
	never := func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }
	job, other := w.mustRun("job", never), w.mustRun("other")
	*job = *w.told[job.UID] // as the API server has it after our write
	e, _ := w.store.get(job.UID)
	w.emulator.RemoveGroup(e.groupID) // it ended, and an hour later its record was dropped
	w.start()
	w.tick()
	if told := w.told[job.UID]; told != nil && told.Status.Phase != corev1.PodRunning {
		t.Errorf("one look made it %s", told.Status.Phase)
	}
	w.pass(w.cfg.LostGrace)
	w.tick()
	w.expectPhase(job, corev1.PodFailed)
	s := w.told[job.UID].Status
	if s.Reason != "ContainerGroupLost" || !strings.Contains(s.Message, "not known") {
		t.Errorf("reason %q, message %q", s.Reason, s.Message)
	}
	if c := s.ContainerStatuses[0].State.Terminated; c == nil || c.Reason != "ContainerStatusUnknown" {
		t.Errorf("its container: %+v", c)
	}
	w.expectPhase(other, corev1.PodRunning)
}

func TestAFinishedPodStaysFinishedWhenTheCloudHasForgottenIt(t *testing.T) {
	w := newWorld(t)
	job := w.mustAddPod("job", func(p *corev1.Pod) {
		p.Spec.RestartPolicy = corev1.RestartPolicyNever
		p.Spec.Containers[0].Command = []string{"true"}
	})
	w.mustRun("other")
	w.mustCreatePod(job)
	w.pass(2 * time.Second)
	w.tick()
	w.expectPhase(job, corev1.PodSucceeded)
	*job = *w.told[job.UID]
	e, _ := w.store.get(job.UID)
	w.emulator.RemoveGroup(e.groupID)
	w.start()
	r := newReaper(w.Provider)
	for range 3 {
		w.mustRepair(r)
		w.tick()
		w.pass(w.cfg.LostGrace)
	}
	if told := w.told[job.UID]; told != nil && told.Status.Phase != corev1.PodSucceeded {
		t.Errorf("it became %s (%s)", told.Status.Phase, told.Status.Reason)
	}
}

func TestAGroupThatATryToRecoverSawIsNotForgottenByTheNext(t *testing.T) {
	var p Provider
	listed := map[string]*eci.ContainerGroupStatus{"eci-runs": {}, "eci-failed": {}}
	p.sightGroups(listed, []eci.ContainerGroup{
		{ContainerGroupID: "eci-runs", Status: eci.StatusRunning}, {ContainerGroupID: "eci-failed", Status: eci.StatusFailed},
	})
	if again := p.sightGroups(listed, nil); len(again) != 0 {
		t.Errorf("%v are listed and were added", again)
	}
	if left := p.sightGroups(nil, nil); len(left) != 1 || left[0].ContainerGroupID != "eci-runs" {
		t.Errorf("a list that lags leaves out %v, want eci-runs alone", left)
	}
}
