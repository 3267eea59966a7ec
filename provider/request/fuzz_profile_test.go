package request

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// profileText repeats one selector in a list, each time with another number.
func profileText(bytes int, selector string) string {
	var list []string
	for size := 0; size < bytes; size += len(selector) + 1 {
		list = append(list, fmt.Sprintf(selector, len(list)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// FuzzProfile wants any profile read and applied to a pod within the bounds.
func FuzzProfile(f *testing.F) {
	for _, bytes := range []int{100, maxProfileText - 1000, 1 << 20} {
		for _, selector := range []string{
			`{"name":"a","objectSelector":{"matchLabels":{"a":"b"}},"effect":{"annotations":{"a%d":""}}}`,
			`{"name":"a","namespaceSelector":{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b%d"]}]},"effect":{}}`,
			`{"name":"a","effect":{"annotations":{"k8s.aliyun.com/eci-use-specs":"%d","x":"y"},"labels":{"l":"m"}}}`,
		} {
			f.Add(profileText(bytes, selector))
		}
	}
	f.Add(strings.Repeat("[", 1<<20))
	f.Add(`[{"name":"a","effect":{"annotations":` + "{" + strings.TrimSuffix(strings.Repeat(`"x":"",`, 5000), ",") + "}}}]")
	pod := &corev1.Pod{}
	pod.Labels = map[string]string{"a": "b"}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzbounds.Check(t, func() {
			profile, _ := ParseProfile(map[string]string{"selectors": text, "vSwitchIds": text, "securityGroupId": text})
			ApplyProfile(pod, pod.Labels, profile, testConfig())
		})
	})
}
