package charttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// render renders the chart as `helm template` does, in kube-system.
func render(t *testing.T, values string) ([]unstructured.Unstructured, error) {
	t.Helper()
	return renderFor(t, "v1.35.0", values)
}

// renderFor renders it for a version of Kubernetes.
func renderFor(t *testing.T, kubernetes, values string) ([]unstructured.Unstructured, error) {
	t.Helper()
	chart, err := loader.Load("../chart")
	if err != nil {
		t.Fatal(err)
	}
	var given map[string]any
	if err := sigsyaml.UnmarshalStrict([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	all, err := chartutil.ToRenderValues(chart, given, chartutil.ReleaseOptions{Name: "eci-vnode", Namespace: "kube-system"}, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var objects []unstructured.Unstructured
	for _, text := range files {
		objects = append(objects, read(t, []byte(text))...)
	}
	return objects, nil
}

func mustRender(t *testing.T, values string) map[string]unstructured.Unstructured {
	t.Helper()
	objects, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return byTitle(t, objects)
}

func read(t *testing.T, text []byte) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var object unstructured.Unstructured
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

func byTitle(t *testing.T, objects []unstructured.Unstructured) map[string]unstructured.Unstructured {
	t.Helper()
	titled := map[string]unstructured.Unstructured{}
	for _, object := range objects {
		title := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
		if _, twice := titled[title]; twice {
			t.Errorf("%s is there twice", title)
		}
		titled[title] = object
	}
	return titled
}

func TestTheDefaultsRenderToTheManifest(t *testing.T) {
	manifest, err := os.ReadFile("../eci-vnode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := byTitle(t, read(t, manifest))
	if len(want) < 9 {
		t.Fatalf("only %d objects in the manifest", len(want))
	}
	if diff := cmp.Diff(want, mustRender(t, "{}")); diff != "" {
		t.Errorf("manifest (-) and chart (+) differ:\n%s", diff)
	}
}

const threeNodes = `
replicas: 3
nodes:
  - {name: hz-h, region: cn-hangzhou, zone: cn-hangzhou-h, vSwitchIDs: [vsw-1, vsw-2], securityGroupID: sg-1}
  - {name: hz-i, region: cn-hangzhou, vSwitchIDs: [vsw-3], securityGroupID: sg-1, settings: {sync: {repair: 1m}}}
  - {name: sh, region: cn-shanghai, vSwitchIDs: [vsw-4], securityGroupID: sg-2, budgetShare: 0.25}
`

func TestSeveralNodesHaveNamesPlacesAndSharesOfTheirOwn(t *testing.T) {
	objects := mustRender(t, threeNodes)
	for name, want := range map[string][]string{
		"hz-h": {"--budget-share=0.5", "--zone=cn-hangzhou-h", "ECI_REGION=cn-hangzhou", "ECI_VSWITCH=vsw-1,vsw-2", "ECI_SECURITY_GROUP=sg-1", "DEFAULT_NODE_NAME=hz-h"},
		"hz-i": {"--budget-share=0.5", "--config=/etc/eci-vnode/settings.yaml", "ECI_REGION=cn-hangzhou", "ECI_VSWITCH=vsw-3", "DEFAULT_NODE_NAME=hz-i"},
		"sh":   {"--budget-share=0.25", "ECI_REGION=cn-shanghai", "ECI_VSWITCH=vsw-4", "ECI_SECURITY_GROUP=sg-2", "DEFAULT_NODE_NAME=sh"},
	} {
		deployment, there := objects["Deployment kube-system/eci-vnode-"+name]
		if !there {
			t.Errorf("no Deployment of %s", name)
			continue
		}
		said := saidTo(t, deployment)
		for _, text := range want {
			if !slices.Contains(said, text) {
				t.Errorf("%s: %q is not in %q", name, text, said)
			}
		}
		if replicas, _, _ := unstructured.NestedFieldNoCopy(deployment.Object, "spec", "replicas"); fmt.Sprint(replicas) != "3" {
			t.Errorf("%s has %v replicas", name, replicas)
		}
		labels, _, _ := unstructured.NestedStringMap(deployment.Object, "spec", "selector", "matchLabels")
		if labels["app"] != "eci-vnode-"+name {
			t.Errorf("%s selects %v", name, labels)
		}
	}
	settings, _, _ := unstructured.NestedString(objects["ConfigMap kube-system/eci-vnode-hz-i"].Object, "data", "settings.yaml")
	if strings.TrimSpace(settings) != "sync:\n  repair: 1m" {
		t.Errorf("settings %q", settings)
	}
}

// saidTo lists the arguments and the plain variables of a Deployment's container.
func saidTo(t *testing.T, deployment unstructured.Unstructured) []string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("%d containers, %v", len(containers), err)
	}
	container := containers[0].(map[string]any)
	said, _, _ := unstructured.NestedStringSlice(container, "args")
	env, _, _ := unstructured.NestedSlice(container, "env")
	for _, variable := range env {
		v := variable.(map[string]any)
		if value, plain := v["value"].(string); plain {
			said = append(said, v["name"].(string)+"="+value)
		}
	}
	return said
}

func TestWithoutASecretTheProgramLooksForARole(t *testing.T) {
	objects := mustRender(t, "credentials: {create: false, secretName: \"\"}\nserviceAccount: {annotations: {pod-identity/role: eci}}\n")
	if _, there := objects["Secret kube-system/eci-vnode"]; there {
		t.Error("there is a Secret")
	}
	deployment := objects["Deployment kube-system/eci-vnode"]
	text, err := deployment.MarshalJSON()
	if err != nil || bytes.Contains(text, []byte("ECI_ACCESS_KEY")) {
		t.Errorf("%v: %s", err, text)
	}
	account := objects["ServiceAccount kube-system/eci-vnode"]
	if account.GetAnnotations()["pod-identity/role"] != "eci" {
		t.Errorf("annotations %v", account.GetAnnotations())
	}
}

func TestValuesThatCannotWorkAreRefusedWithTheirReason(t *testing.T) {
	for says, values := range map[string]string{
		"a needs a region":              "nodes: [{name: a, vSwitchIDs: [v], securityGroupID: s}]",
		"a needs vSwitchIDs":            "nodes: [{name: a, region: r, securityGroupID: s}]",
		"a needs a securityGroupID":     "nodes: [{name: a, region: r, vSwitchIDs: [v]}]",
		"needs a name":                  "nodes: [{region: r}]",
		"the name \"a\" is there twice": "nodes: [{name: a, region: r, vSwitchIDs: [v], securityGroupID: s}, {name: a, region: r, vSwitchIDs: [v], securityGroupID: s}]",
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
}
