package conformance

import (
	"errors"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var refusalContracts = []contract{
	{"a bad create is refused with its code and makes no group", badCreatesAreRefused},
	{"a refusal has an action, a status and a request id", refusalIsWhole},
}

// badCreate is a request made wrong. The code is empty where the documents do
// not declare one: then any lasting refusal will do.
type badCreate struct {
	name  string
	spoil func(*eci.CreateContainerGroupRequest)
	code  string
}

var badCreates = []badCreate{
	{"no name", func(r *eci.CreateContainerGroupRequest) { r.ContainerGroupName = "" }, ""},
	{"a name in capitals", func(r *eci.CreateContainerGroupRequest) { r.ContainerGroupName = "NotLower" }, ""},
	{"no container", func(r *eci.CreateContainerGroupRequest) { r.Containers = nil }, ""},
	{"no image", func(r *eci.CreateContainerGroupRequest) { r.Containers[0].Image = "" }, ""},
	{"a size that is not sold", func(r *eci.CreateContainerGroupRequest) { r.CPU, r.Memory = 0.25, 64 }, eci.CodeInvalidCPUMemory},
	{"a doubled container name", func(r *eci.CreateContainerGroupRequest) {
		r.Containers = append(r.Containers, r.Containers[0])
	}, eci.CodeDuplicatedName},
	{"an init container with the name of a container", func(r *eci.CreateContainerGroupRequest) {
		r.InitContainers = []eci.InitContainer{{ContainerBase: r.Containers[0].ContainerBase}}
	}, eci.CodeDuplicatedName},
	{"a doubled volume name", func(r *eci.CreateContainerGroupRequest) {
		v := eci.Volume{Name: "v", Type: eci.VolumeEmptyDir}
		r.Volumes = []eci.Volume{v, v}
	}, eci.CodeDuplicatedVolumeName},
	{"a mount of no volume", func(r *eci.CreateContainerGroupRequest) {
		r.Containers[0].VolumeMounts = []eci.VolumeMount{{Name: "none", MountPath: "/v"}}
	}, ""},
	{"a restart policy that does not exist", func(r *eci.CreateContainerGroupRequest) { r.RestartPolicy = "Sometimes" }, ""},
	{"an unknown vSwitch", func(r *eci.CreateContainerGroupRequest) { r.VSwitchID = "vsw-00000000000000000000" }, ""},
	{"an unknown security group", func(r *eci.CreateContainerGroupRequest) { r.SecurityGroupID = "sg-00000000000000000000" }, ""},
}

func badCreatesAreRefused(t *testing.T, s *suite) {
	for _, bad := range badCreates {
		t.Run(bad.name, func(t *testing.T) {
			req := s.request()
			bad.spoil(req)
			resp, err := s.Client.CreateContainerGroup(t.Context(), req)
			if err == nil {
				s.delete(t, resp.ContainerGroupID)
				t.Fatalf("made %s", resp.ContainerGroupID)
			}
			var refused *eci.Error
			if !errors.As(err, &refused) || eci.IsRetryable(err) || eci.IsAuth(err) {
				t.Errorf("not refused for good: %v", err)
			}
			if bad.code != "" && eci.CodeOf(err) != bad.code {
				t.Errorf("got code %q, want %q", eci.CodeOf(err), bad.code)
			}
			if found := s.mustList(t, &eci.DescribeContainerGroupsRequest{Tags: req.Tags}); len(found) != 0 {
				t.Errorf("a refused create made %d groups", len(found))
			}
		})
	}
}

func refusalIsWhole(t *testing.T, s *suite) {
	req := s.request()
	req.ContainerGroupName = ""
	_, err := s.Client.CreateContainerGroup(t.Context(), req)
	var refused *eci.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a *eci.Error", err)
	}
	if refused.Action != eci.ActionCreateContainerGroup || refused.RequestID == "" || refused.Code == "" || refused.Message == "" ||
		refused.HTTPStatus < 400 || refused.HTTPStatus > 499 {
		t.Errorf("got %#v", refused)
	}
}
