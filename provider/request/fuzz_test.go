package request

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// FuzzFromPod gives arbitrary pods in YAML. Each must be an error of one of the
// two kinds, or a request that the cloud could take.
func FuzzFromPod(f *testing.F) {
	for _, pattern := range []string{"testdata/*.in.yaml", "../../examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for document := range strings.SplitSeq(string(text), "---\n") {
				f.Add([]byte(document))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pod := &corev1.Pod{}
		if yaml.Unmarshal(text, pod) != nil {
			return
		}
		pod.UID = "uid"
		documents := &documents{configMaps: map[string]*corev1.ConfigMap{"m": {Data: map[string]string{"k": "v"}}}}
		req, err := FromPod(pod, documents.objectsFor(pod), testConfig())
		switch {
		case err == nil:
			checkInvariants(t, req)
		case !IsRefused(err) && !IsMissingObject(err):
			t.Errorf("an error of no kind: %v", err)
		case err.Error() == "":
			t.Error("an error that says nothing")
		}
	})
}
