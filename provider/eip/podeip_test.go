package eip

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
