package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// parallel is how many clients make and delete pods at once, and how many
// workers the raw client has.
const parallel = 50

// nodeLabel says on a pod which node it is bound to.
const nodeLabel = "bench.eci-vnode/node"

// graceSeconds of every pod: the least that is not a forced delete.
const graceSeconds = 1

// podNames are n names from first on.
func podNames(prefix string, first, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%05d", prefix, first+i)
	}
	return names
}

// newPod is bound to a node and names no other object.
func newPod(name, node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{nodeLabel: node}},
		Spec: corev1.PodSpec{
			NodeName: node,
			Containers: []corev1.Container{{
				Name: "app", Image: "nginx:1.27",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("512Mi"),
				}},
			}},
			// Never, so that a container that ends ends its pod.
			RestartPolicy:                 corev1.RestartPolicyNever,
			DNSPolicy:                     corev1.DNSDefault,
			TerminationGracePeriodSeconds: ptr.To[int64](graceSeconds),
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	}
}

// each calls do for all names from workers at once, and stops at the first error.
func each(ctx context.Context, names []string, do func(ctx context.Context, i int, name string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(parallel, len(names)) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(names) {
					return nil
				}
				if err := do(ctx, i, names[i]); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// createPods makes pods; change may alter each before.
func createPods(ctx context.Context, client kubernetes.Interface, node string, names []string, change func(*corev1.Pod)) error {
	return each(ctx, names, func(ctx context.Context, _ int, name string) error {
		pod := newPod(name, node)
		if change != nil {
			change(pod)
		}
		_, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
}

// deletePods asks for the end of pods as kubectl does.
func deletePods(ctx context.Context, client kubernetes.Interface, names []string) error {
	return each(ctx, names, func(ctx context.Context, _ int, name string) error {
		return client.CoreV1().Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	})
}
