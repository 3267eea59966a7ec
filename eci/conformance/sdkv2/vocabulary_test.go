package sdkv2

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	sdk "github.com/alibabacloud-go/eci-20180808/v3/client"

	"github.com/eci-vnode/eci-vnode/eci"
)

// shared are names that package eci has in a place where the SDK has none,
// because it uses one type for a create, an update and an answer. They must
// never be sent in an update, nor looked for in an answer.
var shared = []string{
	"UpdateContainerGroupRequest.AcrRegistryInfo.N.ArnService",
	"UpdateContainerGroupRequest.AcrRegistryInfo.N.ArnUser",
	"UpdateContainerGroupRequest.Container.N.TerminationMessagePath",
	"UpdateContainerGroupRequest.Container.N.TerminationMessagePolicy",
	"UpdateContainerGroupRequest.InitContainer.N.TerminationMessagePath",
	"UpdateContainerGroupRequest.InitContainer.N.TerminationMessagePolicy",
	"UpdateContainerGroupRequest.Volume.N.ConfigFileVolume.ConfigFileToPath.N.Mode",
	"UpdateContainerGroupRequest.Volume.N.ConfigFileVolume.DefaultMode",
	"UpdateContainerGroupRequest.Volume.N.DiskVolume",
	"DescribeContainerGroupsResponse.ContainerGroups.N.Containers.N.TerminationMessagePath",
	"DescribeContainerGroupsResponse.ContainerGroups.N.Containers.N.TerminationMessagePolicy",
	"DescribeContainerGroupsResponse.ContainerGroups.N.InitContainers.N.TerminationMessagePath",
	"DescribeContainerGroupsResponse.ContainerGroups.N.InitContainers.N.TerminationMessagePolicy",
	"DescribeContainerGroupsResponse.ContainerGroups.N.InitContainers.N.VolumeMounts.N.SubPath",
}

// Every wire name of package eci, at its place, has to be one of the SDK, with
// the same kind of value. What the SDK knows beyond it is listed by go test -v.
func TestPackageECIAgreesWithTheSDKOnEveryName(t *testing.T) {
	expected := map[string]bool{}
	for _, name := range shared {
		expected[name+unknown] = true
	}
	for _, pair := range []struct{ ours, theirs any }{
		{eci.CreateContainerGroupRequest{}, sdk.CreateContainerGroupRequest{}},
		{eci.CreateContainerGroupResponse{}, sdk.CreateContainerGroupResponseBody{}},
		{eci.DeleteContainerGroupRequest{}, sdk.DeleteContainerGroupRequest{}},
		{eci.DeleteContainerGroupResponse{}, sdk.DeleteContainerGroupResponseBody{}},
		{eci.UpdateContainerGroupRequest{}, sdk.UpdateContainerGroupRequest{}},
		{eci.UpdateContainerGroupResponse{}, sdk.UpdateContainerGroupResponseBody{}},
		{eci.RestartContainerGroupRequest{}, sdk.RestartContainerGroupRequest{}},
		{eci.RestartContainerGroupResponse{}, sdk.RestartContainerGroupResponseBody{}},
		{eci.DescribeContainerGroupsRequest{}, sdk.DescribeContainerGroupsRequest{}},
		{eci.DescribeContainerGroupsResponse{}, sdk.DescribeContainerGroupsResponseBody{}},
		{eci.DescribeContainerGroupStatusRequest{}, sdk.DescribeContainerGroupStatusRequest{}},
		{eci.DescribeContainerGroupStatusResponse{}, sdk.DescribeContainerGroupStatusResponseBody{}},
		{eci.DescribeContainerGroupEventsRequest{}, sdk.DescribeContainerGroupEventsRequest{}},
		{eci.DescribeContainerGroupEventsResponse{}, sdk.DescribeContainerGroupEventsResponseBody{}},
		{eci.DescribeContainerLogRequest{}, sdk.DescribeContainerLogRequest{}},
		{eci.DescribeContainerLogResponse{}, sdk.DescribeContainerLogResponseBody{}},
		{eci.ExecContainerCommandRequest{}, sdk.ExecContainerCommandRequest{}},
		{eci.ExecContainerCommandResponse{}, sdk.ExecContainerCommandResponseBody{}},
		{eci.DescribeMultiContainerGroupMetricRequest{}, sdk.DescribeMultiContainerGroupMetricRequest{}},
		{eci.DescribeMultiContainerGroupMetricResponse{}, sdk.DescribeMultiContainerGroupMetricResponseBody{}},
		{eci.DescribeRegionsRequest{}, sdk.DescribeRegionsRequest{}},
		{eci.DescribeRegionsResponse{}, sdk.DescribeRegionsResponseBody{}},
		{eci.ListUsageRequest{}, sdk.ListUsageRequest{}},
		{eci.ListUsageResponse{}, sdk.ListUsageResponseBody{}},
		{eci.DescribeContainerGroupPriceRequest{}, sdk.DescribeContainerGroupPriceRequest{}},
		{eci.DescribeContainerGroupPriceResponse{}, sdk.DescribeContainerGroupPriceResponseBody{}},
	} {
		ours, theirs := reflect.TypeOf(pair.ours), reflect.TypeOf(pair.theirs)
		for _, difference := range compare(ours.Name(), ours, theirs) {
			if !expected[difference] {
				t.Error(difference)
			}
			delete(expected, difference)
		}
		for _, name := range missing(ours.Name(), ours, theirs) {
			t.Log("only in the SDK:", name)
		}
	}
	for name := range expected {
		t.Errorf("no longer so, take it out of the list: %s", name)
	}
}

const unknown = ": unknown to the SDK"

// compare names what ours has and theirs has not, and kinds that do not fit.
func compare(path string, ours, theirs reflect.Type) (differences []string) {
	ours, theirs = bare(ours), bare(theirs)
	if ours.Kind() == reflect.Slice && theirs.Kind() == reflect.Slice {
		return compare(path+".N", ours.Elem(), theirs.Elem())
	}
	if kindOf(ours) != kindOf(theirs) {
		return []string{fmt.Sprintf("%s: a %s here, a %s in the SDK", path, ours, theirs)}
	}
	if ours.Kind() != reflect.Struct {
		return nil
	}
	known := wireFields(theirs)
	for name, field := range wireFields(ours) {
		their, ok := known[name]
		if !ok {
			differences = append(differences, path+"."+name+unknown)
			continue
		}
		differences = append(differences, compare(path+"."+name, field.Type, their.Type)...)
	}
	slices.Sort(differences)
	return differences
}

// missing names what only theirs has.
func missing(path string, ours, theirs reflect.Type) (names []string) {
	ours, theirs = bare(ours), bare(theirs)
	switch {
	case ours.Kind() == reflect.Slice && theirs.Kind() == reflect.Slice:
		return missing(path+".N", ours.Elem(), theirs.Elem())
	case ours.Kind() != reflect.Struct || theirs.Kind() != reflect.Struct:
		return nil
	}
	known := wireFields(ours)
	for name, field := range wireFields(theirs) {
		if our, ok := known[name]; ok {
			names = append(names, missing(path+"."+name, our.Type, field.Type)...)
		} else {
			names = append(names, path+"."+name)
		}
	}
	slices.Sort(names)
	return names
}

func bare(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// kindOf puts together what is one on the wire: the widths of numbers, and a
// list that travels as one text.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	if t == reflect.TypeFor[eci.JSONList]() {
		return reflect.String.String()
	}
	return t.Kind().String()
}
