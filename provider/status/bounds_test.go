package status

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// A pod with too many containers is refused, and has a status all the same.
func TestStatus_IsBoundedForManyContainers(t *testing.T) {
	pod := &corev1.Pod{}
	for i := range 10000 {
		name := "c" + strconv.Itoa(i)
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: name})
	}
	for name, work := range map[string]func(){
		"Deleted":            func() { Deleted(pod, pod.Status) },
		"Gone":               func() { Gone(pod, "Lost", "") },
		"InPlace":            func() { InPlace(pod, pod.Status) },
		"FromContainerGroup": func() { FromContainerGroup(pod, eci.ContainerGroup{Status: eci.StatusScheduleFailed}, nil) },
	} {
		t.Run(name, func(t *testing.T) { fuzzbounds.Check(t, work) })
	}
}
