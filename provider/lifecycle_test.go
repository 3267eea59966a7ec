package provider

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

func TestAPodBecomesOneRunningGroupWithItsIdentityWrittenBack(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	w.expectLive(1)
	told, group := w.told[pod.UID], w.groups()[0]
	if told.Status.PodIP != group.IntranetIP || told.Status.PodIP == "" {
		t.Errorf("pod IP %q, group's %q", told.Status.PodIP, group.IntranetIP)
	}
	for key, want := range map[string]string{
		status.AnnotationInstanceID:         group.ContainerGroupID,
		"k8s.aliyun.com/eci-instance-zone":  group.ZoneID,
		"k8s.aliyun.com/eci-vswitch":        group.VSwitchID,
		"k8s.aliyun.com/eci-security-group": group.SecurityGroupID,
		"k8s.aliyun.com/eni-instance-id":    group.ENIInstanceID,
		"k8s.aliyun.com/eci-instance-spec":  "2.0-4.0Gi",
		"k8s.aliyun.com/eci-instance-cpu":   "2.0",
		"k8s.aliyun.com/eci-instance-mem":   "4.0",
		"k8s.aliyun.com/eci-vpc":            group.VPCID,
	} {
		if got := told.Annotations[key]; got != want || want == "" {
			t.Errorf("annotation %s = %q, want %q", key, got, want)
		}
	}
	if told.Annotations[status.AnnotationRequestID] == "" {
		t.Error("the request id is not written back")
	}
}

func TestCreatingTheSamePodAgainMakesNoSecondGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.mustCreatePod(pod)
	w.mustCreatePod(pod)
	w.expectLive(1)
	if n := w.calls(eci.ActionCreateContainerGroup); n != 1 {
		t.Errorf("%d creates were sent", n)
	}
}

func TestALostAnswerOfACreateMakesOneGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 2})
	for range 2 {
		if err := w.CreatePod(t.Context(), pod); err == nil || errdefs.IsInvalidInput(err) {
			t.Fatalf("a lost answer is worth another try, got %v", err)
		}
	}
	w.mustCreatePod(pod)
	w.expectLive(1)
}

func TestAPodDeletedBeforeItsCreateWasAnsweredLeaksNothing(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.expectLive(0)
}

func TestAThrottledTryTellsNothingOfOneThatWasNotAnswered(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the answer was not lost")
	}
	slow := &eci.Error{HTTPStatus: 400, Code: eci.CodeThrottlingUser, Message: "slow down"}
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, Error: slow, Times: 1})
	if err := w.CreatePod(t.Context(), pod); !eci.IsThrottled(err) {
		t.Fatalf("got %v", err)
	}
	// The list does not show yet what the first try has made.
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, EmptyList: true, Times: 1})
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.expectLive(0)
}

func TestReadsThatLagEndNoYoungGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err != nil {
		t.Fatal(err)
	}
	w.emulator.Faults().Inject(emulator.Fault{HideYoung: 9 * time.Second})
	for range 6 {
		w.tick()
		w.expectPhase(pod, corev1.PodRunning) // no list and no name shows it
		w.pass(time.Second)
	}
}

func TestDeleteEndsWhenTheGroupIsGoneAndNotBefore(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = 5 * time.Second })
	pod := w.mustRun("web")
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err != nil {
		t.Fatal(err)
	}
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	w.pass(readLag)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning) // one sighting of its absence may be stale
	w.pass(time.Second)
	w.tick()
	if phase := w.told[pod.UID].Status.Phase; phase != corev1.PodFailed && phase != corev1.PodSucceeded {
		t.Fatalf("the final phase is %s", phase)
	}
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); !errdefs.IsNotFound(err) {
		t.Errorf("nothing is left, got %v", err)
	}
	w.expectLive(0)
}

func TestDeletingWithoutGraceForces(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Second })
	pod := w.mustRun("stubborn")
	if err := w.DeletePod(t.Context(), w.deleting(pod, 0)); err != nil {
		t.Fatal(err)
	}
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		t.Error("the delete was not forced")
	}
}

func TestAGroupThatOutlivesAShortenedGraceIsForced(t *testing.T) {
	// The container ignores SIGTERM and its group was made with ten minutes of
	// grace, but the user deletes the pod with one second.
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Hour })
	pod := w.mustRun("stubborn", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(600)) })
	if err := w.DeletePod(t.Context(), w.deleting(pod, 1)); err != nil {
		t.Fatal(err)
	}
	w.tick()
	if e, _ := w.store.get(pod.UID); e.deletion.forced {
		t.Fatal("forced before the grace period was over")
	}
	w.pass(2*time.Second + forceSlack)
	w.tick()
	if e, _ := w.store.get(pod.UID); !e.deletion.forced {
		t.Error("not forced after the grace period")
	}
}

