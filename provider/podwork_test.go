package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// TestSync_OnlyReads shows that a turn of the sync loop waits for no budget but that of
// reads, whatever is due: groups to be made anew, to be forced, pods to be evicted.
func TestSync_OnlyReads(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Hour })
	w.mustDelete(w.mustRun("overdue"), 1)
	reclaimed := w.mustRun("reclaimed", onSpot)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: true}})
	w.mustCreatePod(w.mustAddPod("waits"))
	w.pass(time.Second)
	w.tick()
	w.pass(maxShortage)
	w.mustAnnounce(reclaimed)
	before, evictions := maps.Clone(w.emulator.Calls()), len(w.evictions())
	w.last = w.syncTurn(t.Context(), w.last)
	for action, n := range w.emulator.Calls() {
		if n > before[action] && !slices.Contains([]string{eci.ActionDescribeContainerGroups, eci.ActionDescribeContainerGroupStatus,
			eci.ActionDescribeContainerGroupEvents, eci.ActionDescribeContainerLog}, action) {
			t.Errorf("the sync loop sent %s", action)
		}
	}
	if len(w.evictions()) > evictions {
		t.Error("the sync loop deleted a pod")
	}
	w.drain(w.launches)
	w.drain(w.endings)
	after := w.emulator.Calls()
	for _, action := range []string{eci.ActionCreateContainerGroup, eci.ActionDeleteContainerGroup} {
		if after[action] <= before[action] {
			t.Errorf("nobody sent %s", action)
		}
	}
	if len(w.evictions()) == evictions {
		t.Error("nobody deleted the pod")
	}
}

func TestScarcity_OnePodTriesForAll(t *testing.T) {
	const pods = 50
	w := newWorld(t)
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{}})
	var waiting []*corev1.Pod
	for i := range pods {
		pod := w.mustAddPod(fmt.Sprintf("web-%d", i))
		if err := w.CreatePod(t.Context(), pod); !eci.IsNoStock(err) {
			t.Fatalf("got %v", err)
		}
		waiting = append(waiting, pod)
	}
	if n := w.calls(eci.ActionCreateContainerGroup); n != 1 {
		t.Errorf("%d creates for %d pods that find no stock together, want 1", n, pods)
	}
	w.pass(firstShortage)
	for _, pod := range waiting {
		if err := w.CreatePod(t.Context(), pod); !eci.IsNoStock(err) {
			t.Fatalf("got %v", err)
		}
	}
	if n := w.calls(eci.ActionCreateContainerGroup); n != 2 {
		t.Errorf("%d creates after the first pause, want 2", n)
	}
	w.emulator.Faults().Clear()
	w.pass(2 * firstShortage)
	w.mustCreatePod(waiting[0])
	w.pass(time.Second)
	w.tick()
	w.expectPhase(waiting[0], corev1.PodRunning)
	for _, pod := range waiting[1:] {
		w.mustCreatePod(pod)
	}
	w.expectLive(pods)
}

