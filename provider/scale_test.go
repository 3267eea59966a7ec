package provider

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	k8stesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestATickIsOneReadForAllPodsAndDetailsOfWhatChanged(t *testing.T) {
	w := newWorld(t)
	for i := range 210 { // more than a page of states
		w.mustCreatePod(w.mustAddPod(fmt.Sprintf("web-%d", i), func(p *corev1.Pod) {
			if i < 3 {
				p.Spec.RestartPolicy = corev1.RestartPolicyNever
				p.Spec.Containers[0].Command = []string{"sleep", "600"}
			}
		}))
	}
	w.pass(time.Second)
	w.tick()
	w.pass(5 * time.Minute)
	w.tick()

	reads := func() (states, details int) {
		return w.calls(eci.ActionDescribeContainerGroupStatus), w.calls(eci.ActionDescribeContainerGroups)
	}
	states, details := reads()
	w.pass(time.Minute)
	w.tick()
	if s, d := reads(); s-states != 1 || d != details {
		t.Errorf("a tick without a change: %d reads of states and %d of details, want 1 and 0", s-states, d-details)
	}
	w.pass(5 * time.Minute) // three have ended
	states, details = reads()
	w.tick()
	if s, d := reads(); s-states != 1 || d-details != 1 {
		t.Errorf("a tick with three changes: %d reads of states and %d of details, want 1 and 1", s-states, d-details)
	}
	for i, pod := range w.pods.List() {
		w.expectPhase(pod, map[bool]corev1.PodPhase{true: corev1.PodSucceeded, false: corev1.PodRunning}[i < 3])
	}
}

func TestManyDeletedGroupsAreAwaitedByListings(t *testing.T) {
	w := newWorld(t)
	var pods []*corev1.Pod
	for i := range 100 {
		pods = append(pods, w.mustRun(fmt.Sprintf("web-%d", i)))
	}
	w.pass(2 * time.Minute)
	w.tick()
	for _, pod := range pods {
		if err := w.DeletePod(t.Context(), w.deleting(pod, 1)); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(10 * time.Second) // the groups are gone
	before := w.calls(eci.ActionDescribeContainerGroups)
	for range 3 {
		w.tick()
		w.pass(time.Second)
	}
	if n := w.calls(eci.ActionDescribeContainerGroups) - before; n != 5 {
		t.Errorf("%d reads by id in three ticks, want the 5 in which 100 groups are sighted a second time", n)
	}
	for _, pod := range pods {
		if phase := w.told[pod.UID].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			t.Errorf("%s is %s", pod.Name, phase)
		}
	}
}

func TestReadsAreFastWhilePodsMoveAndForAWhileAfterAChange(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web")
	expect := func(when string, want time.Duration) {
		t.Helper()
		if _, most := w.pace(); most != want {
			t.Errorf("%s the next read comes after %s, want %s", when, most, want)
		}
	}
	w.pass(time.Hour)
	expect("at rest", w.cfg.SlowSync)
	w.mustCreatePod(pod)
	expect("while a pod comes up", w.cfg.FastSync)
	w.pass(time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	expect("after a change", w.cfg.FastSync)
	w.pass(afterChange)
	expect("long after a change", w.cfg.SlowSync)
	w.pages = 30
	w.changedAt = w.clock.Now()
	expect("while 30 pages of groups move", 30*pagePause)
}

func TestConfigMapsAndSecretsAreOnlyReadByTheNamesThatPodsHave(t *testing.T) {
	w := newWorld(t)
	w.mustSet("1", "old")
	w.kube.ClearActions()
	w.mustRun("web", withConfigVolume)
	w.mustRun("plain")
	w.refreshTurn(t.Context())
	read := 0
	for _, action := range w.kube.Actions() {
		if !slices.Contains([]string{"configmaps", "secrets"}, action.GetResource().Resource) {
			continue
		}
		got, isGet := action.(k8stesting.GetAction)
		if !isGet || got.GetVerb() != "get" {
			t.Errorf("%s of %s: needs a right on all of them", action.GetVerb(), action.GetResource().Resource)
			continue
		}
		switch got.GetName() {
		case "settings":
			read++
		case "eci-profile": // the profile of the cluster, which pods do not name
		default:
			t.Errorf("%s %s was read and no pod names it", action.GetResource().Resource, got.GetName())
		}
	}
	if read == 0 {
		t.Error("nothing was read")
	}
}