func TestAPodThatECICannotRunIsRefusedByFieldAndCostsNoCall(t *testing.T) {
	w := newWorld(t)
	before := w.calls(eci.ActionCreateContainerGroup)
	pod := w.mustAddPod("host", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	err := w.CreatePod(t.Context(), pod)
	if !errdefs.IsInvalidInput(err) || !strings.Contains(err.Error(), "spec.hostNetwork") {
		t.Errorf("got %v", err)
	}
	if n := w.calls(eci.ActionCreateContainerGroup) - before; n != 0 {
		t.Errorf("%d creates were sent", n)
	}
	if err := w.DeletePod(t.Context(), pod); !errdefs.IsNotFound(err) {
		t.Errorf("deleting it: %v", err)
	}
}

func TestAMissingConfigMapIsToldOfAndWaitedFor(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("configured", func(p *corev1.Pod) {
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "absent"}}}}
	})
	err := w.CreatePod(t.Context(), pod)
	if err == nil || errdefs.IsInvalidInput(err) {
		t.Fatalf("a missing object may still come, got %v", err)
	}
	select {
	case event := <-w.events.Events:
		if !strings.Contains(event, "MandatoryConfigMapNotFound") {
			t.Errorf("event %q", event)
		}
	default:
		t.Error("no event")
	}
	if err := w.kube.Tracker().Add(&corev1.ConfigMap{ObjectMeta: objectMeta("absent")}); err != nil {
		t.Fatal(err)
	}
	w.mustCreatePod(pod)
	w.expectLive(1)
}

func TestOnlyLastingErrorsFailAPod(t *testing.T) {
	for code, want := range map[string]struct {
		status  int
		lasting bool
	}{
		"Throttling":                      {400, false},
		"ServiceUnavailable":              {503, false},
		"OperationDenied.NoStock":         {403, false},
		"QuotaExceeded":                   {403, false},
		"Account.Arrearage":               {400, false},
		"InvalidParameter.DuplicatedName": {400, true},
		"NoPermission":                    {403, true},
		"InvalidVSwitchId.IpNotEnough":    {403, false},
		"InvalidInstanceTypeForEciBuy":    {400, true},
		"OperationDenied.VswZoneMisMatch": {403, true},
		"PrivateIpAddress.Already.InUse":  {400, false},
	} {
		w := newWorld(t)
		pod := w.mustAddPod("web", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })
		w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, Error: emulator.Refusal(want.status, code), Times: 1})
		err := w.CreatePod(t.Context(), pod)
		if err == nil || errdefs.IsInvalidInput(err) != want.lasting {
			t.Errorf("%s: lasting=%t, got %v", code, want.lasting, err)
		}
		w.pass(firstShortage)
		w.mustCreatePod(pod)
	}
}

func TestAGroupThatCannotBeScheduledIsMadeAnewAndThePodWaits(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })
	shortage := w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: true}})
	w.mustCreatePod(pod)
	w.pass(time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodPending)
	shortage.Remove()
	w.pass(firstRetry + time.Second)
	w.tick()
	w.pass(time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	w.expectLive(1)
}

func TestTheSuccessorOfAPodIsItsOwnPod(t *testing.T) {
	w := newWorld(t)
	old := w.mustRun("web-0")
	if err := w.DeletePod(t.Context(), w.deleting(old, 30)); err != nil {
		t.Fatal(err)
	}
	next := old.DeepCopy()
	next.UID = "uid-next"
	w.mustCreatePod(next)
	got, err := w.GetPod(t.Context(), "default", "web-0")
	if err != nil || got.UID != "uid-next" {
		t.Fatalf("got %v, %v", got, err)
	}
	w.pass(time.Minute)
	w.tick()
	w.tick()
	w.expectPhase(next, corev1.PodRunning)
	w.expectLive(1)
}

func TestAFinishedPodKeepsItsExitCode(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("job", func(p *corev1.Pod) {
		p.Spec.RestartPolicy = corev1.RestartPolicyNever
		p.Spec.Containers[0].Command = []string{"exit", "3"}
	})
	w.mustCreatePod(pod)
	w.pass(2 * time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodFailed)
	state := w.told[pod.UID].Status.ContainerStatuses[0].State.Terminated
	if state == nil || state.ExitCode != 3 {
		t.Errorf("state %+v", state)
	}
	w.pass(2 * time.Hour) // the cloud has forgotten it
	w.tick()
	w.expectPhase(pod, corev1.PodFailed)
}

func TestManyPodsCostAsManyReadsAsOne(t *testing.T) {
	reads := func(n int) int {
		w := newWorld(t)
		for i := range n {
			w.mustCreatePod(w.mustAddPod(fmt.Sprintf("web-%d", i)))
		}
		w.pass(5 * time.Minute)
		w.tick()
		w.pass(5 * time.Minute) // nothing has changed since
		before := w.calls(eci.ActionDescribeContainerGroupStatus) + w.calls(eci.ActionDescribeContainerGroups)
		w.tick()
		return w.calls(eci.ActionDescribeContainerGroupStatus) + w.calls(eci.ActionDescribeContainerGroups) - before
	}
	if one, many := reads(1), reads(150); many != one {
		t.Errorf("a tick costs %d reads for 1 pod at rest and %d for 150", one, many)
	}
}
