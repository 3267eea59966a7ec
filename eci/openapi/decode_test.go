package openapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestAnAnswerIsReadAlsoWhenScalarsAreOfAnotherType(t *testing.T) {
	const wire = `{"RequestId":7,"totalCount":"2","ContainerGroups":[{
		"ContainerGroupId":"eci-1","Cpu":"0.5","Memory":2,"Tags":"","DnsConfig":"",
		"Containers":[{"Name":true,"Ready":"true","RestartCount":"3","Cpu":"","Ports":[{"Port":"80"}]}]}]}`
	var got eci.DescribeContainerGroupsResponse
	got.NextToken = "of a failed attempt"
	if err := decode([]byte(wire), &got); err != nil {
		t.Fatal(err)
	}
	want := eci.DescribeContainerGroupsResponse{
		ResponseMeta: eci.ResponseMeta{RequestID: "7"}, TotalCount: 2,
		ContainerGroups: []eci.ContainerGroup{{
			ContainerGroupID: "eci-1", CPU: 0.5, Memory: 2,
			Containers: []eci.GroupContainer{{GroupContainerBase: eci.GroupContainerBase{
				Name: "true", Ready: true, RestartCount: 3, Ports: []eci.ContainerPort{{Port: 80}},
			}}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLongNumbersAreReadExactly(t *testing.T) {
	var got eci.DescribeMultiContainerGroupMetricResponse
	const wire = `{"RequestId":1,"MonitorDatas":[{"Records":[{"CPU":{"UsageCoreNanoSeconds":"9007199254740993","Load":9007199254740995}}]}]}`
	if err := decode([]byte(wire), &got); err != nil {
		t.Fatal(err)
	}
	cpu := got.MonitorDatas[0].Records[0].CPU
	if cpu.UsageCoreNanoSeconds != 9007199254740993 || cpu.Load != 9007199254740995 {
		t.Errorf("got %+v", cpu)
	}
}

func TestAnAnswerThatIsNoJSONIsAnError(t *testing.T) {
	for _, wire := range []string{"", "<html>", `{"TotalCount":"many"}`, `{"ContainerGroups":{"a":1}}`, `[`} {
		var got eci.DescribeContainerGroupsResponse
		if err := decode([]byte(wire), &got); err == nil {
			t.Errorf("%q was read", wire)
		}
	}
}

// FuzzDecode: whatever a server answers, decoding ends without a panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"RequestId":1,"ContainerGroups":[{"Cpu":"1","Tags":""}]}`))
	f.Add([]byte(`{"RequestId":1,"ContainerGroups":[[]]}`))
	f.Fuzz(func(t *testing.T, wire []byte) {
		var groups eci.DescribeContainerGroupsResponse
		var states eci.DescribeContainerGroupStatusResponse
		_, _ = decode(wire, &groups), decode(wire, &states)
	})
}
