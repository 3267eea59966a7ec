package provider

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/eip"
)

const (
	networkEIP = "network.alibabacloud.com/pod-with-eip"
	groupEIP   = "k8s.aliyun.com/eci-with-eip"
)

// withConfigFile mounts a ConfigMap as files.
func withConfigFile(pod *corev1.Pod) {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
	}})
	pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "config", MountPath: "/etc/config"})
}

func gated(pod *corev1.Pod) {
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: eip.ConditionEIP}}
}

func all(changes ...func(*corev1.Pod)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for _, change := range changes {
			change(pod)
		}
	}
}

// settledKinds are pods of every kind whose recovery may know less of them than
// the process before did.
func settledKinds() map[string]func(*corev1.Pod) {
	return map[string]func(*corev1.Pod){
		"plain":             func(*corev1.Pod) {},
		"with-files":        withConfigFile,
		"eip":               wanting(networkEIP, "true"),
		"eip-gated":         all(wanting(networkEIP, "true"), gated),
		"eip-with-files":    all(wanting(networkEIP, "true"), gated, withConfigFile),
		"eip-of-the-group":  wanting(groupEIP, "true"),
		"eip-given":         wanting("k8s.aliyun.com/eci-eip-instanceid", "eip-emulator"),
		"eip-early":         all(wanting(networkEIP, "true"), withPodinfo),
		"eip-by-profile":    func(pod *corev1.Pod) { pod.Labels = map[string]string{"public": "yes"} },
		"spot-by-profile":   func(pod *corev1.Pod) { pod.Labels = map[string]string{"spot": "yes"} },
		"spot":              wanting("k8s.aliyun.com/eci-spot-strategy", "SpotAsPriceGo"),
		"rounded":           resources("3", "5Gi"),
		"several":           withMoreContainers,
		"prepared":          withInitContainer,
		"foreign-condition": func(*corev1.Pod) {}, // added to its status below
	}
}

func resources(cpu, memory string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		}
	}
}

func withMoreContainers(pod *corev1.Pod) {
	for i := range 2 {
		more := pod.Spec.Containers[0]
		more.Name = fmt.Sprintf("more-%d", i)
		pod.Spec.Containers = append(pod.Spec.Containers, more)
	}
}

func withInitContainer(pod *corev1.Pod) {
	pod.Spec.InitContainers = []corev1.Container{{Name: "prepare", Image: "busybox", Command: []string{"true"}}}
}

const profileOfKinds = `[
	{"name": "public", "objectSelector": {"matchLabels": {"public": "yes"}}, "effect": {"annotations": {"` + networkEIP + `": "true"}}},
	{"name": "spot", "objectSelector": {"matchLabels": {"spot": "yes"}}, "effect": {"annotations": {"k8s.aliyun.com/eci-spot-strategy": "SpotAsPriceGo"}}}
]`

// stored is what the API server has of every pod: what was told of it last.
func (w *world) storeTold() {
	for i, pod := range *w.pods.pods {
		if told := w.told[pod.UID]; told != nil {
			(*w.pods.pods)[i] = told.DeepCopy()
		}
	}
}

// expectNothingNew compares all that is told from now on with what the API server
// has.
func (w *world) expectNothingNew() {
	w.Helper()
	stored := map[string]*corev1.Pod{}
	for _, pod := range w.pods.List() {
		stored[pod.Name] = pod.DeepCopy()
	}
	w.heard = func(told *corev1.Pod) {
		if change := changeTold(stored[told.Name], told); change != "" {
			w.Errorf("pod %s: %s", told.Name, change)
		}
	}
}

// changeTold returns what a report would change in the pod that the API server has,
// or "". The pod controller keeps conditions that the report leaves out, and works
// out Ready and ContainersReady by itself.
func changeTold(stored, told *corev1.Pod) string {
	for _, c := range told.Status.Conditions {
		if c.Type == corev1.PodReady {
			continue
		}
		i := conditionIndex(stored.Status.Conditions, c.Type)
		if i < 0 {
			return fmt.Sprintf("condition %s is new", c.Type)
		}
		if was := stored.Status.Conditions[i]; was.Status != c.Status || was.Reason != c.Reason || was.Message != c.Message {
			return fmt.Sprintf("condition %s goes from %s (%s: %s) to %s (%s: %s)", c.Type, was.Status, was.Reason, was.Message, c.Status, c.Reason, c.Message)
		}
	}
	for key, value := range told.Annotations {
		if was := stored.Annotations[key]; was != value {
			return fmt.Sprintf("annotation %s goes from %q to %q", key, was, value)
		}
	}
	before, after := stored.Status.DeepCopy(), told.Status.DeepCopy()
	before.Conditions, after.Conditions = nil, nil
	if !equality.Semantic.DeepEqual(before, after) {
		return fmt.Sprintf("its status goes from\n%+v to\n%+v", before, after)
	}
	return ""
}

