package conformance

import (
	"encoding/base64"
	"maps"
	"slices"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var describeContracts = []contract{
	{"what a container was given is described back", containerIsDescribed},
	{"volumes, files and mounts are described back", volumesAreDescribed},
	{"probes are described back", probesAreDescribed},
	{"tags are described back, empty values too", tagsAreDescribed},
	{"pages follow a token and hold every group once", pagesHoldEveryGroupOnce},
	{"a list keeps a status that was asked for", listKeepsAStatus},
}

func containerIsDescribed(t *testing.T, s *suite) {
	req := s.request()
	main := &req.Containers[0]
	main.Args = []string{"one", "", "three words here"}
	main.WorkingDir = "/tmp"
	main.ImagePullPolicy = "IfNotPresent"
	main.Ports = []eci.ContainerPort{{Port: 8080, Protocol: "TCP"}, {Port: 53, Protocol: "UDP"}}
	main.EnvironmentVars = []eci.EnvironmentVar{
		{Key: "PLAIN", Value: "a b+c=d&e%f*g~h/ü"},
		{Key: "EMPTY"},
		{Key: "POD_IP", FieldRef: &eci.FieldRef{FieldPath: eci.FieldPathPodIP}},
	}
	got := containerNamed(t, s.mustDescribe(t, s.mustCreate(t, req)), "main")
	if !slices.Equal(got.Commands, main.Command) || !slices.Equal(got.Args, main.Args) {
		t.Errorf("command %q, args %q", got.Commands, got.Args)
	}
	if got.Image != s.Image || got.WorkingDir != main.WorkingDir || got.ImagePullPolicy != main.ImagePullPolicy {
		t.Errorf("got %+v", got)
	}
	if !slices.Equal(got.Ports, main.Ports) {
		t.Errorf("ports %+v", got.Ports)
	}
	if len(got.EnvironmentVars) != 3 {
		t.Fatalf("variables: %+v", got.EnvironmentVars)
	}
	for i, want := range main.EnvironmentVars {
		v := got.EnvironmentVars[i]
		if v.Key != want.Key || (want.FieldRef == nil && v.Value != want.Value) {
			t.Errorf("variable %d is %+v, want %+v", i, v, want)
		}
	}
	from := got.EnvironmentVars[2].ValueFrom
	if from == nil || from.FieldRef == nil || from.FieldRef.FieldPath != eci.FieldPathPodIP {
		t.Errorf("POD_IP comes from %+v", from)
	}
}

func volumesAreDescribed(t *testing.T, s *suite) {
	content := base64.StdEncoding.EncodeToString([]byte("hello=1&x\n"))
	req := s.request()
	req.Volumes = []eci.Volume{
		{Name: "scratch", Type: eci.VolumeEmptyDir, EmptyDirVolume: &eci.EmptyDirVolume{Medium: "Memory", SizeLimit: "64Mi"}},
		{Name: "files", Type: eci.VolumeConfigFile, ConfigFileVolume: &eci.ConfigFileVolume{
			DefaultMode: eci.NewOctalMode(0o400),
			Files: []eci.ConfigFile{
				{Path: "hello", Content: eci.Secret(content), Mode: eci.NewOctalMode(0o644)},
				{Path: "dir/other", Content: eci.Secret(content)},
			},
		}},
	}
	req.Containers[0].VolumeMounts = []eci.VolumeMount{
		{Name: "scratch", MountPath: "/scratch"},
		{Name: "files", MountPath: "/files", ReadOnly: pointer(true)},
	}
	group := s.mustDescribe(t, s.mustCreate(t, req))
	i := slices.IndexFunc(group.Volumes, func(v eci.GroupVolume) bool { return v.Name == "scratch" })
	j := slices.IndexFunc(group.Volumes, func(v eci.GroupVolume) bool { return v.Name == "files" })
	if i < 0 || j < 0 {
		t.Fatalf("volumes: %+v", group.Volumes)
	}
	if v := group.Volumes[i]; v.Type != eci.VolumeEmptyDir || v.EmptyDirMedium != "Memory" || v.EmptyDirSizeLimit != "64Mi" {
		t.Errorf("got %+v", v)
	}
	files := group.Volumes[j]
	if files.Type != eci.VolumeConfigFile || len(files.ConfigFiles) != 2 || files.ConfigFiles[0].Path != "hello" || files.ConfigFiles[1].Path != "dir/other" {
		t.Fatalf("got %+v", files)
	}
	if got := files.ConfigFiles[0].Content; got != content {
		t.Errorf("the file holds %q, want %q", got, content)
	}
	mounts := containerNamed(t, group, "main").VolumeMounts
	k := slices.IndexFunc(mounts, func(m eci.VolumeMount) bool { return m.Name == "files" })
	if len(mounts) != 2 || k < 0 || mounts[k].MountPath != "/files" || mounts[k].ReadOnly == nil || !*mounts[k].ReadOnly {
		t.Errorf("mounts: %+v", mounts)
	}
}

func probesAreDescribed(t *testing.T, s *suite) {
	req := s.request()
	req.Containers[0].LivenessProbe = &eci.Probe{
		Exec: &eci.ExecAction{Command: []string{"sh", "-c", "true"}}, PeriodSeconds: 7, TimeoutSeconds: 3, FailureThreshold: 5, InitialDelaySeconds: 2,
	}
	req.Containers[0].ReadinessProbe = &eci.Probe{HTTPGet: &eci.HTTPGetAction{Path: "/ready?x=1", Port: 8080, Scheme: "HTTP"}, SuccessThreshold: 1}
	got := containerNamed(t, s.mustDescribe(t, s.mustCreate(t, req)), "main")
	live, ready := got.LivenessProbe, got.ReadinessProbe
	if live == nil || ready == nil {
		t.Fatalf("probes: %+v, %+v", live, ready)
	}
	if !slices.Equal(live.Execs, []string{"sh", "-c", "true"}) || live.PeriodSeconds != 7 || live.TimeoutSeconds != 3 ||
		live.FailureThreshold != 5 || live.InitialDelaySeconds != 2 {
		t.Errorf("liveness: %+v", live)
	}
	if ready.HTTPGet == nil || *ready.HTTPGet != *req.Containers[0].ReadinessProbe.HTTPGet {
		t.Errorf("readiness: %+v", ready.HTTPGet)
	}
}

func tagsAreDescribed(t *testing.T, s *suite) {
	req := s.request()
	req.Tags = append(req.Tags, eci.Tag{Key: "empty"}, eci.Tag{Key: "k8s.example/pod", Value: "a_b-c.d/e:f"})
	group := s.mustDescribe(t, s.mustCreate(t, req))
	for _, want := range req.Tags {
		if !slices.Contains(group.Tags, want) {
			t.Errorf("%+v is not in %+v", want, group.Tags)
		}
	}
}

func pagesHoldEveryGroupOnce(t *testing.T, s *suite) {
	tags := []eci.Tag{{Key: runTag, Value: s.runID}, {Key: "pages", Value: s.runID}}
	want := map[string]int{}
	for range 5 {
		req := s.request()
		req.Tags = tags
		want[s.mustCreate(t, req)] = 1
	}
	for name, page := range map[string]func(token string) (ids []string, next string, err error){
		"DescribeContainerGroups": func(token string) (ids []string, next string, err error) {
			resp, err := s.Client.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{Tags: tags, Limit: 2, NextToken: token})
			if err != nil {
				return nil, "", err
			}
			for _, g := range resp.ContainerGroups {
				ids = append(ids, g.ContainerGroupID)
			}
			return ids, resp.NextToken, nil
		},
		"DescribeContainerGroupStatus": func(token string) (ids []string, next string, err error) {
			resp, err := s.Client.DescribeContainerGroupStatus(t.Context(), &eci.DescribeContainerGroupStatusRequest{Tags: tags, Limit: 2, NextToken: token})
			if err != nil {
				return nil, "", err
			}
			for _, g := range resp.Data {
				ids = append(ids, g.ContainerGroupID)
			}
			return ids, resp.NextToken, nil
		},
	} {
		s.eventually(t, name+" tells all 5 groups once", func() (bool, any) {
			got := mustFollow(t, page)
			return maps.Equal(got, want), got
		})
	}
}

// mustFollow reads all pages and counts the ids. A page may be short or empty
// while a token follows.
func mustFollow(t *testing.T, page func(token string) ([]string, string, error)) map[string]int {
	t.Helper()
	count := map[string]int{}
	token := ""
	for range 20 {
		ids, next, err := page(token)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 2 {
			t.Fatalf("a page of 2 holds %d", len(ids))
		}
		for _, id := range ids {
			count[id]++
		}
		if next == "" {
			return count
		}
		token = next
	}
	t.Fatal("the pages do not end")
	return nil
}

func listKeepsAStatus(t *testing.T, s *suite) {
	req := s.request()
	s.mustRun(t, req)
	if found := s.mustList(t, &eci.DescribeContainerGroupsRequest{Tags: req.Tags, Status: eci.StatusRunning}); len(found) != 1 {
		t.Errorf("%d running groups", len(found))
	}
	if found := s.mustList(t, &eci.DescribeContainerGroupsRequest{Tags: req.Tags, Status: eci.StatusFailed}); len(found) != 0 {
		t.Errorf("%d failed groups", len(found))
	}
}
