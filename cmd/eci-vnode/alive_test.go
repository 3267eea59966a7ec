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
	beat := newHeartbeat()
	beat.now = func() time.Time { return now }
	r := newReplica(Config{}, prometheus.NewRegistry())
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