func conditionIndex(conditions []corev1.PodCondition, kind corev1.PodConditionType) int {
	for i := range conditions {
		if conditions[i].Type == kind {
			return i
		}
	}
	return -1
}

// runKinds brings up a pod of every kind, until nothing of them changes.
func (w *world) runKinds() {
	w.Helper()
	w.mustAdd(&corev1.ConfigMap{ObjectMeta: objectMeta("settings"), Data: map[string]string{"v": "1"}})
	w.mustAdd(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	w.mustSetProfile(map[string]string{"selectors": profileOfKinds})
	for name, kind := range settledKinds() {
		w.mustRun(name, kind)
	}
	for range 3 {
		w.turnEIPs()
		w.pass(time.Minute)
		w.tick()
		w.refreshTurn(w.Context())
	}
	w.storeTold()
	for _, pod := range w.pods.List() {
		if pod.Name == "foreign-condition" {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: "example.com/checked", Status: corev1.ConditionTrue})
		}
	}
}

func TestRecover_ChangesNothingInTheStatusOfSettledPods(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.runKinds()
	w.expectNothingNew()
	for range 2 {
		w.start()
		r := newReaper(w.Provider)
		for range 4 {
			w.turnEIPs()
			w.tick()
			w.refreshTurn(t.Context())
			w.mustRepair(r)
			w.pass(time.Minute)
		}
	}
	for _, name := range []string{"eip", "eip-gated", "eip-with-files", "eip-of-the-group", "eip-given", "eip-early", "eip-by-profile"} {
		pod, err := w.GetPod(t.Context(), "default", name)
		if err != nil {
			t.Fatal(err)
		}
		if i := conditionIndex(pod.Status.Conditions, eip.ConditionEIP); i < 0 || pod.Status.Conditions[i].Status != corev1.ConditionTrue {
			t.Errorf("pod %s has the conditions %+v", name, pod.Status.Conditions)
		}
	}
}

// TestRecover_KeepsConditionsWhileDetailsCannotBeRead restarts while the cloud shows
// the states of groups, and their details to nobody.
func TestRecover_KeepsConditionsWhileDetailsCannotBeRead(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustAdd(&corev1.ConfigMap{ObjectMeta: objectMeta("settings"), Data: map[string]string{"v": "1"}})
	for _, name := range []string{"eip-gated", "eip-with-files"} {
		w.mustRun(name, settledKinds()[name])
	}
	w.turnEIPs()
	w.storeTold()
	w.expectNothingNew()
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, Error: emulator.Unavailable()})
	w.start()
	for range 3 {
		w.turnEIPs()
		w.refreshTurn(t.Context())
		w.pass(time.Minute)
	}
	w.emulator.Faults().Clear()
	w.turnEIPs()
	for _, pod := range w.pods.List() {
		if c := w.eipCondition(pod); c.Status != corev1.ConditionTrue {
			t.Errorf("pod %s: %+v", pod.Name, c)
		}
	}
	w.expectEIPs(2)
}

// TestRecover_KeepsConditionsOfPodsWhoseGroupIsNotListed restarts while lists are
// empty, as they are for a caller without permission.
func TestRecover_KeepsConditionsOfPodsWhoseGroupIsNotListed(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustRun("eip-gated", settledKinds()["eip-gated"])
	w.turnEIPs()
	w.storeTold()
	w.expectNothingNew()
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroups, EmptyList: true})
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionDescribeContainerGroupStatus, EmptyList: true})
	w.start()
	for range 3 {
		w.turnEIPs()
		w.pass(time.Minute)
	}
	w.emulator.Faults().Clear()
	w.tick()
	w.turnEIPs()
	if c := w.eipCondition(w.pods.List()[0]); c.Status != corev1.ConditionTrue {
		t.Errorf("%+v", c)
	}
}

// TestRepair_ReadsNoGroupThatOnlyWaitsForItsTags counts the reads of the first repair pass
// after a restart, which a node with thousands of pods would make at once.
func TestRepair_ReadsNoGroupThatOnlyWaitsForItsTags(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		pod := w.mustRun(name)
		*pod = *w.told[pod.UID] // as the API server has it after our write
	}
	w.start()
	before := w.calls(eci.ActionDescribeContainerGroups)
	w.mustRepair(newReaper(w.Provider))
	if n := w.calls(eci.ActionDescribeContainerGroups) - before; n != 0 {
		t.Errorf("%d reads of groups that are as their pods say", n)
	}
	w.refreshTurn(t.Context())
	if w.store.any((*entry).detailsUnread) {
		t.Error("their tags are not read by the refresh of files either")
	}
}
