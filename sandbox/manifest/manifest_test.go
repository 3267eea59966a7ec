package manifest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func TestReadReturnsEveryDocumentInOrder(t *testing.T) {
	objects, err := Read(mustWrite(t, `# a licence
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: a}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: b}
rules: []
---
`))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, object := range objects {
		titles = append(titles, Title(object))
	}
	if diff := cmp.Diff([]string{"serviceaccount/a", "clusterrole/b"}, titles); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefusesADocumentThatIsNoObject(t *testing.T) {
	for name, content := range map[string]string{
		"no kind":  "apiVersion: v1\nmetadata: {name: a}\n",
		"no name":  "apiVersion: v1\nkind: Pod\n",
		"not YAML": "kind: [\n",
	} {
		if _, err := Read(mustWrite(t, content)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAPodIsReadyByItsConditionOrWhenItSucceeded(t *testing.T) {
	for _, c := range []struct{ name, status, want string }{
		{"ready", `{phase: Running, conditions: [{type: Ready, status: "True"}]}`, ""},
		{"succeeded", `{phase: Succeeded, conditions: [{type: Ready, status: "False"}]}`, ""},
		{"new", `{phase: Pending}`, "Pending"},
		{"starting", `{phase: Pending, containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}`, "Pending (ContainerCreating)"},
		{"refused", `{phase: Pending, reason: ProviderFailed, message: no stock}`, "Pending (ProviderFailed: no stock)"},
		{
			"unscheduled", `{phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: taint}]}`,
			"Pending (Unschedulable: taint)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := waitingPod(mustParse(t, "kind: Pod\nmetadata: {name: a}\nstatus: "+c.status))
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("waiting = %q, want %q", got, c.want)
			}
		})
	}
}

func TestADeploymentIsReadyWhenAllReplicasAre(t *testing.T) {
	for content, want := range map[string]string{
		"spec: {replicas: 2}\nstatus: {readyReplicas: 2}": "",
		"spec: {replicas: 2}\nstatus: {readyReplicas: 1}": "1 of 2 ready",
		"spec: {replicas: 0}":                             "",
		"spec: {}":                                        "0 of 1 ready",
	} {
		if got := waitingReplicas(mustParse(t, content)); got != want {
			t.Errorf("%s: waiting = %q, want %q", content, got, want)
		}
	}
}

func mustWrite(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustParse(t *testing.T, content string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(content), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}
