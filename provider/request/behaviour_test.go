package request

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestBehaviourIsWhatTheAnnotationsAskOfTheNode(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default", UID: "uid", Annotations: map[string]string{
			annotationPrefix + "eci-fail-strategy":      "Fail-Fast",
			annotationPrefix + "pod-fail-on-create-err": "true",
			annotationPrefix + "eci-spot-fallback":      "TRUE",
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}},
	}
	translation, err := Translate(pod, Objects{}, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	want := Behaviour{FailFast: true, FailOnCreateError: true, SpotFallback: true}
	if translation.Behaviour != want {
		t.Errorf("behaviour %+v", translation.Behaviour)
	}
	pod.Annotations = nil
	if translation, err = Translate(pod, Objects{}, testConfig()); err != nil || translation.Behaviour != (Behaviour{}) {
		t.Errorf("behaviour %+v, error %v", translation.Behaviour, err)
	}
}
