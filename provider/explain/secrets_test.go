package explain

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestNoTextOfASecretIsInAnyOutput looks for what the Secrets of the goldens
// hold, plain and as BASE64, in all forms of the report.
func TestNoTextOfASecretIsInAnyOutput(t *testing.T) {
	for file, secrets := range map[string][]string{
		"testdata/secrets.in.yaml": {"LEAK-password", "LEAK-token", "LEAK-registry", "!!!!"},
		"testdata/storage.in.yaml": {"LEAK-id", "LEAK-secret"},
	} {
		report, err := explainFile(t, file)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		all := mustTable(t, report) + string(shown)
		for _, secret := range secrets {
			for _, text := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(all, text) {
					t.Errorf("%q is shown in:\n%s", text, all)
				}
			}
		}
		if !strings.Contains(all, "app:1") || !strings.Contains(all, `"***"`) {
			t.Errorf("too much or too little is hidden in:\n%s", all)
		}
	}
}

func TestARefusalDoesNotQuoteASecret(t *testing.T) {
	manifests := NewManifests("default")
	err := manifests.Read("long.yaml", []byte(`
apiVersion: v1
kind: Pod
metadata: {name: long}
spec:
  containers:
    - name: app
      image: app:1
      env:
        - name: KEY
          valueFrom: {secretKeyRef: {name: keys, key: long}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {long: "`+strings.Repeat("LEAK", 100)+`"}
`))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Explain(t.Context(), manifests, testConfig(), Deps{Prices: DefaultListPrices()})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Pods) != 1 || report.Pods[0].Outcome != Refused {
		t.Fatalf("a value of 400 characters is not refused: %+v", report.Pods)
	}
	if table := mustTable(t, report); strings.Contains(table, "LEAK") || !strings.Contains(table, "spec.containers[0].env[0]") {
		t.Errorf("the refusal is\n%s", table)
	}
}

// TestADecoderDoesNotQuoteASecret gives Secrets that cannot be read.
func TestADecoderDoesNotQuoteASecret(t *testing.T) {
	for _, manifest := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {key: LEAK-is-no-base64}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {key: [LEAK]}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {key: LEAK, key: LEAK}\n",
		"apiVersion: v1\nkind: Secret\nstringData:\n  key: LEAK: LEAK\n",
	} {
		err := NewManifests("default").Read("bad.yaml", []byte(manifest))
		if err == nil || strings.Contains(err.Error(), "LEAK") {
			t.Errorf("%q gives %v", manifest, err)
		}
	}
}

func TestADisguisedValueDiffersAndHasTheSameLength(t *testing.T) {
	for _, value := range []string{"a", "zZ9", "hunter2", "-----", "é", "x", "", "{}"} {
		got := unlike([]byte(value))
		if len(got) != len(value) || value != "" && string(got) == value {
			t.Errorf("%q is disguised as %q", value, got)
		}
	}
}

func TestExplainingChangesNoManifest(t *testing.T) {
	content, err := os.ReadFile("testdata/secrets.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifests := NewManifests("default")
	if err := manifests.Read("secrets.in.yaml", content); err != nil {
		t.Fatal(err)
	}
	before := manifests.workloads[0].pod.DeepCopy()
	first, err := Explain(t.Context(), manifests, testConfig(), Deps{Prices: DefaultListPrices()})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Explain(t.Context(), manifests, testConfig(), Deps{Prices: DefaultListPrices()})
	if err != nil {
		t.Fatal(err)
	}
	if !equalJSON(t, first, second) || !equalJSON(t, before, manifests.workloads[0].pod) {
		t.Error("the second report differs from the first, or the pod was changed")
	}
	if len(manifests.configMaps) > 0 {
		t.Error("a stand-in was put into the manifests")
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}
