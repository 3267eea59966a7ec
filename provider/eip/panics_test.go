package eip

import (
	"context"
	"testing"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

func TestTurn_GoesOnWithOthersAfterAPanicInOne(t *testing.T) {
	handlers, caught := utilruntime.PanicHandlers, 0
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = []func(context.Context, any){func(context.Context, any) { caught++ }}
	defer func() { utilruntime.ReallyCrash, utilruntime.PanicHandlers = true, handlers }()

	w := newWorld(t, 1)
	first, second := w.mustAdd("pod-a", "uid-a", wantAuto), w.mustAdd("pod-b", "uid-b", wantAuto)
	calls := 0
	w.wire.before = func() {
		if calls++; calls == 2 { // the first reads, the second works on a pod
			panic("injected")
		}
	}
	w.turns(1)
	if caught != 1 {
		t.Fatalf("%d panics were caught in %d calls", caught, calls)
	}
	w.expectBought(1)
	for range 10 {
		w.pass(time.Minute)
		w.turns(1)
	}
	w.expectReady(first)
	w.expectReady(second)
}
