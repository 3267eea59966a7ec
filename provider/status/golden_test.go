package status

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// input is a golden's <case>.in.yaml. Function is FromContainerGroup when empty.
type input struct {
	Function  string                    `json:"function"`
	Reason    string                    `json:"reason"`
	Message   string                    `json:"message"`
	RequestID string                    `json:"requestID"`
	Pod       corev1.Pod                `json:"pod"`
	Group     eci.ContainerGroup        `json:"group"`
	Live      *eci.ContainerGroupStatus `json:"live"`
}

func (in *input) run() corev1.PodStatus {
	switch in.Function {
	case "Gone":
		return Gone(&in.Pod, in.Reason, in.Message)
	case "Deleted":
		return Deleted(&in.Pod, in.Pod.Status)
	case "InPlace":
		return InPlace(&in.Pod, in.Pod.Status)
	case "Unscheduled":
		return Unscheduled(&in.Pod, in.Group)
	}
	return FromContainerGroup(&in.Pod, in.Group, in.Live)
}

func mustReadInput(t *testing.T, file string) *input {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := &input{}
	if err := yaml.UnmarshalStrict(text, in); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return in
}

func mustCases(t *testing.T) []string {
	t.Helper()
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) < 70 {
		t.Fatalf("%d goldens, error %v", len(cases), err)
	}
	return cases
}

func TestGoldens(t *testing.T) {
	for _, file := range mustCases(t) {
		stem := strings.TrimSuffix(file, ".in.yaml")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			in := mustReadInput(t, file)
			before := in.Pod.DeepCopy()
			output := struct {
				Status      corev1.PodStatus  `json:"status"`
				Annotations map[string]string `json:"annotations,omitempty"`
			}{Status: in.run(), Annotations: Annotations(in.Group, in.RequestID)}
			if diff := cmp.Diff(before, &in.Pod); diff != "" {
				t.Errorf("the pod was changed:\n%s", diff)
			}
			text, err := yaml.Marshal(output)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, stem+".out.yaml", string(text))
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
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
		t.Errorf("%s (run with -update to accept):\n%s", file, diff)
	}
}
