package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// rawClient makes the writes of a pod's life and does nothing else.
type rawClient struct {
	client kubernetes.Interface
	// onCreate and onDelete are how many status patches there are in each half.
	onCreate, onDelete int
	// createEvents and deleteEvents are how many events a pod has written in
	// each half; a fraction is that share of the pods.
	createEvents, deleteEvents float64
}

// create makes pods and patches their statuses, and returns how long that took.
func (r rawClient) create(ctx context.Context, node string, names []string) (time.Duration, error) {
	start := time.Now()
	err := each(ctx, names, func(ctx context.Context, i int, name string) error {
		pod, err := r.client.CoreV1().Pods(namespace).Create(ctx, newPod(name, node), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		for turn := range r.onCreate {
			status := runningStatus(pod)
			if turn < r.onCreate-1 {
				status.Phase, status.ContainerStatuses = corev1.PodPending, nil
			}
			if err := r.patch(ctx, pod, status); err != nil {
				return err
			}
		}
		return r.events(ctx, name, i, r.createEvents)
	})
	return time.Since(start), err
}

// events writes the share of the i-th pod when each has so many.
func (r rawClient) events(ctx context.Context, name string, i int, each float64) error {
	for n := int(float64(i) * each); n < int(float64(i+1)*each); n++ {
		now := metav1.Now()
		_, err := r.client.CoreV1().Events(namespace).Create(ctx, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("%s.%d", name, now.UnixNano()), Namespace: namespace},
			InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: name},
			Type:           corev1.EventTypeNormal, Reason: "Started", Message: "Started container app", Count: 1,
			FirstTimestamp: now, LastTimestamp: now, Source: corev1.EventSource{Component: "raw"},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// delete asks for the end of pods, patches them and removes them.
func (r rawClient) delete(ctx context.Context, names []string) (time.Duration, error) {
	pods := r.client.CoreV1().Pods(namespace)
	start := time.Now()
	err := each(ctx, names, func(ctx context.Context, i int, name string) error {
		if err := pods.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		for turn := range r.onDelete {
			pod := newPod(name, "")
			status := runningStatus(pod)
			status.Phase, status.Message = corev1.PodFailed, fmt.Sprint("patch ", turn)
			if err := r.patch(ctx, pod, status); err != nil {
				return err
			}
		}
		if err := r.events(ctx, name, i, r.deleteEvents); err != nil {
			return err
		}
		return pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
	})
	return time.Since(start), err
}

// patch writes a status with an annotation, as we do.
func (r rawClient) patch(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]string{"bench.eci-vnode/group": "eci-" + pod.Name}},
		"status":   status,
	})
	if err != nil {
		return err
	}
	_, err = r.client.CoreV1().Pods(namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}

// runningStatus is what a kubelet would say of a pod that runs.
func runningStatus(pod *corev1.Pod) corev1.PodStatus {
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &now,
		HostIP: "10.32.0.1", HostIPs: []corev1.HostIP{{IP: "10.32.0.1"}},
		PodIP: "10.32.0.1", PodIPs: []corev1.PodIP{{IP: "10.32.0.1"}},
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: "sha256:0", ContainerID: "bench://" + pod.Name, Ready: true, Started: ptr.To(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}
