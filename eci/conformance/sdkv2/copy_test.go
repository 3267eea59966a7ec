package sdkv2

import (
	"reflect"
	"strings"
	"testing"

	sdk "github.com/alibabacloud-go/eci-20180808/v3/client"
	"github.com/alibabacloud-go/tea/tea"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestARequestIsCopiedByItsWireNames(t *testing.T) {
	ours := &eci.CreateContainerGroupRequest{
		ContainerGroupName: "g", CPU: 0.5,
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{
			Name: "c", Args: []string{"", "x"}, EnvironmentVars: []eci.EnvironmentVar{{Key: "EMPTY"}},
		}}},
		ImageRegistryCredentials: []eci.ImageRegistryCredential{{Password: "secret"}},
	}
	var theirs sdk.CreateContainerGroupRequest
	if err := copyWire("r", reflect.ValueOf(&theirs).Elem(), reflect.ValueOf(ours), strict); err != nil {
		t.Fatal(err)
	}
	c := theirs.Container[0]
	if *theirs.ContainerGroupName != "g" || *theirs.Cpu != 0.5 || theirs.Memory != nil || *c.Name != "c" || c.Image != nil ||
		len(c.Arg) != 2 || *c.Arg[0] != "" || *c.EnvironmentVar[0].Value != "" || *theirs.ImageRegistryCredential[0].Password != "secret" {
		t.Errorf("got %+v", theirs)
	}
	var list sdk.DescribeContainerGroupsRequest
	ids := &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{"a", "b"}}
	if err := copyWire("r", reflect.ValueOf(&list).Elem(), reflect.ValueOf(ids), strict); err != nil || *list.ContainerGroupIds != `["a","b"]` {
		t.Errorf("got %v, %v", list.ContainerGroupIds, err)
	}
}

func TestAValueThatTheSDKCannotSendIsAnError(t *testing.T) {
	var theirs sdk.UpdateContainerGroupRequest
	ours := &eci.UpdateContainerGroupRequest{Volumes: []eci.Volume{{Name: "v", DiskVolume: &eci.DiskVolume{DiskID: "d"}}}}
	err := copyWire("r", reflect.ValueOf(&theirs).Elem(), reflect.ValueOf(ours), strict)
	if err == nil || !strings.Contains(err.Error(), "r.Volume.1.DiskVolume") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerIsCopiedByItsWireNames(t *testing.T) {
	theirs := sdk.DescribeContainerGroupStatusResponseBody{
		TotalCount: tea.Int32(1),
		Data:       []*sdk.DescribeContainerGroupStatusResponseBodyData{{Uuid: tea.String("u")}},
	}
	var ours eci.DescribeContainerGroupStatusResponse
	if err := copyWire("r", reflect.ValueOf(&ours).Elem(), reflect.ValueOf(theirs), lenient); err != nil {
		t.Fatal(err)
	}
	if ours.TotalCount != 1 || len(ours.Data) != 1 || ours.Data[0].UUID != "u" {
		t.Errorf("got %+v", ours)
	}
}
