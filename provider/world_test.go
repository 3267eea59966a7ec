package provider

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// world is a provider with the real client on an emulator in process, both on
// clocks that only move when told.
type world struct {
	*testing.T
	emulator *emulator.Emulator
	cloud    *openapi.Client
	kube     *fake.Clientset
	events   *record.FakeRecorder
	emClock  *emulator.FakeClock
	clock    *clocktesting.FakeClock
	networks dynamic.Interface
	pods     podList
	// told is written by several readers at once, and read between two turns.
	told    map[types.UID]*corev1.Pod
	telling sync.Mutex
	last    time.Time
	// heard is called with everything that is told, if it is set.
	heard func(*corev1.Pod)
	// dial stands in for the network of the pods; nil is one without a route.
	dial func(address string) (net.Conn, error)

	*Provider
}

// podList stands in for the informer.
type podList struct{ pods *[]*corev1.Pod }

func (l podList) List() []*corev1.Pod { return *l.pods }

func newWorld(t *testing.T, change ...func(*emulator.Config)) *world {
	t.Helper()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cfg := emulator.DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	w := &world{T: t, emClock: emulator.NewFakeClock(start), clock: clocktesting.NewFakeClock(start), pods: podList{&[]*corev1.Pod{}}}
	var err error
	if w.emulator, err = emulator.New(cfg, emulator.WithClock(w.emClock)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.emulator)
	t.Cleanup(func() { server.Close(); w.emulator.Close() })
	client := openapi.DefaultConfig(cfg.Region)
	client.Endpoint, client.MaxAttempts = server.URL, 1
	credentials := openapi.StaticCredentials(cfg.Credentials[0].AccessKeyID, cfg.Credentials[0].AccessKeySecret.Reveal(), "")
	if w.cloud, err = openapi.New(client, openapi.Deps{Credentials: credentials}); err != nil {
		t.Fatal(err)
	}
	w.kube = fake.NewClientset()
	w.start()
	return w
}

// start makes a provider that knows nothing yet and lets it recover; called
// again it is a restart after a crash.
func (w *world) start() {
	w.Helper()
	w.told = map[types.UID]*corev1.Pod{}
	w.last = time.Time{}
	w.events = record.NewFakeRecorder(1000)
	cfg := DefaultConfig()
	cfg.Request.RegionID, cfg.Request.VSwitchIDs, cfg.Request.SecurityGroupID = "cn-hangzhou", []string{"vsw-emulator-h"}, "sg-emulator"
	cfg.Request.ClusterID, cfg.Request.NodeName = "cluster-1", "virtual-kubelet"
	cfg.Request.Permissions.Allow = request.Grants{request.RAMRoles: {"mine"}, request.EIPs: {"eip-emulator"}}
	var err error
	w.Provider, err = New(cfg, Deps{
		Cloud: w.cloud, EIPs: w.cloud, Kube: w.kube, Pods: w.pods, Events: w.events, Clock: w.clock,
		Dial:     w.dialPod,
		Networks: w.networks,
		NewQueue: func(string) Queue { return newStepQueue(w.clock) },
		Services: informers.NewSharedInformerFactory(w.kube, 0).Core().V1().Services().Lister(),
	})
	if err != nil {
		w.Fatal(err)
	}
	w.NotifyPods(w.Context(), func(pod *corev1.Pod) {
		w.telling.Lock()
		defer w.telling.Unlock()
		w.told[pod.UID] = pod
		if w.heard != nil {
			w.heard(pod)
		}
	})
	if err := w.Recover(w.Context(), w.pods.List()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) dialPod(_ context.Context, _, address string) (net.Conn, error) {
	if w.dial == nil {
		return nil, errors.New("no route to " + address)
	}
	return w.dial(address)
}

// mustAddPod puts a pod into the API server and the informer.
func (w *world) mustAddPod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	w.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(w.clock.Now()),
		},
		Spec: corev1.PodSpec{
			NodeName:      "virtual-kubelet",
			RestartPolicy: corev1.RestartPolicyAlways,
			Containers:    []corev1.Container{{Name: "app", Image: "nginx", Command: []string{"sleep", "100000"}}},
		},
	}
	for _, c := range change {
		c(pod)
	}
	if _, err := w.kube.CoreV1().Pods(pod.Namespace).Create(w.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	*w.pods.pods = append(*w.pods.pods, pod)
	return pod
}

