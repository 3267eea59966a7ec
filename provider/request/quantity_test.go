package request

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestParseQuantity_RefusesWhatIsCostly(t *testing.T) {
	for _, text := range []string{"1e-2000000000", "1e2000000000", "0e2000000000", "1E+999999999999999999999", "1e65", "1e-65", "9223372036854775808", "-1e30",
		"1" + strings.Repeat("0", maxQuantityText)} {
		if quantity, err := ParseQuantity(text); err == nil {
			t.Errorf("%.80q is parsed as %v", text, &quantity)
		}
	}
}

func TestParseQuantity_ParsesWhatKubernetesWrites(t *testing.T) {
	for _, text := range []string{"0", "1", "100m", "1n", "1.5Gi", "2Ei", "1E", "1e3", "1E3", "1e-9", "12E6", "-1", "0.000000001", "9223372036854774784"} {
		quantity, err := ParseQuantity(text)
		if want := resource.MustParse(text); err != nil || quantity.Cmp(want) != 0 {
			t.Errorf("%q is %v, %v, want %v", text, &quantity, err, &want)
		}
	}
}

// The API server takes exponents of any size: they are nothing to count with.
func TestTranslate_RefusesQuantitiesOutOfRange(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, _ *Objects, _ int, _ string) {
		app(pod).Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: *resource.NewScaledQuantity(1, 2000000000)}
	}}, 0, "")
	_, err := Translate(pod, objects, testConfig())
	if !IsRefused(err) || !strings.Contains(err.Error(), "spec.containers[0].resources.limits[cpu]") {
		t.Errorf("got %v, want a refusal of the limit", err)
	}
}

func TestTranslate_TakesZeroWithAnyExponent(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, _ *Objects, _ int, _ string) {
		zero := *resource.NewScaledQuantity(0, 2000000000)
		app(pod).Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: zero, corev1.ResourceMemory: zero, gpuResource: zero}
		app(pod).Resources.Requests = corev1.ResourceList{corev1.ResourceEphemeralStorage: zero}
	}}, 0, "")
	translation, err := Translate(pod, objects, testConfig())
	if err != nil || translation.Given != DefaultSize() || translation.Request.EphemeralStorage != 0 {
		t.Errorf("got %+v, %v, want the size of a pod that asks for nothing", translation, err)
	}
}

// parsesQuantity matches the parsers of Kubernetes for quantities.
var parsesQuantity = regexp.MustCompile(`resource\.(ParseQuantity|MustParse)\(([^)]*)\)`)

// TestNoRoom_ParsesQuantitiesByItself wants every quantity of text that somebody
// else wrote to go through ParseQuantity. Constants are of our own.
func TestNoRoom_ParsesQuantitiesByItself(t *testing.T) {
	files := 0
	for _, pattern := range []string{"../*.go", "../*/*.go", "../../vnode/*.go", "../../vnode/*/*.go", "../../cmd/*/*.go"} {
		for _, file := range mustGlob(t, pattern) {
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "quantity.go" && strings.Contains(file, "request") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files++
			for _, call := range parsesQuantity.FindAllStringSubmatch(string(text), -1) {
				if call[1] == "ParseQuantity" || !strings.HasPrefix(call[2], `"`) {
					t.Errorf("%s calls %s: use request.ParseQuantity, which is bounded", file, call[0])
				}
			}
		}
	}
	if files < 100 {
		t.Fatalf("only %d files were read", files)
	}
}
