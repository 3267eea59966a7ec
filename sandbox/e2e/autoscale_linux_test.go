package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostReplicas is where the autoscaler ends: the load is above its target with
// any number of replicas.
const mostReplicas = 3

// mustStartLoad runs a Deployment that keeps a CPU busy, and what scales it.
func mustStartLoad(t *testing.T, s *sandbox, namespace string) {
	t.Helper()
	// The loop is the shell's own work, so that it counts where only the first
	// process of a container is measured.
	pod := plainPod("", corev1.RestartPolicyAlways, corev1.Container{
		Name: "app", Image: "busybox",
		Command:   []string{"sh", "-c", "while :; do i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; sleep 0.3; done"},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}},
	})
	labels := map[string]string{"app": "load"}
	one, target := int32(1), int32(50)
	_, err := s.client.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "load"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(t.Context(), &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "load"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "load"},
			MinReplicas:    &one, MaxReplicas: mostReplicas,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name:   corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &target},
				},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// checkLoad waits for the figures of the pods that mustStartLoad runs, and for
// the autoscaler that reads them.
func checkLoad(t *testing.T, s *sandbox, namespace string) {
	for _, c := range []struct{ name, pattern, args string }{
		{"top pod", `load-\S+\s+[1-9]\d*m\s+[1-9]\d*Mi`, "pod"},
		{"top pod with containers", `load-\S+\s+app\s+[1-9]\d*m\s+[1-9]\d*Mi`, "pod --containers"},
		{"top node", nodeName + `\s+[1-9]\d*m\s+\d+%\s+[1-9]\d*Mi\s+\d+%`, "node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eventually(t, "figures", func() string {
				table, err := kubectl(t.Context(), s, append([]string{"-n", namespace, "top"}, strings.Fields(c.args)...)...)
				return unless(regexp.MustCompile(c.pattern).MatchString(table), table, err)
			})
		})
	}
	t.Run("the autoscaler", func(t *testing.T) {
		eventually(t, "a Deployment that was scaled up", func() string {
			deployment, err := s.client.AppsV1().Deployments(namespace).Get(t.Context(), "load", metav1.GetOptions{})
			if err != nil {
				return err.Error()
			}
			scaler, err := s.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(t.Context(), "load", metav1.GetOptions{})
			if err != nil {
				return err.Error()
			}
			if deployment.Status.ReadyReplicas == mostReplicas && scaler.Status.CurrentReplicas == mostReplicas {
				return ""
			}
			return fmt.Sprintf("%d replicas are ready: %+v", deployment.Status.ReadyReplicas, scaler.Status.Conditions)
		})
	})
}
