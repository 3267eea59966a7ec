package provider

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// waitingForPodIPs is the way of the documents of ACS.
func waitingForPodIPs(pod *corev1.Pod) {
	wanting("network.alibabacloud.com/pod-with-eip", "true")(pod)
	withPodinfo(pod)
	pod.Spec.InitContainers = []corev1.Container{{
		Name: "wait", Image: "busybox", VolumeMounts: pod.Spec.Containers[0].VolumeMounts,
		Command: []string{"sh", "-c", `until grep -q "k8s.aliyun.com/pod-ips=" /etc/podinfo/annotations; do sleep 1; done`},
	}}
}

func TestAnInitContainerThatWaitsForPodIPsIsTold(t *testing.T) {
	w := newWorld(t, slowEIPs)
	pod := w.mustAddPod("web", waitingForPodIPs)
	w.mustCreatePod(pod)
	if n := w.recorded("PodIPsKnownLate"); n != 1 {
		t.Errorf("%d events tell that the file comes late", n)
	}
	for range 5 {
		w.pass(time.Second)
		w.tick()
		w.turnEIPs()
		w.sendPodIPs(t.Context())
	}
	told := w.told[pod.UID]
	if file := w.files()["annotations"]; told.Status.PodIP == "" || !strings.Contains(file, `k8s.aliyun.com/pod-ips="`+told.Status.PodIP+`"`) {
		t.Errorf("the address is %q, the file is %s", told.Status.PodIP, file)
	}
	w.expectPhase(pod, corev1.PodRunning)
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 1 {
		t.Errorf("%d updates", n)
	}
	if got := told.Status.ContainerStatuses[0].RestartCount; got != 0 {
		t.Errorf("the application was restarted %d times", got)
	}
}

func TestAPodThatWaitsForNothingGetsNoUpdateForItsAddresses(t *testing.T) {
	w := newWorld(t, slowEIPs)
	w.mustRun("web", wanting("network.alibabacloud.com/pod-with-eip", "true"), withPodinfo)
	w.turnEIPs()
	w.sendPodIPs(t.Context())
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 0 {
		t.Errorf("%d updates", n)
	}
}
