package vnode

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

func TestNamespacesTakeTurnsAndTheirPodsKeepTheirOrder(t *testing.T) {
	namespaceOf := func(uid types.UID) string { return strings.Split(string(uid), "-")[0] }
	q := newQueue("test", time.Second, time.Minute, clock.RealClock{}, newQueueMetrics(), namespaceOf)
	defer q.ShutDown()
	for i := range 4 {
		q.Add(types.UID(fmt.Sprint("loud-", i)))
	}
	for _, uid := range []types.UID{"quiet-0", "quiet-1", "loud-0", "small-0"} {
		q.Add(uid)
	}
	var got []types.UID
	for q.Len() > 0 {
		uid, _ := q.Get()
		got = append(got, uid)
		q.Done(uid)
	}
	want := []types.UID{"loud-0", "quiet-0", "small-0", "loud-1", "quiet-1", "loud-2", "loud-3"}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}
