package provider

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// wanting gives a pod annotations, key and value in turn.
func wanting(pairs ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			pod.Annotations[pairs[i]] = pairs[i+1]
		}
	}
}

// withPodinfo mounts the annotations of the pod as a file.
func withPodinfo(pod *corev1.Pod) {
	pod.Spec.Volumes = []corev1.Volume{{Name: "podinfo", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{Path: "annotations", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations"}}},
	}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "podinfo", MountPath: "/etc/podinfo"}}
}

func slowEIPs(cfg *emulator.Config) { cfg.Delays.EIP = 3 * time.Second }

// turnEIPs takes turns of the EIPs until nothing is on its way.
func (w *world) turnEIPs() {
	w.Helper()
	for range 4 {
		if err := w.eips.Turn(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.pass(3 * time.Second)
	}
}

func (w *world) expectEIPs(want int) []vpc.EIPAddress {
	w.Helper()
	var ours []vpc.EIPAddress
	for _, a := range w.emulator.EIPs() {
		if a.AllocationID != "eip-emulator" {
			ours = append(ours, a)
		}
	}
	if len(ours) != want {
		w.Fatalf("the account holds %d EIPs, want %d: %+v", len(ours), want, ours)
	}
	return ours
}

func (w *world) eipCondition(pod *corev1.Pod) corev1.PodCondition {
	w.Helper()
	for _, c := range w.told[pod.UID].Status.Conditions {
		if c.Type == eip.ConditionEIP {
			return c
		}
	}
	w.Fatalf("%s has no condition %s", pod.Name, eip.ConditionEIP)
	return corev1.PodCondition{}
}

func TestAPodGetsAnEIPThatEndsWithIt(t *testing.T) {
	w := newWorld(t, slowEIPs)
	pod := w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"))
	if err := w.eips.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.eipCondition(pod); c.Status != corev1.ConditionFalse || c.Reason != eip.ReasonWaiting {
		t.Errorf("while it is on its way: %+v", c)
	}
	w.pass(3 * time.Second)
	w.turnEIPs()
	bound := w.expectEIPs(1)[0]
	if c := w.eipCondition(pod); c.Status != corev1.ConditionTrue || c.Reason != "Associate eip succeed" {
		t.Errorf("once it is bound: %+v", c)
	}
	told := w.told[pod.UID]
	for key, want := range map[string]string{
		"k8s.aliyun.com/allocated-eipAddress":              bound.IPAddress,
		"k8s.aliyun.com/allocated-eipInstanceId":           bound.AllocationID,
		"k8s.aliyun.com/pod-ips":                           told.Status.PodIP,
		"network.alibabacloud.com/allocated-eip-id":        bound.AllocationID,
		"network.alibabacloud.com/allocated-eip-address":   bound.IPAddress,
		"network.alibabacloud.com/allocated-eipAddress":    bound.IPAddress,
		"network.alibabacloud.com/allocated-eni-id":        bound.InstanceID,
		"network.alibabacloud.com/pod-with-eip":            "true",
		"k8s.aliyun.com/eci-instance-id":                   w.groups()[0].ContainerGroupID,
		"network.alibabacloud.com/no-such-annotation-here": "",
	} {
		if got := told.Annotations[key]; got != want {
			t.Errorf("annotation %s is %q, want %q", key, got, want)
		}
	}

	if err := w.DeletePod(t.Context(), w.deleting(pod, 0)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.tick()
	w.tick()
	w.turnEIPs()
	w.expectEIPs(0)
}

func TestTheGroupIsMadeWithTheEIPWhenAFileOfThePodShowsItsAddress(t *testing.T) {
	for _, family := range []string{"network.alibabacloud.com/pod-with-eip", "k8s.aliyun.com/eci-with-eip"} {
		t.Run(family, func(t *testing.T) {
			w := newWorld(t, slowEIPs)
			pod := w.mustRun("web", wanting(family, "true"), withPodinfo)
			held := w.expectEIPs(1)[0]
			file := w.files()["annotations"]
			if !strings.Contains(file, `k8s.aliyun.com/allocated-eipAddress="`+held.IPAddress+`"`) {
				t.Errorf("the file is %s", file)
			}
			w.turnEIPs()
			if c := w.eipCondition(pod); c.Status != corev1.ConditionTrue {
				t.Errorf("%+v", c)
			}
			if n := w.calls(vpc.ActionAssociateEipAddress); n != 0 {
				t.Errorf("%d calls to bind what the group was made with", n)
			}
			w.start()
			w.turnEIPs()
			w.expectEIPs(1)
		})
	}
}

func TestAPodThatGoesBeforeItsGroupIsMadeLeavesNoEIP(t *testing.T) {
	w := newWorld(t, slowEIPs)
	pod := w.mustAddPod("web", wanting("network.alibabacloud.com/pod-with-eip", "true"), withPodinfo)
	w.emulator.Faults().Inject(emulator.Fault{Action: "CreateContainerGroup", Error: emulator.Throttled()})
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Fatal("the create was not refused")
	}
	w.expectEIPs(1)
	w.emulator.Faults().Clear()
	w.mustRemovePod(pod)
	if err := w.DeletePod(t.Context(), pod); !errdefs.IsNotFound(err) {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	w.turnEIPs()
	w.expectEIPs(0)
}

func TestOneEIPForSeveralReplicasIsRefusedWithTheReason(t *testing.T) {
	w := newWorld(t)
	replica := func(pod *corev1.Pod) {
		wanting("k8s.aliyun.com/eci-eip-instanceid", "eip-emulator")(pod)
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web", UID: types.UID("rs"), Controller: ptr.To(true)}}
	}
	first := w.mustRun("web-1", replica)
	second := w.mustAddPod("web-2", replica)
	err := w.CreatePod(t.Context(), second)
	if err == nil || errdefs.IsInvalidInput(err) || !strings.Contains(err.Error(), "eip-emulator serves pod default/web-1") || !strings.Contains(err.Error(), "set replicas to 1") {
		t.Fatalf("got %v", err)
	}
	if err := w.DeletePod(t.Context(), w.deleting(first, 0)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.tick()
	w.tick()
	w.mustCreatePod(second)
}

func TestTheEIPOfAReadinessGateSurvivesARestart(t *testing.T) {
	w := newWorld(t, slowEIPs)
	pod := w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"))
	w.turnEIPs()
	before := w.expectEIPs(1)[0]
	w.start()
	w.pass(time.Second)
	w.turnEIPs()
	if c := w.eipCondition(pod); c.Status != corev1.ConditionTrue {
		t.Errorf("%+v", c)
	}
	if after := w.expectEIPs(1)[0]; after.AllocationID != before.AllocationID {
		t.Errorf("it has %s, had %s", after.AllocationID, before.AllocationID)
	}
}

// TestTheLastThatIsToldOfAPodIsTheNewest holds a first report back while a second
// one is made, as a busy machine does.
func TestTheLastThatIsToldOfAPodIsTheNewest(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"))
	first, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	var last atomic.Pointer[corev1.Pod]
	w.NotifyPods(t.Context(), func(told *corev1.Pod) {
		if calls.Add(1) == 1 {
			close(first)
			<-release
		}
		last.Store(told)
	})
	var reports sync.WaitGroup
	reports.Go(func() { w.ReportEIP(pod.UID, eip.State{Reason: eip.ReasonWaiting}) })
	<-first
	reports.Go(func() { w.ReportEIP(pod.UID, eip.State{Reason: eip.ReasonSucceeded, Address: "198.51.100.1"}) })
	for e, _ := w.store.get(pod.UID); !e.eip.Ready(); e, _ = w.store.get(pod.UID) {
		runtime.Gosched()
	}
	for range 10_000 { // the second is on its way: let it get as far as it can
		runtime.Gosched()
	}
	close(release)
	reports.Wait()
	if got := last.Load().Annotations["k8s.aliyun.com/allocated-eipAddress"]; got != "198.51.100.1" {
		t.Errorf("the last report has the address %q", got)
	}
}

// TestCreatePod_RefusesAGivenEIPThatWasBoughtForAnotherPod names the EIP of one
// pod in another, which has every permission.
func TestCreatePod_RefusesAGivenEIPThatWasBoughtForAnotherPod(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"))
	w.turnEIPs()
	bought := w.expectEIPs(1)[0]
	w.cfg.Request.Permissions.Allow = request.Grants{request.EIPs: {"*"}}
	for name, key := range map[string]string{"first": "k8s.aliyun.com/eci-eip-instanceid", "second": "network.alibabacloud.com/pod-eip-instanceid", "third": "network.alibabacloud.com/allocated-eip-id"} {
		thief := w.mustAddPod(name, wanting(key, bought.AllocationID))
		if err := w.CreatePod(t.Context(), thief); err == nil || !strings.Contains(err.Error(), "was bought for another pod") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if n := len(w.groups()); n != 1 {
		t.Errorf("%d groups", n)
	}
}

func TestCreatePod_RefusesAnEIPThatItMayNotName(t *testing.T) {
	w := newWorld(t)
	w.cfg.Request.Permissions = request.Permissions{}
	pod := w.mustAddPod("web", wanting("k8s.aliyun.com/eci-eip-instanceid", "eip-emulator"))
	err := w.CreatePod(t.Context(), pod)
	if err == nil || !strings.Contains(err.Error(), "metadata.annotations[k8s.aliyun.com/eci-eip-instanceid]") || !strings.Contains(err.Error(), "allow.eips") {
		t.Errorf("%v", err)
	}
	if calls := w.calls(vpc.ActionDescribeEipAddresses) + w.calls("CreateContainerGroup"); calls != 0 {
		t.Errorf("%d calls for a pod that is refused", calls)
	}
}

// TestAnEIPThatTheProfileGivesSurvivesWhatIsWrittenBack restarts the node once the
// id is on the pod, which does not ask for an EIP itself.
func TestAnEIPThatTheProfileGivesSurvivesWhatIsWrittenBack(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustSetProfile(map[string]string{"selectors": `[{"name":"all","effect":{"annotations":{"network.alibabacloud.com/pod-with-eip":"true"}}}]`})
	pod := w.mustRun("web")
	w.turnEIPs()
	bought := w.expectEIPs(1)[0]
	pod.Annotations = w.told[pod.UID].Annotations
	w.start()
	w.turnEIPs()
	if c := w.eipCondition(pod); c.Status != corev1.ConditionTrue || w.expectEIPs(1)[0].AllocationID != bought.AllocationID {
		t.Errorf("%+v", c)
	}
}

func TestAnEnforcedAnnotationKeepsAPodFromAnEIP(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustSetProfile(map[string]string{"enforcedSelectors": `[{"name":"all","effect":{"annotations":{"network.alibabacloud.com/pod-with-eip":"false"}}}]`})
	w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"))
	w.turnEIPs()
	w.expectEIPs(0)
	w.mustSetProfile(map[string]string{"enforcedSelectors": "[{"})
	w.pass(profileAge)
	if err := w.CreatePod(t.Context(), w.mustAddPod("held")); err == nil || !strings.Contains(err.Error(), "enforcedSelectors") {
		t.Errorf("with an enforced profile that cannot be read: %v", err)
	}
}

// TestAPermissionThatIsTakenBackHoldsForNewPodsOnly restarts the node with safe
// defaults while pods run that could not be made now.
func TestAPermissionThatIsTakenBackHoldsForNewPodsOnly(t *testing.T) {
	w := newWorld(t, slowEIPs)
	role := w.mustRun("role", annotated("eci-ram-role-name", "mine"))
	given := w.mustRun("given", wanting("k8s.aliyun.com/eci-eip-instanceid", "eip-emulator"))
	w.start()
	w.cfg.Request.Permissions = request.Permissions{}
	w.turnEIPs()
	if _, err := w.translate(t.Context(), role, false); err != nil {
		t.Errorf("the files of a running pod: %v", err)
	}
	if c := w.eipCondition(given); c.Status != corev1.ConditionTrue {
		t.Errorf("%+v", c)
	}
	if err := w.CreatePod(t.Context(), w.mustAddPod("new", annotated("eci-ram-role-name", "mine"))); err == nil || !strings.Contains(err.Error(), "allow.ramRoles") {
		t.Errorf("a new pod: %v", err)
	}
}

// TestEIP_NamedWithoutPermissionKeepsNobodyFromIt names the EIP of another on a pod that
// runs, whose group was made without it.
func TestEIP_NamedWithoutPermissionKeepsNobodyFromIt(t *testing.T) {
	w := newWorld(t)
	w.cfg.Request.Permissions = request.Permissions{Rules: []request.PermissionRule{{Namespaces: []string{"shop"}, Allow: request.Grants{request.EIPs: {"eip-emulator"}}}}}
	named := wanting("k8s.aliyun.com/eci-eip-instanceid", "eip-emulator")
	attacker := w.mustRun("attacker")
	changed := attacker.DeepCopy()
	named(changed)
	if err := w.UpdatePod(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	w.mustCreatePod(w.mustAddPod("web", named, func(p *corev1.Pod) { p.Namespace = "shop" }))
}

// TestEIP_WaitsLongerAndLongerForWhatDoesNotCome asks for an EIP by the group after the
// group was made.
func TestEIP_WaitsLongerAndLongerForWhatDoesNotCome(t *testing.T) {
	w := newWorld(t)
	changed := w.mustRun("web").DeepCopy()
	wanting("k8s.aliyun.com/eci-with-eip", "true")(changed)
	if err := w.UpdatePod(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	turns := func(d time.Duration) int {
		before := w.calls(vpc.ActionDescribeEipAddresses)
		for began := w.clock.Now(); w.clock.Since(began) < d; w.pass(w.eips.Pace()) {
			if err := w.eips.Turn(w.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return w.calls(vpc.ActionDescribeEipAddresses) - before
	}
	turns(20 * time.Minute)
	// A list each minute, and a list and a look each five.
	if n := turns(20 * time.Minute); n > 20+2*4 {
		t.Errorf("%d calls in 20 minutes", n)
	}
}
