package request

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

func mustReadNetworking(t *testing.T, name, spec string) PodNetworking {
	t.Helper()
	n := PodNetworking{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &n.Spec); err != nil {
		t.Fatal(err)
	}
	return n
}

func controlledBy(pod *corev1.Pod, kind string) *corev1.Pod {
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "owner", Controller: ptr.To(true)}}
	return pod
}

func TestTheFirstPodNetworkingThatSelectsAPodGivesItItsPlace(t *testing.T) {
	all := []PodNetworking{
		mustReadNetworking(t, "d-nothing", `{vSwitchOptions: [vsw-d]}`),
		mustReadNetworking(t, "c-late", `{selector: {podSelector: {}}, vSwitchOptions: [vsw-c]}`),
		mustReadNetworking(t, "b-team", `{selector: {podSelector: {matchLabels: {app: web}}, namespaceSelector: {matchLabels: {team: a}}},
			vSwitchOptions: [vsw-b, vsw-a], vSwitchSelectOptions: {vSwitchSelectionPolicy: random}}`),
		mustReadNetworking(t, "a-fixed", `{allocationType: {type: Fixed}, selector: {podSelector: {matchLabels: {app: db}}}, securityGroupIDs: [sg-a, sg-b]}`),
	}
	web, db := map[string]string{"app": "web"}, map[string]string{"app": "db"}
	for name, tc := range map[string]struct {
		pod                         *corev1.Pod
		namespace                   map[string]string
		networking, vSwitch, groups string
		strategy                    string
		warnings                    int
	}{
		"pod and namespace":          {labelled(web, nil), map[string]string{"team": "a"}, "b-team", "vsw-b,vsw-a", "sg-1", scheduleRandom, 0},
		"the pod alone":              {labelled(web, nil), nil, "c-late", "vsw-c", "sg-1", scheduleOrdered, 0},
		"a stateful pod":             {controlledBy(labelled(db, nil), "StatefulSet"), nil, "a-fixed", "vsw-1", "sg-a,sg-b", "", 1},
		"another pod of such labels": {controlledBy(labelled(db, nil), "ReplicaSet"), nil, "c-late", "vsw-c", "sg-1", scheduleOrdered, 0},
		"a name":                     {labelled(web, map[string]string{annotationPodNetworking: "d-nothing"}), nil, "d-nothing", "vsw-d", "sg-1", scheduleOrdered, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings, err := ApplyNetworking(ApplyProfile(tc.pod, nil, Profile{}, testConfig()), tc.namespace, all)
			if err != nil {
				t.Fatal(err)
			}
			c := got.Config
			if got.Networking != tc.networking || strings.Join(c.VSwitchIDs, ",") != tc.vSwitch || c.SecurityGroupID != tc.groups || c.ScheduleStrategy != tc.strategy {
				t.Errorf("%s gives vSwitches %v %s, security groups %s", got.Networking, c.VSwitchIDs, c.ScheduleStrategy, c.SecurityGroupID)
			}
			if len(warnings) != tc.warnings {
				t.Errorf("warnings %v", warnings)
			}
		})
	}
}

func TestAPodNetworkingThatFailedItsCheckIsPassedOverWithAWarning(t *testing.T) {
	failed := mustReadNetworking(t, "failed", `{selector: {podSelector: {}}, vSwitchOptions: [vsw-gone]}`)
	failed.Status = PodNetworkingStatus{Status: networkingFailed, Message: "no such vSwitch"}
	got, warnings, err := ApplyNetworking(ApplyProfile(labelled(nil, nil), nil, Profile{}, testConfig()), nil, []PodNetworking{failed})
	if err != nil || got.Networking != "" || len(warnings) != 1 || !strings.Contains(warnings[0].Message, "no such vSwitch") {
		t.Errorf("got %q, %v, %v", got.Networking, warnings, err)
	}
}

func TestAPodNetworkingThatNoGroupCanFollowIsAnError(t *testing.T) {
	for spec, want := range map[string]string{
		`{selector: {podSelector: {}}, securityGroupIDs: [a, b, c, d, e, f]}`:              "has 6 security groups",
		`{selector: {podSelector: {}}, vSwitchOptions: [a, b, c, d, e, f, g, h, i, j, k]}`: "has 11 vSwitches",
	} {
		_, _, err := ApplyNetworking(ApplyProfile(labelled(nil, nil), nil, Profile{}, testConfig()), nil, []PodNetworking{mustReadNetworking(t, "n", spec)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
