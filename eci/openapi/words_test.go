package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Compacting changes what a state takes up, and nothing that it says.
func TestCompactStatesSayTheSame(t *testing.T) {
	w := words{}
	terminated := func(_ int, s *eci.ContainerGroupStatus) {
		c := &s.PodStatus.ContainerStatuses[0]
		c.State = eci.ContainerStatusState{Terminated: &eci.StateTerminated{Reason: "Error", ExitCode: 3, FinishedAt: "2026-01-02T03:04:06Z"}}
		c.LastState = eci.ContainerStatusState{Waiting: &eci.StateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}}
		s.PodStatus.PodIPs = []eci.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}
	}
	for i, change := range []func(int, *eci.ContainerGroupStatus){nil, terminated, func(_ int, s *eci.ContainerGroupStatus) { s.PodStatus = eci.PodStatus{} }} {
		var plain, compact eci.DescribeContainerGroupStatusResponse
		page := pageOf(t, 2, change)
		for _, resp := range []*eci.DescribeContainerGroupStatusResponse{&plain, &compact} {
			if err := json.Unmarshal(page, resp); err != nil {
				t.Fatal(err)
			}
		}
		for j := range compact.Data {
			w.compact(&compact.Data[j])
		}
		if !reflect.DeepEqual(compact, plain) {
			t.Errorf("page %d says\n%+v\nwant\n%+v", i, compact, plain)
		}
		for _, s := range compact.Data {
			if p := s.PodStatus; cap(p.Conditions) != len(p.Conditions) || cap(p.ContainerStatuses) != len(p.ContainerStatuses) || cap(p.PodIPs) != len(p.PodIPs) {
				t.Errorf("page %d: lists have spare room", i)
			}
		}
		if a, b := compact.Data[0].Status, compact.Data[1].Status; unsafe.StringData(a) != unsafe.StringData(b) {
			t.Errorf("page %d: %q is kept twice", i, a)
		}
	}
}

func TestWordsAreBounded(t *testing.T) {
	w := words{}
	for i := range 3 * maxWords {
		text := fmt.Sprint(i)
		w.share(&text)
		if text != fmt.Sprint(i) {
			t.Fatalf("%d became %q", i, text)
		}
	}
	if len(w) > maxWords {
		t.Errorf("%d words are kept, want %d at most", len(w), maxWords)
	}
	long := strings.Repeat("x", maxWord+1)
	if w.share(&long); w[long] != "" {
		t.Error("a long text is kept")
	}
}
