package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// rawClient makes the writes of a pod's life and does nothing else.
type rawClient struct {
	client kubernetes.Interface
	// comes and goes are what the last status patch of each half says.
	comes, goes []byte
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
		if _, err := r.client.CoreV1().Pods(namespace).Create(ctx, newPod(name, node), metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := r.patches(ctx, name, r.onCreate, r.comes); err != nil {
			return err
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
		if err := r.patches(ctx, name, r.onDelete, r.goes); err != nil {
			return err
		}
		if err := r.events(ctx, name, i, r.deleteEvents); err != nil {
			return err
		}
		return pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
	})
	return time.Since(start), err
}

// patches writes a status n times, last as it is in the end.
func (r rawClient) patches(ctx context.Context, name string, n int, last []byte) error {
	for turn := range n {
		body := last
		if turn < n-1 {
			body = fmt.Appendf(nil, `{"status":{"message":"turn %d"}}`, turn)
		}
		if _, err := r.client.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
	}
	return nil
}

// statusWrite is the patch that makes one pod's status and annotations another's:
// what the raw client writes is what was written of the pods it is measured beside.
func statusWrite(before, after *corev1.Pod) ([]byte, error) {
	was, err := json.Marshal(written(before))
	if err != nil {
		return nil, err
	}
	is, err := json.Marshal(written(after))
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(was, is, corev1.Pod{})
}

// written is what a node writes of a pod.
func written(pod *corev1.Pod) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: pod.Annotations}, Status: pod.Status}
}

// created is how the API server makes a pod of ours, as far as a node writes it.
func created() *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable}}
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