// mustRemovePod takes a pod out of the API server and the informer.
func (w *world) mustRemovePod(pod *corev1.Pod) {
	w.Helper()
	if err := w.kube.CoreV1().Pods(pod.Namespace).Delete(w.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	*w.pods.pods = slices.DeleteFunc(*w.pods.pods, func(p *corev1.Pod) bool { return p.UID == pod.UID })
}

func (w *world) mustCreatePod(pod *corev1.Pod) {
	w.Helper()
	if err := w.CreatePod(w.Context(), pod); err != nil {
		w.Fatal(err)
	}
}

// mustRun creates a pod and brings it up.
func (w *world) mustRun(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	w.Helper()
	pod := w.mustAddPod(name, change...)
	w.mustCreatePod(pod)
	w.pass(time.Second)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	return pod
}

// pass lets time go by in the cloud and here.
func (w *world) pass(d time.Duration) {
	w.emClock.Advance(d)
	w.clock.Step(d)
}

// tick is one turn of the sync loop, in which an error changes nothing, with the work on
// single pods that is due before and after it.
func (w *world) tick() {
	w.drain(w.launches)
	w.last = w.syncTurn(w.Context(), w.last)
	w.drain(w.launches)
	w.drain(w.endings)
}

func (w *world) mustRepair(r *reaper) {
	w.Helper()
	if err := w.repair(w.Context(), r); err != nil {
		w.Fatal(err)
	}
}

// groups lists every group of the account, with all faults off.
func (w *world) groups() []eci.ContainerGroup {
	w.Helper()
	w.emulator.Faults().Clear()
	var groups []eci.ContainerGroup
	req := &eci.DescribeContainerGroupsRequest{Limit: eci.MaxGroupsPerPage}
	for {
		resp, err := w.cloud.DescribeContainerGroups(context.Background(), req)
		if err != nil {
			w.Fatal(err)
		}
		groups = append(groups, resp.ContainerGroups...)
		if req.NextToken = resp.NextToken; req.NextToken == "" {
			return groups
		}
	}
}

// expectLive checks how many groups of the account have not ended.
func (w *world) expectLive(want int) {
	w.Helper()
	live := slices.DeleteFunc(w.groups(), func(g eci.ContainerGroup) bool { return eci.IsTerminal(g.Status) })
	if len(live) != want {
		w.Fatalf("%d live groups, want %d: %+v", len(live), want, live)
	}
}

func (w *world) expectPhase(pod *corev1.Pod, want corev1.PodPhase) {
	w.Helper()
	told := w.told[pod.UID]
	if told == nil {
		w.Fatalf("nothing was told of %s", pod.Name)
	}
	if told.Status.Phase != want {
		w.Fatalf("%s is %s (%s: %s), want %s", pod.Name, told.Status.Phase, told.Status.Reason, told.Status.Message, want)
	}
}

// deleting is the pod as the informer shows it once its deletion was asked.
func (w *world) deleting(pod *corev1.Pod, grace int64) *corev1.Pod {
	marked := pod.DeepCopy()
	at := metav1.NewTime(w.clock.Now().Add(time.Duration(grace) * time.Second))
	marked.DeletionTimestamp, marked.DeletionGracePeriodSeconds = &at, &grace
	for i, p := range *w.pods.pods {
		if p.UID == pod.UID {
			(*w.pods.pods)[i] = marked
		}
	}
	return marked
}

// calls counts the calls of an action that the emulator has served.
func (w *world) calls(action string) int { return w.emulator.Calls()[action] }

// ourTags are the tags that a group of this node carries.
func ourTags(uid types.UID, node string) []eci.Tag {
	return request.Identity{ClusterID: "cluster-1", NodeName: node, Namespace: "default", PodName: "gone", UID: uid}.Tags()
}
