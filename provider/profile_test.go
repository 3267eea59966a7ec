package provider

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mustSetProfile writes the profile of the cluster.
func (w *world) mustSetProfile(data map[string]string) {
	w.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: request.ProfileNamespace, Name: request.ProfileName}, Data: data}
	maps := corev1.SchemeGroupVersion.WithResource("configmaps")
	if _, err := w.kube.CoreV1().ConfigMaps(object.Namespace).Get(w.Context(), object.Name, metav1.GetOptions{}); err == nil {
		if err := w.kube.Tracker().Update(maps, object, object.Namespace); err != nil {
			w.Fatal(err)
		}
		return
	}
	w.mustAdd(object)
}

// requestOf is what was asked for the group of a pod that has not ended.
func (w *world) requestOf(pod *corev1.Pod) eci.CreateContainerGroupRequest {
	w.Helper()
	for _, g := range w.emulator.Groups() {
		if g.Request.ContainerGroupName == request.GroupName(pod.Namespace, pod.Name) && !eci.IsTerminal(g.Status) {
			return g.Request
		}
	}
	w.Fatalf("no group for %s", pod.Name)
	return eci.CreateContainerGroupRequest{}
}

const spotForTests = `[{"name": "tests", "namespaceSelector": {"matchLabels": {"stage": "test"}},
	"objectSelector": {"matchLabels": {"app": "web"}}, "effect": {"annotations": {"k8s.aliyun.com/eci-ram-role-name": "tester"}}}]`

func labelled(p *corev1.Pod) { p.Labels = map[string]string{"app": "web"} }

func TestTheProfileOfTheClusterIsReadLive(t *testing.T) {
	w := newWorld(t)
	w.mustAdd(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"stage": "test"}}})
	before := w.mustRun("before", labelled)
	w.mustSetProfile(map[string]string{"selectors": spotForTests})
	w.pass(profileAge)
	with, other := w.mustRun("with", labelled), w.mustRun("other")
	own := w.mustRun("own", labelled, annotated("eci-ram-role-name", "mine"))
	if n := w.recorded(reasonDefaults); n != 1 {
		t.Errorf("%d events tell what the profile gives, want one for the pod that got it", n)
	}
	w.mustSetProfile(nil)
	w.pass(profileAge)
	after := w.mustRun("after", labelled)
	for pod, want := range map[*corev1.Pod]string{before: "", with: "tester", other: "", own: "mine", after: ""} {
		if got := w.requestOf(pod).RAMRoleName; got != want {
			t.Errorf("pod %s has the role %q, want %q", pod.Name, got, want)
		}
	}
}

func TestAThousandPodsAtOnceReadTheProfileOnce(t *testing.T) {
	w := newWorld(t)
	w.kube.ClearActions()
	for range 1000 {
		if _, _, err := w.profiles.apply(t.Context(), &corev1.Pod{}, w.cfg.Request); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.kube.Actions()); n != 1 {
		t.Errorf("%d reads", n)
	}
}

func TestAProfileThatCannotBeReadHoldsPodsBackAndABrokenOneIsTold(t *testing.T) {
	w := newWorld(t)
	down := true
	w.kube.PrependReactor("get", "configmaps", func(k8stesting.Action) (bool, runtime.Object, error) {
		return down, nil, errors.New("the API server is away")
	})
	pod := w.mustAddPod("web")
	if err := w.CreatePod(t.Context(), pod); err == nil {
		t.Error("the pod may have landed in the wrong place")
	}
	w.expectLive(0)
	down = false
	w.mustSetProfile(map[string]string{"selectors": "{"})
	w.recorded("")
	w.mustCreatePod(pod)
	if n := w.recorded(reasonProfileInvalid); n != 1 {
		t.Errorf("told %d times", n)
	}
}
