package explain

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

func testConfig() Config {
	cfg := Config{Request: request.DefaultConfig(), Requests: true}
	cfg.Request.RegionID, cfg.Request.ClusterID, cfg.Request.NodeName = "cn-hangzhou", "cluster-1", "virtual-kubelet"
	cfg.Request.VSwitchIDs, cfg.Request.SecurityGroupID = []string{"vsw-1"}, "sg-1"
	cfg.Request.ClusterDNS = []string{"10.96.0.10"}
	cfg.Request.Permissions.Allow = request.Grants{request.EIPs: {"eip-emulator"}}
	cfg.Taints = []corev1.Taint{{Key: "virtual-kubelet.io/provider", Value: "alibabacloud", Effect: corev1.TaintEffectNoSchedule}}
	return cfg
}

const onePod = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}`

func mustRead(t *testing.T, content string) *Manifests {
	t.Helper()
	manifests := NewManifests("default")
	if err := manifests.Read("file", []byte(content)); err != nil {
		t.Fatal(err)
	}
	return manifests
}

func TestAFileMayBeAStreamOfJSONOrYAMLInAnyStyle(t *testing.T) {
	const flow = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}]}}"
	for _, content := range []string{
		onePod + onePod, onePod + "\n" + onePod + "\n", onePod + "\n---\n" + onePod, flow + "\n---\n" + onePod,
		"# only a comment\n---\n" + onePod + "\n---\n---\n" + flow + "\n---\n",
	} {
		if manifests := mustRead(t, content); len(manifests.workloads) != 2 {
			t.Errorf("%d of two pods are read of:\n%s", len(manifests.workloads), content)
		}
	}
}

func TestWhatIsGoodIsKeptBesideWhatIsBad(t *testing.T) {
	manifests := NewManifests("default")
	if err := manifests.Read("file", []byte("kind: Pod\n---\n"+onePod)); err == nil || len(manifests.workloads) != 1 {
		t.Errorf("%d pods, %v", len(manifests.workloads), err)
	}
}

func TestThePullPolicyIsThatOfTheAPIServer(t *testing.T) {
	for image, want := range map[string]corev1.PullPolicy{
		"nginx": corev1.PullAlways, "nginx:latest": corev1.PullAlways, "nginx:1": corev1.PullIfNotPresent,
		"host:5000/nginx": corev1.PullAlways, "host:5000/nginx:1": corev1.PullIfNotPresent, "nginx@sha256:0": corev1.PullIfNotPresent,
		"nginx:latest@sha256:0": corev1.PullAlways,
	} {
		if got := pullPolicyOf(image); got != want {
			t.Errorf("%s: %s", image, got)
		}
	}
}

func TestMissingObjectsAreRefusalsWhereTheyAreRequired(t *testing.T) {
	for _, required := range []bool{false, true} {
		manifests := mustRead(t, strings.Replace(onePod, `"image": "a"`, `"image": "a", "envFrom": [{"configMapRef": {"name": "no"}}]`, 1))
		cfg := testConfig()
		cfg.RequireObjects = required
		report, err := Explain(t.Context(), manifests, cfg, Deps{Prices: DefaultListPrices()})
		if err != nil {
			t.Fatal(err)
		}
		if refused := report.Refused() == 1; refused != required || len(report.Pods[0].Missing) != 1 || report.Pods[0].Cost == nil {
			t.Errorf("required %t: %+v", required, report.Pods[0])
		}
	}
}

func TestTheAnswerOfADryRunDecides(t *testing.T) {
	for name, c := range map[string]struct {
		answer  error
		outcome Outcome
		fails   bool
	}{
		"accepted":      {&eci.Error{Code: eci.CodeDryRunOperation, HTTPStatus: http.StatusBadRequest}, Accepted, false},
		"refused":       {&eci.Error{Code: "InvalidParameter.Malformed", HTTPStatus: http.StatusBadRequest}, Refused, false},
		"no permission": {&eci.Error{Code: eci.CodeNoPermission, HTTPStatus: http.StatusForbidden}, "", true},
		"no answer":     {errors.New("the line is dead"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			deps := Deps{Prices: DefaultListPrices(), DryRun: func(context.Context, *eci.CreateContainerGroupRequest) error { return c.answer }}
			report, err := Explain(t.Context(), mustRead(t, onePod), testConfig(), deps)
			if c.fails {
				if !errors.Is(err, c.answer) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil || report.Pods[0].Outcome != c.outcome || report.Pods[0].Cloud == "" {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

func TestTheDryRunIsAskedWithTheSecretsThemselves(t *testing.T) {
	manifests := mustRead(t, `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: a, image: a, env: [{name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: secret-value}}
`)
	asked := ""
	deps := Deps{Prices: DefaultListPrices(), DryRun: func(_ context.Context, req *eci.CreateContainerGroupRequest) error {
		asked = req.Containers[0].EnvironmentVars[0].Value
		return nil
	}}
	if _, err := Explain(t.Context(), manifests, testConfig(), deps); err != nil {
		t.Fatal(err)
	}
	if asked != "secret-value" {
		t.Errorf("the cloud was asked with %q", asked)
	}
}

func TestAPriceThatIsNotKnownIsNotAddedUp(t *testing.T) {
	manifests := mustRead(t, onePod+strings.Replace(onePod, `"name": "a"}`, `"name": "b", "annotations": {"k8s.aliyun.com/eci-use-specs": "ecs.c6.large"}}`, 1))
	report, err := Explain(t.Context(), manifests, testConfig(), Deps{Prices: DefaultListPrices()})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Totals) != 1 || report.Totals[0].AllPerHour != report.Pods[0].Cost.AllPerHour || report.Pods[1].Cost != nil {
		t.Errorf("%+v", report)
	}
}

func TestTheListPriceOfAThousandPodsIsTheDocumentedOne(t *testing.T) {
	price, err := DefaultListPrices().PriceOf(t.Context(), &eci.CreateContainerGroupRequest{CPU: 1, Memory: 2})
	if err != nil || money(1000*price.Hour) != 34.632 || price.Currency != "USD" {
		t.Errorf("%+v, %v", price, err)
	}
}
