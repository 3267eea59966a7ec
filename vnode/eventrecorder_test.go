package vnode

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func mustRecorder(t *testing.T, client kubernetes.Interface) *EventRecorder {
	t.Helper()
	r, err := NewEventRecorder(client, "test", "node", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustEvents(t *testing.T, client kubernetes.Interface) []corev1.Event {
	t.Helper()
	list, err := client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func podNumber(i int) *corev1.Pod {
	name := fmt.Sprint("pod-", i)
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
}

func TestNoEventOfABurstIsLost(t *testing.T) {
	const pods = 3000
	client := fake.NewClientset()
	r := mustRecorder(t, client)
	for i := range pods {
		r.Eventf(podNumber(i), corev1.EventTypeNormal, "Made", "number %d", i)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	// In place of the fake's own store, which takes milliseconds for an event.
	client.PrependReactor("create", "events", func(action clienttesting.Action) (bool, runtime.Object, error) {
		event := action.(clienttesting.CreateAction).GetObject().(*corev1.Event)
		mu.Lock()
		defer mu.Unlock()
		seen[event.InvolvedObject.Name] = true
		return true, event, nil
	})
	stop := r.Start(t.Context())
	defer stop()
	eventually(t, "an event of each pod to be written", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == pods
	})
}

func TestARepeatedEventIsOneWithACount(t *testing.T) {
	client := fake.NewClientset()
	r := mustRecorder(t, client)
	for range 5 {
		r.Event(podNumber(1), corev1.EventTypeWarning, "Failed", "no stock")
	}
	r.Start(t.Context())()
	events := mustEvents(t, client)
	if len(events) != 1 || events[0].Count != 5 {
		t.Errorf("got %d events, want one with count 5: %+v", len(events), events)
	}
}

func TestEventsOfOnePodAreWrittenInTheirOrder(t *testing.T) {
	client := fake.NewClientset()
	r := mustRecorder(t, client)
	want := []string{"Scheduled", "Pulling", "Pulled", "Created", "Started"}
	for _, reason := range want {
		r.Event(podNumber(1), corev1.EventTypeNormal, reason, reason)
	}
	r.Start(t.Context())()
	var got []string
	for _, action := range client.Actions() {
		if create, ok := action.(clienttesting.CreateAction); ok {
			got = append(got, create.GetObject().(*corev1.Event).Reason)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("written as %v, want %v", got, want)
	}
}

func TestAnEventWaitsForAnAPIServerThatIsAway(t *testing.T) {
	client := fake.NewClientset()
	var away atomic.Int32
	client.PrependReactor("create", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		if away.Add(1) <= 2 {
			return true, nil, errors.New("connection refused")
		}
		return false, nil, nil
	})
	r := mustRecorder(t, client)
	stop := r.Start(t.Context())
	r.Event(podNumber(1), corev1.EventTypeNormal, "Made", "once")
	eventually(t, "the event to be written", func() bool { return len(mustEvents(t, client)) > 0 })
	stop()
	if n := len(mustEvents(t, client)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestAFullQueueTakesNoMore(t *testing.T) {
	q := newEventQueue(1)
	if !q.add(&corev1.Event{}) || q.add(&corev1.Event{}) {
		t.Error("a queue of one must take one event and not two")
	}
}
