package emulator

import (
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func newDecoder(strict bool) decoder { return decoder{strict: strict, fields: &sync.Map{}} }

func mustParams(t *testing.T, text string) map[string]string {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for name := range values {
		params[name] = values.Get(name)
	}
	return params
}

func TestDecodeReadsEveryShapeOfTheWire(t *testing.T) {
	var r eci.CreateContainerGroupRequest
	err := newDecoder(true).decode(mustParams(t, strings.Join([]string{
		"Action=CreateContainerGroup", "Version=2018-08-08", "SignatureNonce=n", "RegionId=r",
		"ContainerGroupName=web", "Cpu=0.25", "AutoCreateEip=false", "SpotDuration=0",
		"Container.1.Name=a", "Container.1.EnvironmentVar.1.Key=E", "Container.1.EnvironmentVar.1.Value=",
		"Container.2.Name=b", "Container.2.Arg.1=x", "Container.2.Arg.2=", "Container.2.ReadinessProbe.HttpGet.Port=80",
		"Container.2.SecurityContext.RunAsUser=0", "Container.2.LifecyclePreStopHandlerExec.1=stop",
		"DnsConfig.Option.1.Name=ndots", "DnsConfig.Option.1.Value=5", "NtpServer.1=n",
		"Volume.1.Name=v", "Volume.1.ConfigFileVolume.DefaultMode=0644",
		"Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path=p", "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Mode=400",
		"Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content=aGk%3D",
	}, "&")), &r)
	if err != nil {
		t.Fatal(err)
	}
	no, zero := false, int64(0)
	want := eci.CreateContainerGroupRequest{
		RequestMeta: eci.RequestMeta{RegionID: "r"}, ContainerGroupName: "web", CPU: 0.25, AutoCreateEIP: &no, SpotDuration: &zero,
		Containers: []eci.Container{
			{ContainerBase: eci.ContainerBase{Name: "a", EnvironmentVars: []eci.EnvironmentVar{{Key: "E"}}}},
			{
				ContainerBase: eci.ContainerBase{Name: "b", Args: []string{"x", ""}, SecurityContext: eci.ContainerSecurityContext{RunAsUser: &zero}},
				ContainerCare: eci.ContainerCare{ReadinessProbe: &eci.Probe{HTTPGet: &eci.HTTPGetAction{Port: 80}}, PreStopExec: []string{"stop"}},
			},
		},
		DNSConfig: eci.DNSConfig{Options: []eci.NameValue{{Name: "ndots", Value: "5"}}}, NTPServers: []string{"n"},
		Volumes: []eci.Volume{{Name: "v", ConfigFileVolume: &eci.ConfigFileVolume{
			DefaultMode: 644, Files: []eci.ConfigFile{{Path: "p", Content: "aGk=", Mode: 400}},
		}}},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

func TestDecodeReadsAListThatIsOneJSONText(t *testing.T) {
	var r eci.DescribeContainerGroupsRequest
	if err := newDecoder(true).decode(map[string]string{"ContainerGroupIds": `["eci-1","eci-2"]`}, &r); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.ContainerGroupIDs, eci.JSONList{"eci-1", "eci-2"}) {
		t.Errorf("got %v", r.ContainerGroupIDs)
	}
}

func TestStrictDecodeNamesTheWrongParameter(t *testing.T) {
	for text, name := range map[string]string{
		"Colour=red":                                  "Colour",
		"Container.1.Nmae=a":                          "Container.1.Nmae",
		"Container.1.Name=a&Container.3.Name=b":       "Container.3",
		"Container.0.Name=a":                          "Container.0",
		"Container.01.Name=a":                         "Container.01",
		"Container.x.Name=a":                          "Container.x",
		"Container.99999999999.Name=a":                "Container.99999999999",
		"Container=a":                                 "Container",
		"Container.1=a":                               "Container.1",
		"Container.1.Arg=a":                           "Container.1.Arg",
		"Container.1.Name.First=a":                    "Container.1.Name.First",
		"Container.1.Name=a&Container.1.Name.First=b": "Container.1.Name.First",
		"Cpu=much":                                    "Cpu",
		"Cpu=NaN":                                     "Cpu",
		"Cpu=":                                        "Cpu",
		"EphemeralStorage=1.5":                        "EphemeralStorage",
		"EphemeralStorage=3000000000":                 "EphemeralStorage",
		"AutoCreateEip=yes":                           "AutoCreateEip",
		"TerminationGracePeriodSeconds=9223372036854775808": "TerminationGracePeriodSeconds",
		"Volume.1.ConfigFileVolume.DefaultMode=0888":        "Volume.1.ConfigFileVolume.DefaultMode",
		"Volume.1.ConfigFileVolume.DefaultMode=77777":       "Volume.1.ConfigFileVolume.DefaultMode",
		"VSwitchId.1=vsw": "VSwitchId.1",
	} {
		err := newDecoder(true).decode(mustParams(t, text), &eci.CreateContainerGroupRequest{})
		if err == nil || err.Code != eci.CodeInvalidParameter || !strings.Contains(err.Message, "parameter "+name+" is") {
			t.Errorf("%s: got %v, want an InvalidParameter that names %s", text, err, name)
		}
	}
	for _, text := range []string{"ContainerGroupIds=eci-1", "ContainerGroupIds.1=eci-1", `ContainerGroupIds=[1]`} {
		if err := newDecoder(true).decode(mustParams(t, text), &eci.DescribeContainerGroupsRequest{}); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestALaxDecodeIgnoresWhatTheCloudIgnores(t *testing.T) {
	var r eci.CreateContainerGroupRequest
	err := newDecoder(false).decode(mustParams(t, "Colour=red&Cpu=&Container.2.Name=b&Container.7.Name=g&Container.2.Nmae=x"), &r)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Containers) != 2 || r.Containers[0].Name != "b" || r.Containers[1].Name != "g" || r.CPU != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestEveryRequestTypeCanBeDecoded(t *testing.T) {
	for _, target := range []any{
		&eci.CreateContainerGroupRequest{}, &eci.UpdateContainerGroupRequest{}, &eci.DeleteContainerGroupRequest{},
		&eci.RestartContainerGroupRequest{}, &eci.DescribeContainerGroupsRequest{}, &eci.DescribeContainerGroupStatusRequest{},
		&eci.DescribeContainerGroupEventsRequest{}, &eci.DescribeContainerLogRequest{}, &eci.DescribeContainerGroupPriceRequest{},
		&eci.DescribeMultiContainerGroupMetricRequest{}, &eci.DescribeRegionsRequest{}, &eci.ListUsageRequest{},
	} {
		for name, text := range leaves(reflect.TypeOf(target).Elem(), "") {
			if err := newDecoder(true).decode(map[string]string{name: text}, target); err != nil {
				t.Errorf("%T: %s=%s: %v", target, name, text, err)
			}
		}
	}
}

// leaves names every parameter of a request type once, with a value that fits.
func leaves(t reflect.Type, path string) map[string]string {
	switch t {
	case reflect.TypeFor[eci.JSONList]():
		return map[string]string{path: "[]"}
	case reflect.TypeFor[eci.OctalMode]():
		return map[string]string{path: "0644"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return leaves(t.Elem(), path)
	case reflect.Slice:
		return leaves(t.Elem(), join(path, "1"))
	case reflect.Bool:
		return map[string]string{path: "true"}
	case reflect.String:
		return map[string]string{path: "text"}
	case reflect.Struct:
		all := map[string]string{}
		for _, field := range reflect.VisibleFields(t) {
			if field.Anonymous {
				continue
			}
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			for name, text := range leaves(field.Type, join(path, tag)) {
				all[name] = text
			}
		}
		return all
	}
	return map[string]string{path: "1"}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"Container.1.Name=a&Container.1.Arg.1=x&Cpu=2&Memory=4",
		"Container.2.Name=a&Container.1=3&Container.1.Name.x.y=2",
		"Volume.1.ConfigFileVolume.ConfigFileToPath.1.Mode=0644&Volume.1.Name=",
		"ContainerGroupIds=%5B%22a%22%5D&Tag.1.Key=k&SinceSecond=60",
		"Container.1.LivenessProbe.Exec.Command=%3C%5B%5Dstring+Value%3E",
		".=1&..=2&1=3&Tag.=4&Tag.-1.Key=5&Tag.1000.Key=6",
		"DnsConfig.Option.1.Name=ndots&SecurityContext.Sysctl.1.Name=a",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, query string, strict bool) {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		params := map[string]string{}
		for name := range values {
			params[name] = values.Get(name)
		}
		for _, target := range []any{&eci.CreateContainerGroupRequest{}, &eci.UpdateContainerGroupRequest{}, &eci.DescribeContainerGroupsRequest{}} {
			again := reflect.New(reflect.TypeOf(target).Elem()).Interface()
			first := newDecoder(strict).decode(params, target)
			second := newDecoder(strict).decode(params, again)
			if (first == nil) != (second == nil) || !reflect.DeepEqual(target, again) {
				t.Fatalf("two decodings differ: %v, %v", first, second)
			}
			if first != nil && (first.Code == "" || first.HTTPStatus != 400) {
				t.Fatalf("a refusal without code or status: %+v", first)
			}
		}
	})
}
