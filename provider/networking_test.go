package provider

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

const webNetworking = `
apiVersion: network.alibabacloud.com/v1beta1
kind: PodNetworking
metadata: {name: web}
spec:
  allocationType: {type: Elastic}
  selector:
    podSelector: {matchLabels: {app: web}}
    namespaceSelector: {matchLabels: {stage: test}}
  securityGroupIDs: [sg-web, sg-emulator]
  vSwitchOptions: [vsw-emulator-i, vsw-emulator-h]
  eniOptions: {eniType: Default}
status: {status: Ready, vSwitches: [{id: vsw-emulator-i, zone: cn-hangzhou-i}]}
`

// newNetworkingWorld has the resources of Terway, given as YAML; answer is what
// the API server says instead of listing them, nil for the list.
func newNetworkingWorld(t *testing.T, answer error, manifests ...string) *world {
	t.Helper()
	var objects []runtime.Object
	for _, m := range manifests {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(m), &object.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	networks := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{request.PodNetworkings(): "PodNetworkingList"}, objects...)
	if answer != nil {
		networks.PrependReactor("list", "podnetworkings", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, answer })
	}
	w := newWorld(t, func(cfg *emulator.Config) {
		group := cfg.SecurityGroups[0]
		group.ID = "sg-web"
		cfg.SecurityGroups = append(cfg.SecurityGroups, group)
	})
	w.networks = networks
	w.start()
	w.mustAdd(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"stage": "test"}}})
	return w
}

func TestAPodNetworkingGivesThePodsItSelectsTheirPlace(t *testing.T) {
	w := newNetworkingWorld(t, nil, webNetworking)
	selected, other := w.mustRun("selected", labelled), w.mustRun("other")
	own := w.mustRun("own", labelled, annotated("eci-vswitch", "vsw-emulator-h"))
	for pod, want := range map[*corev1.Pod][3]string{
		selected: {"vsw-emulator-i,vsw-emulator-h", "sg-web,sg-emulator", "VSwitchOrdered"},
		other:    {"vsw-emulator-h", "sg-emulator", ""},
		own:      {"vsw-emulator-h", "sg-web,sg-emulator", ""},
	} {
		req := w.requestOf(pod)
		if got := [3]string{req.VSwitchID, req.SecurityGroupID, req.ScheduleStrategy}; got != want {
			t.Errorf("pod %s is made with %v, want %v", pod.Name, got, want)
		}
	}
}

func TestAClusterWithoutPodNetworkingHasPodsAllTheSame(t *testing.T) {
	notFound := apierrors.NewNotFound(request.PodNetworkings().GroupResource(), "")
	w := newNetworkingWorld(t, notFound)
	if got := w.requestOf(w.mustRun("pod", labelled)).VSwitchID; got != "vsw-emulator-h" {
		t.Errorf("it is made in %s", got)
	}
}

func TestNoGroupIsMadeWhileThePodNetworkingIsNotKnown(t *testing.T) {
	denied := apierrors.NewForbidden(request.PodNetworkings().GroupResource(), "", nil)
	w := newNetworkingWorld(t, denied)
	err := w.CreatePod(w.Context(), w.mustAddPod("pod"))
	if err == nil || !strings.Contains(err.Error(), "listing the PodNetworking resources") {
		t.Errorf("got %v", err)
	}
	if n := w.calls(eci.ActionCreateContainerGroup); n != 0 {
		t.Errorf("%d groups were asked for", n)
	}
}

func TestAPodWaitsForThePodNetworkingThatItNames(t *testing.T) {
	w := newNetworkingWorld(t, nil, webNetworking)
	pod := w.mustAddPod("pod", annotated("pod-networking", "absent"))
	if err := w.CreatePod(w.Context(), pod); err == nil || !strings.Contains(err.Error(), "PodNetworking absent, which k8s.aliyun.com/pod-networking names, does not exist") {
		t.Errorf("got %v", err)
	}
	if got := w.requestOf(w.mustRun("named", annotated("pod-networking", "web"))).SecurityGroupID; got != "sg-web,sg-emulator" {
		t.Errorf("the other pod has %s", got)
	}
}

func TestAPodNetworkingThatCannotBeReadIsNotInForceAndThePodSaysSo(t *testing.T) {
	w := newNetworkingWorld(t, nil, strings.Replace(webNetworking, "{matchLabels: {app: web}}", "{matchExpressions: [{key: app, operator: Like}]}", 1))
	if got := w.requestOf(w.mustRun("pod", labelled)).VSwitchID; got != "vsw-emulator-h" {
		t.Errorf("it is made in %s", got)
	}
	if n := w.recorded(reasonProfileInvalid); n != 1 {
		t.Errorf("%d events tell of it", n)
	}
}
