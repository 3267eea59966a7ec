package request

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// workOn does with a pod all that is done with it before a request is sent.
func workOn(pod *corev1.Pod, objects Objects, cfg Config) (*Translation, error) {
	References(pod)
	VolumesAwaited(pod)
	_, _ = EIPFor(pod, cfg)
	translation, err := Translate(pod, objects, cfg)
	if err != nil {
		_ = err.Error()
	}
	return translation, err
}

// openConfig sends variables of any length, the setting in which expansion has no
// documented limit.
func openConfig() Config {
	cfg := testConfig()
	cfg.MaxEnvValue = 0
	return cfg
}

func TestTranslate_IsBoundedForHostilePods(t *testing.T) {
	long := strings.Repeat("9", 60000)
	for _, kind := range []struct {
		shapes []hostileShape
		counts []int
		texts  []string
	}{
		{hostileTexts(), []int{24, 1000, 60000}, []string{"a", long}},
		{hostileLists(), []int{1000, 60000}, []string{"a"}},
		{hostileObjects(), []int{60, 1780, 60000}, []string{"a"}},
		{hostileContainers(), []int{1007}, []string{"a", long}},
		{hostileAnnotations(), []int{60000}, []string{"a", "[", "10.0.0.1"}},
	} {
		for _, shape := range kind.shapes {
			t.Run(shape.name, func(t *testing.T) {
				for _, n := range kind.counts {
					for _, text := range kind.texts {
						checkBounded(t, shape, n, text)
					}
				}
			})
		}
	}
}

func TestTranslate_IsBoundedForEveryAnnotation(t *testing.T) {
	shapes := hostileAnnotations()
	for i, row := range Annotations() {
		t.Run(row.Key, func(t *testing.T) {
			for _, text := range []string{"1e-2000000000", "1e2000000000", "0e2000000000", strings.Repeat("9", 60000)} {
				checkBounded(t, shapes[1], i, text)
			}
			for _, text := range []string{"ecs.c6.large", "a:b"} {
				checkBounded(t, shapes[2], i, text)
			}
			checkBounded(t, shapes[3], i, ":")
			checkBounded(t, shapes[4], i, "[")
		})
	}
}

// checkBounded works on a pod under the usual settings and under open ones.
func checkBounded(t *testing.T, shape hostileShape, n int, text string) {
	t.Helper()
	pod, objects := hostilePod(shape, n, text)
	for _, cfg := range []Config{testConfig(), openConfig()} {
		fuzzbounds.Check(t, func() { _, _ = workOn(pod, objects, cfg) })
		if t.Failed() {
			t.Fatalf("a pod of %q with n %d and a text of %d bytes is over its bounds", shape.name, n, len(text))
		}
	}
}

func TestEIPFor_RefusesATimeThatIsTooLong(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{annotationPrefix + "pod-with-eip": "true", annotationPrefix + "pod-eip-release-strategy": "2562047h47m16s"}
	if _, err := EIPFor(pod, testConfig()); !IsRefused(err) {
		t.Errorf("got %v, want a refusal", err)
	}
}
