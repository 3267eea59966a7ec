package eip

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// recordCalls returns how many calls were made for PodEIPs since the last time,
// by verb.
func (w *world) recordCalls() map[string]int {
	calls := map[string]int{}
	for _, action := range w.dynamic.Actions() {
		calls[action.GetVerb()]++
	}
	w.dynamic.ClearActions()
	return calls
}

func TestTurn_AsksForNoRecordsWherePodsKeepNone(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 5 {
		w.mustAdd(fmt.Sprintf("auto-%d", i), types.UID(fmt.Sprintf("uid-%d", i)), wantAuto)
	}
	w.turns(4)
	w.recordCalls()
	for range 20 {
		w.pass(time.Minute)
		w.turns(1)
	}
	if calls := w.recordCalls(); len(calls) != 0 {
		t.Errorf("20 collections at rest made %v", calls)
	}
}

func TestTurn_ListsRecordsOncePerCollectionAndGetsNone(t *testing.T) {
	w := newWorld(t, 1)
	const pods = 15 // below the quota of the account
	for i := range pods {
		w.mustAdd(fmt.Sprintf("never-%d", i), types.UID(fmt.Sprintf("uid-%d", i)), wantNever)
	}
	const coming = 6
	w.turns(coming)
	calls := w.recordCalls()
	if calls["list"] > coming || calls["get"] > 0 || calls["create"] != pods {
		t.Errorf("%d turns in which %d addresses came made %v", coming, pods, calls)
	}
	const collections = 20
	for range collections {
		w.pass(time.Minute)
		w.turns(1)
	}
	calls = w.recordCalls()
	if calls["list"] != collections || calls["get"] > 0 || calls["update"] > pods*collections/10 {
		t.Errorf("%d collections at rest made %v", collections, calls)
	}
}

func TestTurn_AsksForNoRecordsWhileAnotherEIPIsOnItsWay(t *testing.T) {
	w := newWorld(t, 1)
	w.em.Faults().Inject(emulator.Fault{Action: vpc.ActionAssociateEipAddress, Error: emulator.Refusal(400, vpc.CodeIncorrectInstance)})
	w.mustAdd("auto-0", "uid-1", wantAuto)
	w.turns(1)
	w.recordCalls()
	for range 15 { // less than a collection
		w.unsteadyTurns(1)
	}
	if calls := w.recordCalls(); len(calls) != 0 {
		t.Errorf("15 turns for a pod that keeps no address made %v", calls)
	}
}

// TestTurn_OneRecordThatCannotBeReadStopsNoOther has a tenant write what the
// resource's schema lets through and no Go type takes.
func TestTurn_OneRecordThatCannotBeReadStopsNoOther(t *testing.T) {
	w := newWorld(t, 1)
	p := w.mustAdd("ttl-0", "uid-1", wantTTL)
	w.turns(6)
	w.expectReady(p)
	w.mustBreakRecord("broken-0")
	w.remove(p)
	for range 6 {
		w.pass(time.Minute)
		w.turns(1)
	}
	w.expectBought(0)
}

// mustBreakRecord makes a record with a time that is none.
func (w *world) mustBreakRecord(name string) {
	w.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": PodEIPs().GroupVersion().String(), "kind": podEIPKind,
		"metadata": map[string]any{"namespace": "default", "name": name, "annotations": map[string]any{annotationController: controllerName, annotationNode: "node-1"}},
		"status":   map[string]any{"podLastSeen": "2026-01-02 03:04:05"},
	}}
	if err := w.dynamic.Tracker().Create(PodEIPs(), object, "default"); err != nil {
		w.Fatal(err)
	}
}
