package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

func TestCatchPanics_LogsAndCountsThem(t *testing.T) {
	crash, handlers, standing := utilruntime.ReallyCrash, utilruntime.PanicHandlers, log.L
	defer func() { utilruntime.ReallyCrash, utilruntime.PanicHandlers, log.L = crash, handlers, standing }()
	var out bytes.Buffer
	logger, err := newLogger(Log{Level: "info"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	catchPanics(logger, registry)
	func() {
		defer utilruntime.HandleCrash() // as client-go does, without a context
		panic("in a library")
	}()
	rounds := 0
	keepUp(t.Context(), func(context.Context) {
		if rounds++; rounds == 1 {
			panic("in a loop")
		}
	})
	if rounds != 2 {
		t.Errorf("the loop had %d rounds", rounds)
	}
	err = testutil.GatherAndCompare(registry, strings.NewReader(`# HELP eci_vnode_panics_total Panics that were caught. Each is an error of this program; the log has its stack.
# TYPE eci_vnode_panics_total counter
eci_vnode_panics_total 2
`))
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"panic: in a library", "panic: in a loop", "panics_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %q: %s", want, out.String())
		}
	}
}
