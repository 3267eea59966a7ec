package provider

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// written lists the events at the API server, in the order of their writing.
func (w *world) written() []*corev1.Event {
	w.Helper()
	w.relay.flush(w.Context())
	there, err := w.kube.CoreV1().Events("").List(w.Context(), metav1.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var events []*corev1.Event
	for _, action := range w.kube.Actions() {
		create, ok := action.(k8stesting.CreateAction)
		if !ok || action.GetResource().Resource != "events" {
			continue
		}
		name := create.GetObject().(*corev1.Event).Name
		seen := slices.ContainsFunc(events, func(e *corev1.Event) bool { return e.Name == name })
		if i := slices.IndexFunc(there.Items, func(e corev1.Event) bool { return e.Name == name }); i >= 0 && !seen {
			events = append(events, &there.Items[i])
		}
	}
	return events
}

func reasons(events []*corev1.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Reason)
	}
	return out
}

func TestTheCloudsEventsBecomeEventsOfThePodOnceEachInOrder(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	w.tick()
	first := w.written()
	got := reasons(first)
	scheduled, started := slices.Index(got, "SuccessfulScheduled"), slices.Index(got, "Started")
	if scheduled < 0 || started < scheduled {
		t.Fatalf("reasons %q", got)
	}
	for _, e := range first {
		if e.InvolvedObject.UID != pod.UID || e.InvolvedObject.Kind != "Pod" || e.Namespace != pod.Namespace || e.FirstTimestamp.IsZero() {
			t.Errorf("event %+v", e)
		}
	}
	before := len(w.kube.Actions())
	for range 5 { // they are read again with every reading of events
		w.pass(w.cfg.EventSync)
		w.tick()
		w.mustRepair(newReaper(w.Provider))
		w.written()
	}
	for _, action := range w.kube.Actions()[before:] {
		if action.GetResource().Resource == "events" && action.GetVerb() != "list" {
			t.Errorf("written again: %v", action)
		}
	}
}

func TestARestartRepeatsNoEvent(t *testing.T) {
	w := newWorld(t)
	w.mustRun("web")
	before := len(w.written())
	w.pass(time.Minute)
	w.start()
	w.tick()
	if got := w.written(); len(got) != before {
		t.Errorf("%d events before the restart, %q after it", before, reasons(got))
	}
	// Much later the API server has forgotten them, and the cloud has not.
	for _, e := range w.written() {
		if err := w.kube.CoreV1().Events(e.Namespace).Delete(t.Context(), e.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(2 * time.Hour)
	w.start()
	w.tick()
	if got := w.written(); len(got) != 0 {
		t.Errorf("repeated: %q", reasons(got))
	}
}

func TestAnEventWhileWeWereDownIsTold(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	e, _ := w.store.get(pod.UID)
	w.written()
	w.pass(time.Minute)
	w.emulator.FailGroup(e.groupID, 1)
	w.pass(10 * time.Minute)
	times := func() (n int32) {
		for _, e := range w.written() {
			n += e.Count
		}
		return n
	}
	before := times()
	w.start()
	if after := times(); after <= before {
		t.Errorf("%d events before the restart and %d after it", before, after)
	}
}

func TestARepeatedEventIsCountedUp(t *testing.T) {
	w := newWorld(t)
	w.mustRun("crashing", func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"sleep", "5"} })
	highest := func() (count int32) {
		for _, e := range w.written() {
			count = max(count, e.Count)
		}
		return count
	}
	w.written()
	w.pass(5 * time.Minute)
	w.tick()
	if got := highest(); got < 2 {
		t.Errorf("the highest count is %d", got)
	}
}

func TestEventsThatCannotBeWrittenAreWrittenLaterInOrder(t *testing.T) {
	w := newWorld(t)
	down := true
	w.kube.PrependReactor("create", "events", func(k8stesting.Action) (bool, runtime.Object, error) {
		return down, nil, errors.New("the API server is down")
	})
	w.mustRun("web")
	if w.relay.flush(t.Context()) || len(w.written()) != 0 {
		t.Fatal("written without an API server")
	}
	down = false
	if !w.relay.flush(t.Context()) {
		t.Fatal("not written")
	}
	got := w.written()
	if len(got) < 3 || !slices.IsSortedFunc(got, func(a, b *corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) }) {
		t.Errorf("events %q", reasons(got))
	}
}

func TestEventsThatNoIncrementTellsOfAreReadByOneCall(t *testing.T) {
	calls := func(pods int) int {
		w := newWorld(t)
		for i := range pods {
			pod := w.mustAddPod(fmt.Sprintf("web-%d", i))
			w.store.remember(pod)
			w.store.update(pod.UID, func(e *entry) {
				e.stage, e.groupID = stageLive, "eci-"+pod.Name
				e.group = &facts{spotStrategy: "SpotAsPriceGo"}
			})
		}
		before := w.calls(eci.ActionDescribeContainerGroupEvents)
		w.pass(w.cfg.EventSync)
		w.tick()
		w.tick()
		return w.calls(eci.ActionDescribeContainerGroupEvents) - before
	}
	if one, many := calls(1), calls(eci.MaxStatusesPerPage); one != 1 || many != 1 {
		t.Errorf("%d calls for one pod and %d for 150", one, many)
	}
	if huge := calls(eci.MaxStatusesPerPage + 1); huge != eventBatches {
		t.Errorf("%d calls for more groups than an answer holds", huge)
	}
}

func TestEventsOfAGroupThatCouldNotBeScheduledAreTold(t *testing.T) {
	w := newWorld(t)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: true}, Times: 1})
	w.mustCreatePod(w.mustAddPod("web"))
	w.pass(time.Second)
	w.tick()
	if got := reasons(w.written()); !slices.Contains(got, "NoStock") {
		t.Errorf("reasons %q", got)
	}
}

func TestARoundWritesTheOldestEventsAndNoMoreThanItMay(t *testing.T) {
	w := newWorld(t)
	w.relay.rate = 3
	var pods []*corev1.Pod
	for _, name := range []string{"web-2", "web-1"} { // the older one is the last by name
		pods = append(pods, w.mustAddPod(name))
	}
	for i, pod := range pods {
		var events []cloudEvent
		for n := range 2 {
			at := w.clock.Now().Add(time.Duration(10*i+n) * time.Second)
			events = append(events, cloudEvent{kind: corev1.EventTypeNormal, reason: fmt.Sprint("R", n), count: 1, first: at, last: at})
		}
		w.relay.take(pod, "eci-"+pod.Name, events)
	}
	round := func() (written int, ofOldest int) {
		for _, e := range w.written() {
			written++
			if e.InvolvedObject.UID == pods[0].UID {
				ofOldest++
			}
		}
		return written, ofOldest
	}
	if all, oldest := round(); all != 3 || oldest != 2 {
		t.Errorf("the first round wrote %d events, %d of the pod that has waited longest, want 3 and 2", all, oldest)
	}
	if all, _ := round(); all != 4 {
		t.Errorf("after the second round there are %d events, want 4", all)
	}
}
