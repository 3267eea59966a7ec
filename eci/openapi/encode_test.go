package openapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestARequestIsFlattenedAsTheWireHasIt(t *testing.T) {
	for name, tc := range map[string]struct {
		req  any
		want map[string]string
	}{
		"lists count from 1 and nested structs are dotted": {
			&eci.CreateContainerGroupRequest{
				RequestMeta: eci.RequestMeta{RegionID: "cn-x"},
				Containers: []eci.Container{{
					ContainerBase: eci.ContainerBase{
						Name: "a", Command: []string{"sh", "-c"}, CPU: 0.25, Memory: 2,
						Ports: []eci.ContainerPort{{Port: 80, Protocol: "TCP"}, {Port: 53, Protocol: "UDP"}},
					},
					ContainerCare: eci.ContainerCare{
						ReadinessProbe: &eci.Probe{HTTPGet: &eci.HTTPGetAction{Path: "/", Port: 8080}, PeriodSeconds: 5},
						PreStopExec:    []string{"stop"},
					},
				}},
				DNSConfig: eci.DNSConfig{NameServers: []string{"1.1.1.1"}, Options: []eci.NameValue{{Name: "ndots", Value: "5"}}},
			},
			map[string]string{
				"RegionId": "cn-x", "Container.1.Name": "a", "Container.1.Command.1": "sh", "Container.1.Command.2": "-c",
				"Container.1.Cpu": "0.25", "Container.1.Memory": "2",
				"Container.1.Port.1.Port": "80", "Container.1.Port.1.Protocol": "TCP",
				"Container.1.Port.2.Port": "53", "Container.1.Port.2.Protocol": "UDP",
				"Container.1.ReadinessProbe.HttpGet.Path": "/", "Container.1.ReadinessProbe.HttpGet.Port": "8080",
				"Container.1.ReadinessProbe.PeriodSeconds":  "5",
				"Container.1.LifecyclePreStopHandlerExec.1": "stop",
				"DnsConfig.NameServer.1":                    "1.1.1.1",
				"DnsConfig.Option.1.Name":                   "ndots",
				"DnsConfig.Option.1.Value":                  "5",
			},
		},
		"a pointer tells false and 0 from not sent": {
			&eci.CreateContainerGroupRequest{
				DryRun: ptr.To(false), TerminationGracePeriodSeconds: ptr.To[int64](0), AutoCreateEIP: ptr.To(true),
			},
			map[string]string{"DryRun": "false", "TerminationGracePeriodSeconds": "0", "AutoCreateEip": "true"},
		},
		"an empty variable keeps its key": {
			eci.ContainerBase{EnvironmentVars: []eci.EnvironmentVar{
				{Key: "EMPTY"}, {Key: "IP", FieldRef: &eci.FieldRef{FieldPath: eci.FieldPathPodIP}},
			}},
			map[string]string{
				"EnvironmentVar.1.Key": "EMPTY", "EnvironmentVar.1.Value": "",
				"EnvironmentVar.2.Key": "IP", "EnvironmentVar.2.FieldRef.FieldPath": "status.podIP",
			},
		},
		"an empty tag value is sent": {
			eci.DescribeContainerGroupsRequest{Tags: []eci.Tag{{Key: "k"}}},
			map[string]string{"Tag.1.Key": "k", "Tag.1.Value": ""},
		},
		"an empty element keeps the place of those behind it": {
			eci.ContainerBase{Args: []string{"", "b"}},
			map[string]string{"Arg.1": "", "Arg.2": "b"},
		},
		"an empty file has a content": {
			eci.ConfigFileVolume{DefaultMode: eci.NewOctalMode(0o400), Files: []eci.ConfigFile{{Path: "f", Mode: eci.NewOctalMode(0o644)}}},
			map[string]string{
				"DefaultMode": "0400", "ConfigFileToPath.1.Path": "f", "ConfigFileToPath.1.Content": "", "ConfigFileToPath.1.Mode": "0644",
			},
		},
		"ids are one JSON text": {
			eci.DescribeContainerGroupStatusRequest{ContainerGroupIDs: eci.JSONList{"eci-1", "eci-2"}},
			map[string]string{"ContainerGroupIds": `["eci-1","eci-2"]`},
		},
		"a secret travels in clear": {
			eci.ImageRegistryCredential{Server: "r", UserName: "u", Password: "hunter2"},
			map[string]string{"Server": "r", "UserName": "u", "Password": "hunter2"},
		},
		"numbers have no exponent": {
			eci.DescribeContainerGroupPriceRequest{CPU: 1e21, Memory: 0.0000001},
			map[string]string{"Cpu": "1000000000000000000000", "Memory": "0.0000001"},
		},
		"nothing is sent of an empty request": {(*eci.ListUsageRequest)(nil), map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := encode(tc.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.values); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAFieldWithoutAFormIsAnError(t *testing.T) {
	if _, err := encode(struct {
		M map[string]string `json:"M"`
	}{M: map[string]string{"a": "b"}}); err == nil {
		t.Error("a map was encoded")
	}
}
