package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func pageOf(t testing.TB, n int, change func(i int, s *eci.ContainerGroupStatus)) []byte {
	t.Helper()
	page := eci.DescribeContainerGroupStatusResponse{ResponseMeta: eci.ResponseMeta{RequestID: "r"}, TotalCount: int32(n), NextToken: "next"}
	for i := range n {
		s := eci.ContainerGroupStatus{ContainerGroupID: fmt.Sprint("eci-", i), Status: eci.StatusRunning, PodStatus: eci.PodStatus{
			Phase: "Running", PodIP: "10.0.0.1", StartTime: "2026-01-02T03:04:05Z",
			Conditions: []eci.PodCondition{{Type: "Ready", Status: "True"}, {Type: "Initialized", Status: "True"}},
			ContainerStatuses: []eci.ContainerStatus{{Name: "app", Ready: true, Image: "nginx",
				State: eci.ContainerStatusState{Running: &eci.StateRunning{StartedAt: "2026-01-02T03:04:05Z"}}}},
		}}
		if change != nil {
			change(i, &s)
		}
		page.Data = append(page.Data, s)
	}
	body, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestStatesThatWereSeenAreTheSameAsDecodedAnew(t *testing.T) {
	c := &Client{seen: newSeenStates()}
	bodies := [][]byte{pageOf(t, 20, nil), pageOf(t, 20, nil), pageOf(t, 21, func(i int, s *eci.ContainerGroupStatus) {
		if i == 7 {
			s.PodStatus.ContainerStatuses[0].RestartCount = 1
		}
	}), []byte(`{"RequestId":"r"}`)}
	for i, body := range bodies {
		var got, want eci.DescribeContainerGroupStatusResponse
		if err := c.decode(body, &got); err != nil {
			t.Fatal(err)
		}
		if err := decode(body, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("page %d: got\n%+v, want\n%+v", i, got, want)
		}
	}
}

func FuzzTheElementsOfAPageAreThoseThatTheDecoderFinds(f *testing.F) {
	for _, body := range []string{
		`{"RequestId":"r","Data":[{"Name":"a"},{"Name":"b \\" ] } , {\\\\"}],"NextToken":"Data"}`, `{"Data":[]}`, `{ "Data" : [ { } ] }`,
		`{"A":{"Data":[1]},"Data":[{}]}`, `{"Data":null}`, `{"Data":[1,[2,3],"x"]}`, `[]`, `{"Data":[`, `{"Data":[{}],"Data":[{}]}`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct {
			Data []json.RawMessage `json:"Data"`
		}
		items, rest, ok := cutData(body)
		if !ok || json.Unmarshal(body, &want) != nil || bytes.Count(bytes.ToLower(body), []byte(`data`)) > 1 || !bytes.Contains(body, []byte(`"Data"`)) {
			return // read as a whole, or an odd object
		}
		if len(items) != len(want.Data) || !json.Valid(rest) {
			t.Fatalf("%q: %d elements and rest %q, want %d", body, len(items), rest, len(want.Data))
		}
		for i := range items {
			if !bytes.Equal(items[i], bytes.TrimSpace(want.Data[i])) {
				t.Errorf("%q: element %d is %q, want %q", body, i, items[i], want.Data[i])
			}
		}
	})
}

func TestStatesOfLongAgoAreLetGo(t *testing.T) {
	seen := newSeenStates()
	for n := range 4 * maxSeen / 1000 {
		var resp eci.DescribeContainerGroupStatusResponse
		seen.decode(pageOf(t, 1000, func(i int, s *eci.ContainerGroupStatus) { s.Name = fmt.Sprint(n, "-", i) }), &resp)
	}
	if n := len(seen.young) + len(seen.old); n > 2*maxSeen {
		t.Errorf("%d states are kept", n)
	}
}

func TestAPageOfStatesWithOddTypesIsReadLeniently(t *testing.T) {
	body := []byte(`{"RequestId":"r","TotalCount":"1","Data":[{"ContainerGroupId":"eci-1","PodStatus":{"ContainerStatuses":[{"Name":"app","RestartCount":"3"}]}}]}`)
	c := &Client{seen: newSeenStates()}
	var resp eci.DescribeContainerGroupStatusResponse
	if err := c.decode(body, &resp); err != nil {
		t.Fatal(err)
	}
	if resp.TotalCount != 1 || resp.Data[0].PodStatus.ContainerStatuses[0].RestartCount != 3 {
		t.Errorf("got %+v", resp)
	}
}

func BenchmarkDecodeAPageOfStates(b *testing.B) {
	body := pageOf(b, 200, nil)
	b.Run("anew", func(b *testing.B) {
		for b.Loop() {
			var resp eci.DescribeContainerGroupStatusResponse
			_ = decode(body, &resp)
		}
	})
	b.Run("seen", func(b *testing.B) {
		seen := newSeenStates()
		for b.Loop() {
			var resp eci.DescribeContainerGroupStatusResponse
			seen.decode(body, &resp)
		}
	})
}
