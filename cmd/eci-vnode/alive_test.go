package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

func TestHealthz_FailsWhenTheSyncLoopHangs(t *testing.T) {
	now := time.Unix(1700000000, 0)
	r := newReplica(Config{}, prometheus.NewRegistry())
	beat := newHeartbeat(r.recovering)
	beat.now = func() time.Time { return now }
	handler := metricsHandler(Config{}, prometheus.NewRegistry(), r.notReady, beat.hung)
	probe := func(path string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	expect := func(when string, want int) {
		t.Helper()
		if status, body := probe("/healthz"); status != want {
			t.Errorf("%s: /healthz answers %d %s", when, status, body)
		}
	}
	now = now.Add(24 * time.Hour)
	expect("standing by for a day", http.StatusOK)
	beat.observe(openapi.Attempt{Action: eci.ActionDescribeContainerGroupStatus})
	now = now.Add(hangsAfter)
	expect("working, with failures", http.StatusOK)
	beat.observe(openapi.Attempt{Action: eci.ActionCreateContainerGroup})
	now = now.Add(time.Second)
	expect("after a silence of the sync loop", http.StatusServiceUnavailable)
	if _, body := probe("/healthz"); !strings.Contains(body, "sync loop") {
		t.Errorf("it says %q", body)
	}
	if status, _ := probe("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("a replica that starts is ready: %d", status)
	}
	r.state.Store(replicaStandby)
	if status, _ := probe("/readyz"); status != http.StatusOK {
		t.Errorf("a standby is not ready: %d", status)
	}
}

// TestHealthz_LongRecoveryIsNoHang has a leader that reads the details of its groups for
// longer than a sync loop may be silent.
func TestHealthz_LongRecoveryIsNoHang(t *testing.T) {
	now := time.Unix(1700000000, 0)
	r := newReplica(Config{}, prometheus.NewRegistry())
	r.state.Store(replicaTakingOver)
	beat := newHeartbeat(r.recovering)
	beat.now = func() time.Time { return now }
	beat.observe(openapi.Attempt{Action: eci.ActionDescribeContainerGroupStatus})
	page := func() {
		now = now.Add(hangsAfter - time.Second)
		beat.observe(openapi.Attempt{Action: eci.ActionDescribeContainerGroups})
	}
	page()
	page()
	if reason := beat.hung(); reason != "" {
		t.Errorf("while it recovers: %s", reason)
	}
	r.state.Store(replicaReady)
	page()
	page()
	if beat.hung() == "" {
		t.Error("a sync loop that is silent is not told of once the node is ready")
	}
	r.state.Store(replicaTakingOver)
	now = now.Add(hangsAfter + time.Second)
	if beat.hung() == "" {
		t.Error("a recovery that asks nothing is not told of")
	}
}
