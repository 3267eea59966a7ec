package request

import (
	"regexp"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

// checkInvariants checks what the cloud would refuse a request for, as far as
// its documents say.
func checkInvariants(t *testing.T, req *eci.CreateContainerGroupRequest) {
	t.Helper()
	fail := func(ok bool, format string, args ...any) {
		if !ok {
			t.Helper()
			t.Errorf(format, args...)
		}
	}
	fail(regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,126}[a-z0-9]$`).MatchString(req.ContainerGroupName), "group name %q", req.ContainerGroupName)
	fail(len(req.Tags) <= eci.MaxTags, "%d tags", len(req.Tags))
	fail(len(req.Containers) > 0 && len(req.Containers) <= maxContainers, "%d containers", len(req.Containers))
	fail((req.CPU > 0 && req.Memory > 0) != (req.InstanceType != ""), "size %v/%v and type %q", req.CPU, req.Memory, req.InstanceType)
	if id, ok := IdentityOf(req.Tags); !ok || id.UID == "" {
		t.Errorf("no identity in the tags %v", req.Tags)
	}
	volumes := map[string]bool{}
	for _, v := range req.Volumes {
		fail(v.Type != "", "volume %q has no type", v.Name)
		volumes[v.Name] = true
	}
	var sum Size
	check := func(c eci.ContainerBase) {
		t.Helper()
		fail(c.Image != "", "container %q has no image", c.Name)
		fail(req.InstanceType != "" || c.CPU <= req.CPU && c.Memory <= req.Memory, "container %q is bigger than its group", c.Name)
		for _, v := range c.EnvironmentVars {
			fail(isVariableName(v.Key), "variable %q", v.Key)
			fail(v.FieldRef == nil || v.Value == "", "variable %q has a value and a reference", v.Key)
		}
		for _, p := range c.Ports {
			fail(p.Port > 0 && p.Port < 65536 && (p.Protocol == "TCP" || p.Protocol == "UDP"), "port %v", p)
		}
		for _, m := range c.VolumeMounts {
			fail(volumes[m.Name], "mount of no volume %q", m.Name)
			fail(!strings.HasPrefix(m.SubPath, "/"), "absolute subPath %q", m.SubPath)
		}
	}
	for _, c := range req.InitContainers {
		check(c.ContainerBase)
	}
	for _, c := range req.Containers {
		check(c.ContainerBase)
		sum.CPU += c.CPU
		sum.Memory += c.Memory
	}
	fail(req.InstanceType != "" || tidy(sum.CPU) <= req.CPU && tidy(sum.Memory) <= req.Memory, "containers ask for %v of %v/%v", sum, req.CPU, req.Memory)
}
