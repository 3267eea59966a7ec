package explain

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGoldens explains every testdata/<case>.in.yaml and compares with
// <case>.table.txt and <case>.out.yaml, or with <case>.err.txt for what cannot
// be read.
func TestGoldens(t *testing.T) {
	cases := mustGlob(t, "testdata/*.in.yaml")
	if len(cases) < 8 {
		t.Errorf("only %d goldens found", len(cases))
	}
	for _, in := range cases {
		stem := strings.TrimSuffix(in, ".in.yaml")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			report, err := explainFile(t, in)
			if err != nil {
				compareGolden(t, stem+".err.txt", err.Error()+"\n")
				return
			}
			compareGolden(t, stem+".table.txt", mustTable(t, report))
			text, err := yaml.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, stem+".out.yaml", string(text))
		})
	}
}

// TestGoldenExamples explains every file of examples/.
func TestGoldenExamples(t *testing.T) {
	cases := mustGlob(t, "../../examples/*.yaml")
	if len(cases) == 0 {
		t.Fatal("there are no examples")
	}
	for _, in := range cases {
		stem := strings.TrimSuffix(filepath.Base(in), ".yaml")
		t.Run(stem, func(t *testing.T) {
			report, err := explainFile(t, in)
			if err != nil {
				t.Fatal(err)
			}
			if n := report.Refused(); n > 0 {
				t.Errorf("%d of an example would be refused", n)
			}
			compareGolden(t, filepath.Join("testdata", "examples", stem+".table.txt"), mustTable(t, report))
		})
	}
}

// TestGoldenJSON shows that JSON has what YAML has.
func TestGoldenJSON(t *testing.T) {
	report, err := explainFile(t, "testdata/deployment.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/deployment.out.json", string(text)+"\n")
}

// explainFile explains a file, which is named by its last element.
func explainFile(t *testing.T, file string) (*Report, error) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	manifests := NewManifests("default")
	if err := manifests.Read(filepath.Base(file), content); err != nil {
		return nil, err
	}
	report, err := Explain(t.Context(), manifests, testConfig(), Deps{Prices: DefaultListPrices()})
	if err != nil {
		t.Fatal(err)
	}
	return report, nil
}

func mustTable(t *testing.T, report *Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (make goldens to accept):\n%s", file, diff)
	}
}
