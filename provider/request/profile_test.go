package request

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func mustParseProfile(t *testing.T, data map[string]string) Profile {
	t.Helper()
	p, err := ParseProfile(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func labelled(labels, annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", Labels: labels, Annotations: annotations}}
}

func TestAProfileGivesItsPlaceToTheConfig(t *testing.T) {
	p := mustParseProfile(t, map[string]string{"vSwitchIds": "vsw-a, vsw-b", "securityGroupId": "sg-a", "enableClusterIp": "true"})
	cfg := testConfig()
	cfg.ZoneID = "cn-hangzhou-h"
	got := ApplyProfile(labelled(nil, nil), nil, p, cfg).Config
	if diff := cmp.Diff([]string{"vsw-a", "vsw-b"}, got.VSwitchIDs); diff != "" || got.SecurityGroupID != "sg-a" || got.ZoneID != "" {
		t.Errorf("config %+v %s", got, diff)
	}
	if diff := cmp.Diff([]string{"enableClusterIp"}, p.Ignored); diff != "" {
		t.Error(diff)
	}
}

const selectors = `[
 {"name":"gpu","objectSelector":{"matchLabels":{"kind":"gpu"}},"effect":{"annotations":{"k8s.aliyun.com/eci-use-specs":"ecs.gn6i-c4g1.xlarge"}}},
 {"name":"team","namespaceSelector":{"matchLabels":{"team":"a"}},"objectSelector":{"matchLabels":{"app":"web"}},
  "effect":{"annotations":{"k8s.aliyun.com/eci-use-specs":"2-4Gi","k8s.aliyun.com/eci-imc-id":"imc-1"},"labels":{"from":"profile"}}},
 {"name":"all","effect":{"annotations":{"k8s.aliyun.com/eci-use-specs":"1-2Gi","k8s.aliyun.com/eci-custom-tags":"by:profile"}}}
]`

func TestSelectorsMatchByAllLabelsAndTheEarlierWins(t *testing.T) {
	p := mustParseProfile(t, map[string]string{"selectors": selectors})
	const specs, imc = annotationPrefix + "eci-use-specs", annotationPrefix + "eci-imc-id"
	for name, c := range map[string]struct {
		labels, namespace map[string]string
		selectors         []string
		specs             string
	}{
		"nothing":         {nil, nil, []string{"all"}, "1-2Gi"},
		"pod only":        {map[string]string{"app": "web"}, nil, []string{"all"}, "1-2Gi"},
		"namespace only":  {nil, map[string]string{"team": "a"}, []string{"all"}, "1-2Gi"},
		"both":            {map[string]string{"app": "web"}, map[string]string{"team": "a"}, []string{"team", "all"}, "2-4Gi"},
		"the first of it": {map[string]string{"kind": "gpu"}, nil, []string{"gpu", "all"}, "ecs.gn6i-c4g1.xlarge"},
	} {
		got := ApplyProfile(labelled(c.labels, nil), c.namespace, p, testConfig())
		if diff := cmp.Diff(c.selectors, got.Selectors); diff != "" || got.Pod.Annotations[specs] != c.specs {
			t.Errorf("%s: %s, specs %q", name, diff, got.Pod.Annotations[specs])
		}
		if _, has := got.Pod.Annotations[imc]; has != (name == "both") {
			t.Errorf("%s: annotations %v", name, got.Pod.Annotations)
		}
	}
}

func TestAPodBeatsTheProfileUnderAnyNameOfAnAnnotation(t *testing.T) {
	p := mustParseProfile(t, map[string]string{"selectors": selectors})
	pod := labelled(map[string]string{"app": "web", "from": "me"}, map[string]string{annotationPrefix + "eci-image-snapshot-id": "imc-own"})
	before := pod.DeepCopy()
	got := ApplyProfile(pod, map[string]string{"team": "a"}, p, testConfig())
	if _, has := got.Pod.Annotations[annotationPrefix+"eci-imc-id"]; has {
		t.Errorf("annotations %v", got.Pod.Annotations)
	}
	if got.Pod.Labels["from"] != "me" || len(got.Labels) != 0 {
		t.Errorf("labels %v, added %v", got.Pod.Labels, got.Labels)
	}
	if diff := cmp.Diff(before, pod); diff != "" {
		t.Errorf("the pod was changed:\n%s", diff)
	}
}

func TestAProfileThatCannotBeReadNamesTheKeyAndKeepsTheRest(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":          `[{`,
		"no list":          `{}`,
		"misspelled":       `[{"name":"a","objectSelectors":{}}]`,
		"no name":          `[{"effect":{}}]`,
		"no such operator": `[{"name":"a","objectSelector":{"matchExpressions":[{"key":"k","operator":"Like"}]}}]`,
	} {
		p, err := ParseProfile(map[string]string{"selectors": text, "securityGroupId": "sg"})
		if err == nil || !strings.Contains(err.Error(), "kube-system/eci-profile: selectors: ") {
			t.Errorf("%s: %v", name, err)
		}
		if p.SecurityGroupID != "sg" || len(p.Selectors) != 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := ParseProfile(map[string]string{"vSwitchIds": strings.Repeat("v,", 11)}); err == nil {
		t.Error("11 vSwitches were taken")
	}
}

const enforcedSelectors = `[
 {"name":"jail","namespaceSelector":{"matchLabels":{"team":"a"}},"effect":{"annotations":{
  "k8s.aliyun.com/eci-security-group":"sg-jail","k8s.aliyun.com/eci-imc-id":"imc-jail","k8s.aliyun.com/eci-ram-role-name":""},"labels":{"zone":"jail"}}},
 {"name":"all","effect":{"annotations":{"k8s.aliyun.com/eci-security-group":"sg-all","k8s.aliyun.com/eci-use-specs":"1-2Gi"}}}
]`

func TestApplyProfile_EnforcedEntriesBeatThePodUnderAnyName(t *testing.T) {
	p := mustParseProfile(t, map[string]string{"enforcedSelectors": enforcedSelectors, "selectors": selectors})
	pod := podWith(map[string]string{
		annotationPrefix + "eci-security-group": "sg-admin", annotationPrefix + "eci-image-snapshot-id": "imc-own",
		annotationPrefix + "eci-ram-role-name": "admin", annotationPrefix + "eci-instance-type": "ecs.c6.large",
	})
	pod.Labels = map[string]string{"zone": "own"}
	before := pod.DeepCopy()
	got := ApplyProfile(pod, map[string]string{"team": "a"}, p, safeConfig())
	want := map[string]string{
		annotationPrefix + "eci-security-group": "sg-jail", annotationPrefix + "eci-imc-id": "imc-jail", annotationPrefix + "eci-ram-role-name": "",
		annotationPrefix + "eci-use-specs": "1-2Gi", annotationPrefix + "eci-custom-tags": "by:profile",
	}
	if diff := cmp.Diff(want, got.Pod.Annotations); diff != "" {
		t.Error(diff)
	}
	if got.Pod.Labels["zone"] != "jail" || got.Labels["zone"] != "jail" {
		t.Errorf("labels %v, told %v", got.Pod.Labels, got.Labels)
	}
	if diff := cmp.Diff([]string{"jail", "all", "all"}, got.Selectors); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, pod); diff != "" {
		t.Errorf("the pod was changed:\n%s", diff)
	}
	made, err := Translate(got.Pod, Objects{}, got.Config)
	if err != nil || made.Request.RAMRoleName != "" || made.Request.SecurityGroupID != "sg-jail" {
		t.Errorf("role %q, %v", made.Request.RAMRoleName, err)
	}
}

func TestParseProfile_EnforcedEntriesThatCannotBeReadAreNoDefaults(t *testing.T) {
	p, err := ParseProfile(map[string]string{"enforcedSelectors": "[{", "securityGroupId": "sg"})
	if err == nil || p.EnforcedProblem == nil || !strings.Contains(p.EnforcedProblem.Error(), "kube-system/eci-profile: enforcedSelectors: ") || p.SecurityGroupID != "sg" {
		t.Errorf("%+v, %v", p, err)
	}
}