func TestScarcity_OtherPlacesAreTaken(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	full := &eci.Error{HTTPStatus: 403, Code: eci.CodeNoStock}
	var s scarcity
	s.note(&eci.CreateContainerGroupRequest{VSwitchID: "a", InstanceType: "small"}, full, now)
	s.note(&eci.CreateContainerGroupRequest{VSwitchID: "b", CPU: 2, Memory: 4, SpotStrategy: "SpotAsPriceGo"}, full, now)
	s.note(&eci.CreateContainerGroupRequest{VSwitchID: "d", CPU: 2, Memory: 4, SpotStrategy: "SpotWithPriceLimit", SpotPriceLimit: 0.001}, full, now)
	s.note(&eci.CreateContainerGroupRequest{VSwitchID: "d", CPU: 1, Memory: 2, CPUOptionsCore: 64}, full, now)
	s.note(&eci.CreateContainerGroupRequest{VSwitchID: "c", InstanceType: "any"}, &eci.Error{HTTPStatus: 400, Code: eci.CodeIPNotEnough}, now)
	for name, tc := range map[string]struct {
		req              eci.CreateContainerGroupRequest
		vSwitches, types string // "" is a refusal
	}{
		"the same place":              {eci.CreateContainerGroupRequest{VSwitchID: "a", InstanceType: "small"}, "", ""},
		"another size":                {eci.CreateContainerGroupRequest{VSwitchID: "a", InstanceType: "small,large"}, "a", "large"},
		"another vSwitch":             {eci.CreateContainerGroupRequest{VSwitchID: "a,b", InstanceType: "small"}, "b", "small"},
		"both may do with the other":  {eci.CreateContainerGroupRequest{VSwitchID: "a,b", InstanceType: "small,large"}, "a,b", "small,large"},
		"no spot, written in another": {eci.CreateContainerGroupRequest{VSwitchID: "b", InstanceType: "2-4Gi"}, "b", "2-4Gi"},
		"spot, written in another":    {eci.CreateContainerGroupRequest{VSwitchID: "b", InstanceType: "2-4Gi", SpotStrategy: "SpotWithPriceLimit"}, "", ""},
		"the same tiny price":         {eci.CreateContainerGroupRequest{VSwitchID: "d", CPU: 2, Memory: 4, SpotStrategy: "SpotWithPriceLimit", SpotPriceLimit: 0.001}, "", ""},
		"any price":                   {eci.CreateContainerGroupRequest{VSwitchID: "d", CPU: 2, Memory: 4, SpotStrategy: "SpotAsPriceGo"}, "d", ""},
		"any kind of CPU":             {eci.CreateContainerGroupRequest{VSwitchID: "d", CPU: 1, Memory: 2}, "d", ""},
		"no address left":             {eci.CreateContainerGroupRequest{VSwitchID: "c", CPU: 1, Memory: 2}, "", ""},
	} {
		got, err := s.avoid(&tc.req, now.Add(time.Second))
		var scarce *scarceError
		switch {
		case tc.vSwitches == "" && !errors.As(err, &scarce):
			t.Errorf("%s: got %+v, %v; want a refusal", name, got, err)
		case tc.vSwitches != "" && (err != nil || got.VSwitchID != tc.vSwitches || got.InstanceType != tc.types):
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestScarcity_GrowsAndIsForgotten(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	req := &eci.CreateContainerGroupRequest{VSwitchID: "a", CPU: 2, Memory: 4}
	full := &eci.Error{HTTPStatus: 403, Code: eci.CodeNoStock}
	var s scarcity
	for _, want := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, maxShortage, maxShortage} {
		if _, err := s.avoid(req, now); err != nil {
			t.Fatal(err)
		}
		s.note(req, full, now)
		s.note(req, full, now.Add(time.Millisecond)) // another pod that was on its way
		var scarce *scarceError
		if _, err := s.avoid(req, now.Add(time.Second)); !errors.As(err, &scarce) || scarce.until.Sub(now) != want {
			t.Fatalf("got %v, want a pause of %s", err, want)
		}
		now = now.Add(want)
	}
	s.clear(&eci.ContainerGroup{VSwitchID: "a", CPU: 2, Memory: 4}, "")
	if _, err := s.avoid(req, now); err != nil {
		t.Errorf("a group runs there: %v", err)
	}
}

func TestScarcity_PodThatLearnsNothingHoldsUpNoOther(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	req := &eci.CreateContainerGroupRequest{VSwitchID: "a", CPU: 2, Memory: 4}
	var s scarcity
	s.note(req, &eci.Error{HTTPStatus: 403, Code: eci.CodeNoStock}, now)
	now = now.Add(firstShortage)
	for range 3 { // one whose create is refused for its token before stock is looked at
		if _, err := s.avoid(req, now); err != nil {
			t.Fatalf("the next pod has to wait: %v", err)
		}
		s.note(req, &eci.Error{HTTPStatus: 400, Code: eci.CodeIdempotentMismatch}, now)
	}
}

func TestCreatePolicy_ReadsAndMakesNothing(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", annotated("eci-fail-strategy", "fail-fast"), func(p *corev1.Pod) {
		p.Annotations["k8s.aliyun.com/eci-spot-fallback"] = "true"
		p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "missing"}}}}}
	})
	w.store.remember(pod)
	e, _ := w.store.get(pod.UID)
	policy, err := w.createPolicy(t.Context(), e)
	if err != nil || !policy.FailFast || !policy.SpotFallback {
		t.Fatalf("got %+v, %v", policy, err)
	}
	if n := len(w.events.Events); n != 0 {
		t.Errorf("%d events", n)
	}
	for _, action := range w.kube.Actions() {
		if action.GetVerb() != "get" && action.GetVerb() != "create" || action.GetResource().Resource == "serviceaccounts" {
			t.Errorf("it sent %s %s", action.GetVerb(), action.GetResource().Resource)
		}
	}
}

func TestPodWork_PanicOverOnePodStopsNoOther(t *testing.T) {
	catchCrashes(t)
	w := newWorld(t)
	done := map[types.UID]int{}
	work := &podWork{Queue: newStepQueue(w.clock), name: "test", do: func(_ context.Context, uid types.UID) error {
		if done[uid]++; uid == "bad" && done[uid] == 1 {
			panic("a pod that nobody has thought of")
		}
		return nil
	}}
	work.Add("bad")
	work.Add("good")
	w.drain(work)
	w.pass(time.Minute)
	w.drain(work)
	if done["good"] != 1 || done["bad"] != 2 {
		t.Errorf("worked on %v", done)
	}
}

func TestPodWork_ClientGoQueueWorksUntilItsContextEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	worked := make(chan types.UID, 1)
	work := &podWork{Queue: newQueue("test", w.Provider.deps.Clock), name: "test", do: func(_ context.Context, uid types.UID) error {
		worked <- uid
		return nil
	}}
	over := make(chan struct{})
	go func() { defer close(over); work.run(ctx) }()
	work.Add("web")
	if uid := <-worked; uid != "web" {
		t.Errorf("worked on %s", uid)
	}
	cancel()
	<-over
}
