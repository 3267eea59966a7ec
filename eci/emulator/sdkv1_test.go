package emulator_test

import (
	"net/url"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	sdkeci "github.com/aliyun/alibaba-cloud-sdk-go/services/eci"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// sdkClient is the official V1 SDK: a client that nobody here wrote.
func sdkClient(t *testing.T, endpoint, key, secret string) *sdkeci.Client {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	client, err := sdkeci.NewClientWithOptions("cn-hangzhou", sdk.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential(key, secret))
	if err != nil {
		t.Fatal(err)
	}
	client.Domain = u.Host
	return client
}

func sdkCreate(name string) *sdkeci.CreateContainerGroupRequest {
	req := sdkeci.CreateCreateContainerGroupRequest()
	req.ContainerGroupName = name
	req.Cpu, req.Memory = requests.NewFloat(2), requests.NewFloat(4)
	req.Tag = &[]sdkeci.CreateContainerGroupTag{{Key: "pod", Value: "a b*c~d/é+%"}}
	req.Container = &[]sdkeci.CreateContainerGroupContainer{{
		Name: "app", Image: "nginx:1.27", Cpu: requests.NewFloat(1), Memory: requests.NewFloat(2),
		Command: []string{"sh", "-c", "echo hello; sleep infinity"},
		EnvironmentVar: &[]sdkeci.CreateContainerGroupEnvironmentVar{
			{Key: "A", Value: "1"}, {Key: "IP", FieldRef: sdkeci.CreateContainerGroupFieldRef{FieldPath: eci.FieldPathPodIP}},
		},
		Port: &[]sdkeci.CreateContainerGroupPort{{Protocol: "TCP", Port: requests.NewInteger(80)}},
	}}
	return req
}

func TestTheOfficialV1SDKRunsAGroupFromCreateToDelete(t *testing.T) {
	em, endpoint := mustServe(t, emulator.DefaultConfig())
	client := sdkClient(t, endpoint, "emulator", "emulator-secret")
	created, err := client.CreateContainerGroup(sdkCreate("web"))
	if err != nil {
		t.Fatal(err)
	}
	list := sdkeci.CreateDescribeContainerGroupsRequest()
	list.Tag = &[]sdkeci.DescribeContainerGroupsTag{{Key: "pod", Value: "a b*c~d/é+%"}}
	found, err := client.DescribeContainerGroups(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.ContainerGroups) != 1 || found.ContainerGroups[0].Status != "Running" || found.ContainerGroups[0].ContainerGroupId != created.ContainerGroupId {
		t.Fatalf("the group is not listed as Running: %s", found.GetHttpContentString())
	}
	log := sdkeci.CreateDescribeContainerLogRequest()
	log.ContainerGroupId, log.ContainerName = created.ContainerGroupId, "app"
	printed, err := client.DescribeContainerLog(log)
	if err != nil || printed.Content != "hello\n" {
		t.Fatalf("log is %q, error %v", printed.Content, err)
	}
	del := sdkeci.CreateDeleteContainerGroupRequest()
	del.ContainerGroupId = created.ContainerGroupId
	if _, err := client.DeleteContainerGroup(del); err != nil {
		t.Fatal(err)
	}
	if left := em.Groups(); len(left) != 0 {
		t.Errorf("%d groups are left", len(left))
	}
}

func TestTheOfficialV1SDKUnderstandsRefusals(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	for name, tc := range map[string]struct {
		key, secret string
		status      int
		code        string
	}{
		"an unknown key": {"nobody", "emulator-secret", 404, eci.CodeInvalidAccessKey},
		"a wrong secret": {"emulator", "wrong", 400, eci.CodeSignatureInvalid},
	} {
		_, err := sdkClient(t, endpoint, tc.key, tc.secret).CreateContainerGroup(sdkCreate("web"))
		refusal, ok := err.(errors.Error)
		if !ok || refusal.ErrorCode() != tc.code || refusal.HttpStatus() != tc.status {
			t.Errorf("%s: got %v, want %d %s", name, err, tc.status, tc.code)
		}
	}
}

func TestTheOfficialV1SDKReadsAccountAndMetrics(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	client := sdkClient(t, endpoint, "emulator", "emulator-secret")
	regions, err := client.DescribeRegions(sdkeci.CreateDescribeRegionsRequest())
	if err != nil || len(regions.Regions) != 1 || regions.Regions[0].RegionId != "cn-hangzhou" {
		t.Fatalf("regions are %+v, error %v", regions, err)
	}
	created, err := client.CreateContainerGroup(sdkCreate("web"))
	if err != nil {
		t.Fatal(err)
	}
	metric := sdkeci.CreateDescribeMultiContainerGroupMetricRequest()
	metric.ContainerGroupIds = `["` + created.ContainerGroupId + `"]`
	metrics, err := client.DescribeMultiContainerGroupMetric(metric)
	if err != nil || len(metrics.MonitorDatas) != 1 || len(metrics.MonitorDatas[0].Records) != 1 {
		t.Fatalf("metrics are %+v, error %v", metrics, err)
	}
	if cpu := metrics.MonitorDatas[0].Records[0].CPU; cpu.Limit != 2000 || cpu.UsageNanoCores <= 0 {
		t.Errorf("CPU is %+v", cpu)
	}
}
