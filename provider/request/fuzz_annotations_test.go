package request

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// FuzzAnnotations gives a plain pod two annotations of the table, so that rows
// which speak of the same thing meet, and one of any name.
func FuzzAnnotations(f *testing.F) {
	rows := Annotations()
	for i := range rows {
		for _, value := range []string{"true", "1", "a,b", "ecs.c6.large,2-4Gi", `{"a":"b"}`, "", "100Gi", "SpotAsPriceGo", "sg-1,sg-2"} {
			f.Add(uint8(i), value, uint8(i+1), "2", annotationPrefix+"eci-unknown", value)
		}
	}
	cloud := newDryCloud(f)
	f.Fuzz(func(t *testing.T, first uint8, value string, second uint8, other, key, any string) {
		if len(value)+len(other)+len(key)+len(any) > maxSeed {
			return
		}
		pod := &corev1.Pod{}
		pod.Namespace, pod.Name = "default", "web"
		pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "nginx"}}
		pod.Annotations = map[string]string{
			rows[int(first)%len(rows)].Key: value, rows[int(second)%len(rows)].Key: other, key: any,
		}
		checkArbitrary(t, cloud, pod)
	})
}
