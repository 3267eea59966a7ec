package emulator_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestACreateIsCheckedAsTheCloudChecksIt(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	config := func(pairs ...string) []string {
		return append([]string{"Volume.1.Name", "v", "Volume.1.Type", "ConfigFileVolume"}, pairs...)
	}
	file := func(n int, size int) []string {
		param := fmt.Sprintf("Volume.1.ConfigFileVolume.ConfigFileToPath.%d.", n)
		return []string{param + "Path", fmt.Sprint("f", n), param + "Content", base64.StdEncoding.EncodeToString(make([]byte, size))}
	}
	for name, tc := range map[string]struct {
		changes []string
		status  int
		code    string
		param   string
	}{
		"no name":                  {[]string{"ContainerGroupName", ""}, 400, eci.CodeMissingParameter, "ContainerGroupName"},
		"a short name":             {[]string{"ContainerGroupName", "w"}, 400, eci.CodeInvalidParameter, "ContainerGroupName"},
		"a name in capitals":       {[]string{"ContainerGroupName", "Web"}, 400, eci.CodeInvalidParameter, "ContainerGroupName"},
		"a name with a last dash":  {[]string{"ContainerGroupName", "web-"}, 400, eci.CodeInvalidParameter, "ContainerGroupName"},
		"no container":             {[]string{"Container.1.Name", "", "Container.1.Image", ""}, 400, eci.CodeMissingParameter, "Container.1.Name"},
		"no image":                 {[]string{"Container.1.Image", ""}, 400, eci.CodeMissingParameter, "Container.1.Image"},
		"a long image":             {[]string{"Container.1.Image", strings.Repeat("a", 256)}, 400, eci.CodeLengthExceeded, "Container.1.Image"},
		"two of one name":          {[]string{"Container.2.Name", "app", "Container.2.Image", "i"}, 400, eci.CodeDuplicatedName, "app"},
		"an init of that name":     {[]string{"InitContainer.1.Name", "app", "InitContainer.1.Image", "i"}, 400, eci.CodeDuplicatedName, "app"},
		"21 containers":            {manyContainers(21), 400, eci.CodeLengthExceeded, "Container"},
		"a bad restart policy":     {[]string{"RestartPolicy", "Sometimes"}, 400, eci.CodeInvalidParameter, "RestartPolicy"},
		"a bad pull policy":        {[]string{"Container.1.ImagePullPolicy", "Maybe"}, 400, eci.CodeInvalidParameter, "Container.1.ImagePullPolicy"},
		"a ClusterFirst DNS":       {[]string{"DnsPolicy", "ClusterFirst"}, 400, eci.CodeInvalidParameter, "DnsPolicy"},
		"an unknown parameter":     {[]string{"Container.1.Privileged", "true"}, 400, eci.CodeInvalidParameter, "Container.1.Privileged"},
		"an env key with a digit":  {env("1A", "x"), 400, eci.CodeInvalidParameter, "Container.1.EnvironmentVar.1.Key"},
		"an env key with a dot":    {env("a.b", "x"), 400, eci.CodeInvalidParameter, "Container.1.EnvironmentVar.1.Key"},
		"a long env value":         {env("A", strings.Repeat("x", 257)), 400, eci.CodeLengthExceeded, "Container.1.EnvironmentVar.1.Value"},
		"another field path":       {append(env("A", ""), "Container.1.EnvironmentVar.1.FieldRef.FieldPath", "metadata.name"), 400, eci.CodeInvalidParameter, "FieldPath"},
		"a port of 0":              {[]string{"Container.1.Port.1.Port", "0"}, 400, eci.CodeValueExceeded, "Container.1.Port.1.Port"},
		"an SCTP port":             {[]string{"Container.1.Port.1.Port", "80", "Container.1.Port.1.Protocol", "SCTP"}, 400, eci.CodeInvalidParameter, "Protocol"},
		"a mount of no volume":     {mount("none"), 400, eci.CodeInvalidParameter, "Container.1.VolumeMount.1.Name"},
		"a writable root":          {[]string{"Container.1.SecurityContext.ReadOnlyRootFilesystem", "false"}, 400, eci.CodeInvalidParameter, "ReadOnlyRootFilesystem"},
		"another capability":       {[]string{"Container.1.SecurityContext.Capability.Add.1", "SYS_ADMIN"}, 400, eci.CodeInvalidParameter, "Capability.Add.1"},
		"a privileged container":   {[]string{"Container.1.SecurityContextPrivileged", "true"}, 403, "Forbidden.OnlyForInvitedTest", "Privileged"},
		"a probe without handler":  {[]string{"Container.1.LivenessProbe.PeriodSeconds", "5"}, 400, eci.CodeInvalidParameter, "Container.1.LivenessProbe"},
		"a probe with two":         {[]string{"Container.1.LivenessProbe.TcpSocket.Port", "80", "Container.1.LivenessProbe.HttpGet.Port", "80"}, 400, eci.CodeInvalidParameter, "Container.1.LivenessProbe"},
		"a success threshold of 2": {[]string{"Container.1.ReadinessProbe.TcpSocket.Port", "80", "Container.1.ReadinessProbe.SuccessThreshold", "2"}, 400, eci.CodeValueExceeded, "SuccessThreshold"},
		"a reserved tag":           {[]string{"Tag.1.Key", "acs:x"}, 400, eci.CodeInvalidParameter, "Tag.1.Key"},
		"a tag twice":              {[]string{"Tag.1.Key", "k", "Tag.2.Key", "k"}, 400, eci.CodeInvalidParameter, "Tag.2.Key"},
		"a long tag value":         {[]string{"Tag.1.Key", "k", "Tag.1.Value", strings.Repeat("x", 129)}, 400, eci.CodeLengthExceeded, "Tag.1.Value"},
		"21 tags":                  {manyTags(21), 400, eci.CodeLengthExceeded, "Tag"},
		"a long client token":      {[]string{"ClientToken", strings.Repeat("x", 65)}, 400, eci.CodeLengthExceeded, "ClientToken"},
		"a spot limit left out":    {[]string{"SpotStrategy", "SpotWithPriceLimit"}, 400, eci.CodeInvalidParameter, "SpotPriceLimit"},
		"a pair not on sale":       {[]string{"Cpu", "1", "Memory", "3"}, 400, eci.CodeInvalidCPUMemory, "3 GiB"},
		"a CPU alone":              {[]string{"Cpu", "1", "Memory", ""}, 400, eci.CodeInvalidCPUMemory, "Memory"},
		"containers that need more": {[]string{"Container.1.Cpu", "0.6", "Container.2.Name", "b", "Container.2.Image", "i", "Container.2.Cpu", "0.5"},
			400, eci.CodeInvalidCPUMemory, "1.1 vCPU"},
		"an init that needs more": {[]string{"InitContainer.1.Name", "b", "InitContainer.1.Image", "i", "InitContainer.1.Memory", "3"},
			400, eci.CodeInvalidCPUMemory, "3 GiB"},
		"an unknown type":      {[]string{"InstanceType", "m5.large"}, 400, "InvalidInstanceTypeForEciBuy", "m5.large"},
		"an unknown volume":    {[]string{"Volume.1.Name", "v", "Volume.1.Type", "Tape"}, 400, eci.CodeInvalidParameter, "Volume.1.Type"},
		"a part of other type": {[]string{"Volume.1.Name", "v", "Volume.1.Type", "EmptyDirVolume", "Volume.1.NFSVolume.Server", "s"}, 400, eci.CodeInvalidParameter, "Volume.1.NFSVolume"},
		"a part left out":      {[]string{"Volume.1.Name", "v", "Volume.1.Type", "NFSVolume"}, 400, eci.CodeMissingParameter, "Volume.1.NFSVolume"},
		"a volume twice": {[]string{"Volume.1.Name", "v", "Volume.1.Type", "EmptyDirVolume", "Volume.2.Name", "v", "Volume.2.Type", "EmptyDirVolume"},
			400, eci.CodeDuplicatedVolumeName, "v"},
		"a host path":           {[]string{"Volume.1.Name", "v", "Volume.1.Type", "HostPathVolume", "Volume.1.HostPathVolume.Path", "/"}, 403, "Forbidden.OnlyForInvitedTest", "HostPath"},
		"a config file too big": {config(file(1, 32<<10+1)...), 400, eci.CodeLengthExceeded, "Content"},
		"config files too big":  {config(append(file(1, 31<<10), file(2, 31<<10)...)...), 400, eci.CodeLengthExceeded, "ConfigFileToPath"},
		"content not BASE64": {config("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "f", "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", "?"),
			400, eci.CodeInvalidParameter, "Content"},
		"a path that leaves the mount": {config("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "a/../../f", "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", ""),
			400, eci.CodeInvalidParameter, "Path"},
		"an unsafe sysctl":       {[]string{"SecurityContext.Sysctl.1.Name", "kernel.panic"}, 400, eci.CodeInvalidParameter, "Sysctl.1.Name"},
		"a registry with scheme": {[]string{"ImageRegistryCredential.1.Server", "https://r"}, 400, eci.CodeInvalidParameter, "Server"},
		"an unknown vSwitch":     {[]string{"VSwitchId", "vsw-none"}, 404, "InvalidVSwitchId.NotFound", "vsw-none"},
		"an unknown security group": {[]string{"SecurityGroupId", "sg-none"}, 404,
			"InvalidSecurityGroupId.NotFound", "sg-none"},
		"an unknown one of several": {[]string{"SecurityGroupId", "sg-emulator,sg-none"}, 404, "InvalidSecurityGroupId.NotFound", "sg-none"},
		"too many security groups":  {[]string{"SecurityGroupId", "a,b,c,d,e,f"}, 400, eci.CodeInvalidParameter, "at most 5"},
		"a vSwitch of another zone": {[]string{"VSwitchId", "vsw-emulator-h", "ZoneId", "cn-hangzhou-i"}, 403, eci.CodeVSwitchZoneMismatch, "cn-hangzhou-i"},
		"a dry run":                 {[]string{"DryRun", "true"}, 400, eci.CodeDryRunOperation, "DryRun"},
	} {
		refusal := wantCode(t, name, c.call(eci.ActionCreateContainerGroup, nil, group(tc.changes...)...), tc.status, tc.code)
		if !strings.Contains(refusal.Message, tc.param) {
			t.Errorf("%s: the message %q does not name %s", name, refusal.Message, tc.param)
		}
	}
	if left := c.mustDescribe(); len(left) != 0 {
		t.Errorf("refused creates left %d groups", len(left))
	}
}

func env(key, text string) []string {
	pairs := []string{"Container.1.EnvironmentVar.1.Key", key}
	if text != "" {
		pairs = append(pairs, "Container.1.EnvironmentVar.1.Value", text)
	}
	return pairs
}

func mount(volume string) []string {
	return []string{"Container.1.VolumeMount.1.Name", volume, "Container.1.VolumeMount.1.MountPath", "/m"}
}

func manyContainers(n int) []string {
	var pairs []string
	for i := 1; i <= n; i++ {
		pairs = append(pairs, fmt.Sprintf("Container.%d.Name", i), fmt.Sprint("c", i), fmt.Sprintf("Container.%d.Image", i), "i")
	}
	return pairs
}

func manyTags(n int) []string {
	var pairs []string
	for i := 1; i <= n; i++ {
		pairs = append(pairs, fmt.Sprintf("Tag.%d.Key", i), fmt.Sprint("k", i))
	}
	return pairs
}

func TestWhatTheCloudAllowsIsAllowed(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	for name, changes := range map[string][]string{
		"20 containers":            manyContainers(20),
		"20 tags":                  manyTags(20),
		"an empty env value":       env("A", ""),
		"a pod IP":                 append(env("A", ""), "Container.1.EnvironmentVar.1.FieldRef.FieldPath", "status.podIP"),
		"an emptyDir of no part":   append([]string{"Volume.1.Name", "v", "Volume.1.Type", "EmptyDirVolume"}, mount("v")...),
		"a memory emptyDir":        {"Volume.1.Name", "v", "Volume.1.Type", "EmptyDirVolume", "Volume.1.EmptyDirVolume.Medium", "Memory"},
		"several sizes":            {"Cpu", "", "Memory", "", "InstanceType", "ecs.c6.large, 2-4Gi"},
		"no size":                  {"Cpu", "", "Memory", ""},
		"a size of other regions":  {"Cpu", "6", "Memory", "10"},
		"capabilities":             {"Container.1.SecurityContext.Capability.Add.1", "NET_ADMIN", "Container.1.SecurityContext.Capability.Add.2", "NET_RAW"},
		"a read-only root":         {"Container.1.SecurityContext.ReadOnlyRootFilesystem", "true"},
		"a safe sysctl":            {"SecurityContext.Sysctl.1.Name", "net.ipv4.ping_group_range", "SecurityContext.Sysctl.1.Value", "0 1"},
		"a long script":            {"Container.1.Command.1", "sh", "Container.1.Command.2", "-c", "Container.1.Arg.1", strings.Repeat("true;", 500)},
		"sums that only look over": {"Container.1.Cpu", "0.1", "Container.2.Name", "b", "Container.2.Image", "i", "Container.2.Cpu", "0.2", "Cpu", "0.5", "Memory", "1"},
	} {
		if err := c.call(eci.ActionCreateContainerGroup, nil, group(changes...)...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARequestOfSeveralMegabytesIsServed(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	var changes []string
	for v := 1; v <= 20; v++ {
		volume := fmt.Sprintf("Volume.%d.", v)
		changes = append(changes, volume+"Name", fmt.Sprint("v", v), volume+"Type", "ConfigFileVolume")
		for f := 1; f <= 2; f++ {
			param := fmt.Sprintf("%sConfigFileVolume.ConfigFileToPath.%d.", volume, f)
			changes = append(changes, param+"Path", fmt.Sprint("f", f), param+"Content", base64.StdEncoding.EncodeToString(make([]byte, 30<<10)))
		}
	}
	for _, inBody := range []bool{false, true} {
		c.inBody = inBody
		if err := c.call(eci.ActionCreateContainerGroup, nil, group(changes...)...); err != nil {
			t.Errorf("in the body %v: %v", inBody, err)
		}
	}
}
