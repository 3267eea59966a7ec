package charttest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestChart_PassesLint(t *testing.T) {
	result := lint.All("../chart", map[string]any{}, "kube-system", true)
	for _, message := range result.Messages {
		if message.Severity > support.InfoSev { // an info is that there is no icon
			t.Errorf("%s: %v", message.Path, message.Err)
		}
	}
}

// pod is the template of a Deployment's pods and its only container.
func podOf(t *testing.T, deployment unstructured.Unstructured) (pod, container map[string]any) {
	t.Helper()
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		t.Fatal(err)
	}
	containers, _, err := unstructured.NestedSlice(pod, "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("%d containers, %v", len(containers), err)
	}
	return pod, containers[0].(map[string]any)
}

func TestPod_IsRestrictedAndHasAVersion(t *testing.T) {
	_, container := podOf(t, mustRender(t, "{}")["Deployment kube-system/eci-vnode"])
	want := map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": float64(65532),
		"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
	}
	if diff := cmp.Diff(want, container["securityContext"]); diff != "" {
		t.Error(diff)
	}
	if image := fmt.Sprint(container["image"]); !regexp.MustCompile(`:v\d+\.\d+\.\d+$`).MatchString(image) {
		t.Errorf("image %s has no version", image)
	}
	for probe, path := range map[string]string{"livenessProbe": "/healthz", "readinessProbe": "/readyz"} {
		if got, _, _ := unstructured.NestedString(container, probe, "httpGet", "path"); got != path {
			t.Errorf("%s asks %q", probe, got)
		}
	}
}

func TestReplicas_HaveABudgetUnlessThereIsOne(t *testing.T) {
	objects := mustRender(t, threeNodes)
	for _, name := range []string{"hz-h", "hz-i", "sh"} {
		budget, there := objects["PodDisruptionBudget kube-system/eci-vnode-"+name]
		labels, _, _ := unstructured.NestedStringMap(budget.Object, "spec", "selector", "matchLabels")
		if most, _, _ := unstructured.NestedFieldNoCopy(budget.Object, "spec", "maxUnavailable"); !there || fmt.Sprint(most) != "1" || labels["app"] != "eci-vnode-"+name {
			t.Errorf("%s: %v", name, budget.Object)
		}
	}
	// With one replica a budget would hold up every drain of its machine, or nothing.
	if _, there := mustRender(t, "replicas: 1")["PodDisruptionBudget kube-system/eci-vnode"]; there {
		t.Error("one replica has a budget")
	}
}

func TestNetworkPolicy_OpensThePortsOfTheContainerAndNoOther(t *testing.T) {
	objects := mustRender(t, "{}")
	policy := objects["NetworkPolicy kube-system/eci-vnode"]
	ingress, _, err := unstructured.NestedSlice(policy.Object, "spec", "ingress")
	if err != nil || len(ingress) != 1 {
		t.Fatalf("%v: %v", err, policy.Object)
	}
	var open []string
	for _, port := range ingress[0].(map[string]any)["ports"].([]any) {
		open = append(open, fmt.Sprint(port.(map[string]any)["port"]))
	}
	_, container := podOf(t, objects["Deployment kube-system/eci-vnode"])
	var served []string
	for _, port := range container["ports"].([]any) {
		served = append(served, fmt.Sprint(port.(map[string]any)["containerPort"]))
	}
	if diff := cmp.Diff(served, open); diff != "" {
		t.Errorf("served (-) and open (+): %s", diff)
	}
	if _, there := mustRender(t, "networkPolicy: false")["NetworkPolicy kube-system/eci-vnode"]; there {
		t.Error("networkPolicy: false has no effect")
	}
}

func TestPodEIPs_OutliveTheRelease(t *testing.T) {
	crd := mustRender(t, "{}")["CustomResourceDefinition /podeips.alibabacloud.com"]
	if crd.GetAnnotations()["helm.sh/resource-policy"] != "keep" {
		t.Errorf("annotations %v", crd.GetAnnotations())
	}
}

// rulesOf lists the rules of a role as texts.
func rulesOf(t *testing.T, role unstructured.Unstructured) string {
	t.Helper()
	rules, _, err := unstructured.NestedSlice(role.Object, "rules")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, rule := range rules {
		r := rule.(map[string]any)
		fmt.Fprintln(&text, r["resources"], r["resourceNames"], r["verbs"])
	}
	return text.String()
}

func TestRights_GoByTheNamesOfTheNodesAndTheirLeases(t *testing.T) {
	objects := mustRender(t, `
nodes:
  - {name: a, region: r, vSwitchIDs: [v], securityGroupID: s}
  - {name: b, region: r, vSwitchIDs: [v], securityGroupID: s, settings: {leaderElection: {name: lease-of-b}}}
`)
	for title, want := range map[string]string{
		"ClusterRole /eci-vnode":         "[nodes/status] [a b] [patch]",
		"Role kube-node-lease/eci-vnode": "[leases] [a b] [get update]",
		"Role kube-system/eci-vnode":     "[leases] [eci-vnode-a lease-of-b] [get update]",
	} {
		if rules := rulesOf(t, objects[title]); !strings.Contains(rules, want) {
			t.Errorf("%s has no %q:\n%s", title, want, rules)
		}
	}
}

func TestRights_ToHaveCertificatesSignedNeedTheSetting(t *testing.T) {
	const signing = "certificatesigningrequests"
	if rules := rulesOf(t, mustRender(t, "{}")["ClusterRole /eci-vnode"]); strings.Contains(rules, signing) {
		t.Errorf("by default:\n%s", rules)
	}
	signed := mustRender(t, "nodes: [{name: a, region: r, vSwitchIDs: [v], securityGroupID: s, settings: {kubelet: {serverTLSBootstrap: true}}}]")
	if rules := rulesOf(t, signed["ClusterRole /eci-vnode"]); !strings.Contains(rules, signing) {
		t.Errorf("with serverTLSBootstrap:\n%s", rules)
	}
}

func TestAnnotationPolicy_NamesTheNodesAndCanBeLeftOut(t *testing.T) {
	const title = "ValidatingAdmissionPolicy /eci-vnode-annotations"
	policy := mustRender(t, threeNodes)[title]
	text, err := policy.MarshalJSON()
	if err != nil || !strings.Contains(string(text), "in ['hz-h', 'hz-i', 'sh']") || !strings.Contains(string(text), "system:serviceaccount:kube-system:eci-vnode") {
		t.Errorf("%v: %s", err, text)
	}
	for kubernetes, values := range map[string]string{"v1.35.0": "annotationPolicy: false", "v1.29.0": "{}"} {
		objects, err := renderFor(t, kubernetes, values)
		if err != nil {
			t.Fatal(err)
		}
		for title := range byTitle(t, objects) {
			if strings.HasPrefix(title, "ValidatingAdmissionPolicy") {
				t.Errorf("%s of Kubernetes %s leaves %s", values, kubernetes, title)
			}
		}
	}
}
