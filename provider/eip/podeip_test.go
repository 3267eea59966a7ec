package eip

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

func TestIsOver_CountsTimesOfAnyLength(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for after, want := range map[string]bool{
		"10m": true, "2h": false, "2562047h47m16.854775807s": false, "-5m": true, "0s": true, "99999999999h": false, "soon": false, "": false,
	} {
		record := &PodEIP{}
		record.Spec.AllocationType = AllocationType{ReleaseStrategy: request.StrategyTTL, ReleaseAfter: after}
		record.Status.PodLastSeen = metav1.NewTime(now.Add(-time.Hour))
		if got := record.isOver(now, time.Minute); got != want {
			t.Errorf("an address kept for %q is over after an hour: %v, want %v", after, got, want)
		}
	}
}

// TestPodEIP_LetGoIsNotWrittenAgain deletes a record that the finalizer of somebody else
// keeps.
func TestPodEIP_LetGoIsNotWrittenAgain(t *testing.T) {
	w := newWorld(t, 1)
	at := metav1.NewTime(w.clock.Now())
	o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"allocationID": "eip-1",
		"allocationType": map[string]any{"type": "Auto", "releaseStrategy": "Never"}}}}
	o.SetAPIVersion("alibabacloud.com/v1beta1")
	o.SetKind("PodEIP")
	o.SetNamespace("evil")
	o.SetName("stays")
	o.SetFinalizers([]string{"evil.example/stay", Finalizer})
	o.SetDeletionTimestamp(&at)
	o.SetAnnotations(map[string]string{annotationController: controllerName, annotationNode: "node-1"})
	if err := w.dynamic.Tracker().Create(PodEIPs(), o, "evil"); err != nil {
		t.Fatal(err)
	}
	writes := 0
	w.dynamic.PrependReactor("update", "podeips", func(clienttesting.Action) (bool, runtime.Object, error) { writes++; return false, nil, nil })
	for range 5 {
		w.turns(1)
		w.pass(time.Hour)
	}
	if writes != 1 {
		t.Errorf("written %d times, want once to let it go", writes)
	}
}
