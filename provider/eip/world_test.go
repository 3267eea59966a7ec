package eip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// bindDelay is how long the emulated cloud needs to bind an EIP.
const bindDelay = 3 * time.Second

// world is a reconciler with the real client on an emulator, which is called
// without a network, on clocks that move when told.
type world struct {
	testing.TB
	em      *emulator.Emulator
	emClock *emulator.FakeClock
	clock   *clocktesting.FakeClock
	// provider calls without faults of ours; cloud is the reconciler's.
	provider, cloud *openapi.Client
	wire            *wire
	dynamic         *dynamicfake.FakeDynamicClient
	events          *record.FakeRecorder

	// pods are those of the API server; hidden ones the informer does not show.
	pods    map[types.UID]*testPod
	order   []types.UID
	hidden  map[types.UID]bool
	reports map[types.UID]State
	// witness sees every call that changes an EIP; changed is given every
	// reconciler that is made.
	witness func(action, id, eni string, tags []eci.Tag)
	changed func(*Reconciler)

	*Reconciler
}

// testPod is a pod with the group that the provider made for it.
type testPod struct {
	object            *corev1.Pod
	want              *request.EIP
	groupID, groupENI string
	ended             bool
}

// wire is an http.RoundTripper straight into the emulator. before and after see
// every call and may panic, as a crash does.
type wire struct {
	handler       http.Handler
	before, after func()
}

func (w *wire) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	w.before()
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	inner := httptest.NewRequest(req.Method, req.URL.String(), bytes.NewReader(body))
	inner.Header = req.Header
	answer := httptest.NewRecorder()
	if dropped(func() { w.handler.ServeHTTP(answer, inner) }) {
		return nil, errors.New("connection cut")
	}
	w.after()
	return answer.Result(), nil
}

// dropped says whether the emulator cut the connection.
func dropped(serve func()) (cut bool) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != http.ErrAbortHandler {
				panic(cause)
			}
			cut = true
		}
	}()
	serve()
	return false
}

func newWorld(t testing.TB, seed uint64, change ...func(*emulator.Config)) *world {
	t.Helper()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cfg := emulator.DefaultConfig()
	cfg.Delays.EIP, cfg.Seed = bindDelay, seed
	for _, c := range change {
		c(&cfg)
	}
	w := &world{
		TB: t, emClock: emulator.NewFakeClock(start), clock: clocktesting.NewFakeClock(start),
		pods: map[types.UID]*testPod{}, hidden: map[types.UID]bool{}, reports: map[types.UID]State{},
	}
	var err error
	if w.em, err = emulator.New(cfg, emulator.WithClock(w.emClock)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.em.Close() })
	w.wire = &wire{handler: w.em, before: func() {}, after: func() {}}
	quiet := &wire{handler: w.em, before: func() {}, after: func() {}}
	w.cloud, w.provider = newClient(t, cfg, w.wire), newClient(t, cfg, quiet)
	w.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{PodEIPs(): "PodEIPList"})
	w.dynamic.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) { w.wire.before(); return false, nil, nil })
	w.restart()
	return w
}

func newClient(t testing.TB, cfg emulator.Config, transport http.RoundTripper) *openapi.Client {
	t.Helper()
	client := openapi.DefaultConfig(cfg.Region)
	client.Endpoint, client.MaxAttempts, client.Rates = "http://127.0.0.1:1", 1, nil
	key := cfg.Credentials[0]
	c, err := openapi.New(client, openapi.Deps{
		Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), ""), HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// restart makes a reconciler that knows nothing.
func (w *world) restart() {
	w.Helper()
	cfg := DefaultConfig()
	cfg.ClusterID, cfg.NodeName, cfg.Workers = "cluster-1", "node-1", 1
	w.events = record.NewFakeRecorder(1000)
	var err error
	w.Reconciler, err = New(cfg, Deps{Cloud: witnessed{w.cloud, w}, Pods: w, Records: w.dynamic, Events: w.events, Clock: w.clock})
	if err != nil {
		w.Fatal(err)
	}
	if w.changed != nil {
		w.changed(w.Reconciler)
	}
}

// EIPPods implements Pods.
func (w *world) EIPPods(context.Context) []Pod {
	var pods []Pod
	for _, uid := range w.order {
		if p := w.pods[uid]; p != nil && !w.hidden[uid] {
			pods = append(pods, Pod{Object: p.object, Want: p.want, ENI: w.eni(p), Ended: p.ended})
		}
	}
	return pods
}

// PodOver implements Pods.
func (w *world) PodOver(_ context.Context, namespace, name string, uid types.UID) (bool, error) {
	for _, p := range w.pods {
		if !p.ended && p.object.Namespace == namespace && p.object.Name == name && (uid == "" || p.object.UID == uid) {
			return false, nil
		}
	}
	return true, nil
}

// ReportEIP implements Pods.
func (w *world) ReportEIP(uid types.UID, state State) { w.reports[uid] = state }

func annotations(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// Wishes for an EIP.
var (
	wantAuto    = annotations("network.alibabacloud.com/pod-with-eip", "true")
	wantPackage = annotations("network.alibabacloud.com/pod-with-eip", "true", "k8s.aliyun.com/eip-common-bandwidth-package-id", "cbwp-emulator")
	wantGiven   = annotations("network.alibabacloud.com/pod-with-eip", "true", "network.alibabacloud.com/allocated-eip-id", "eip-emulator")
	wantByGroup = annotations("k8s.aliyun.com/eci-with-eip", "true")
	wantNever   = annotations("network.alibabacloud.com/pod-with-eip", "true", "network.alibabacloud.com/pod-eip-release-strategy", "Never")
	wantTTL     = annotations("network.alibabacloud.com/pod-with-eip", "true", "network.alibabacloud.com/pod-eip-release-strategy", "2m")
)

// mustAdd puts a pod of a StatefulSet into the API server and makes its group,
// as the provider does.
func (w *world) mustAdd(name string, uid types.UID, annotations map[string]string) *testPod {
	w.Helper()
	isController := true
	object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: uid, Annotations: annotations,
		OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "set", Controller: &isController}},
	}}
	want, err := request.EIPFor(object, tenantConfig())
	if err != nil {
		w.Fatal(err)
	}
	req := &eci.CreateContainerGroupRequest{ContainerGroupName: name, CPU: 1, Memory: 2}
	req.Containers = []eci.Container{{ContainerBase: eci.ContainerBase{Name: "app", Image: "nginx"}}}
	if want != nil && want.ByGroup {
		auto := want.Given == ""
		req.AutoCreateEIP, req.EIPInstanceID = &auto, want.Given
	}
	p := &testPod{object: object, want: want}
	w.pods[uid] = p
	w.order = append(w.order, uid)
	resp, err := w.provider.CreateContainerGroup(context.Background(), req)
	if err != nil {
		w.Fatal(err)
	}
	p.groupID = resp.ContainerGroupID
	groups, err := w.provider.DescribeContainerGroups(context.Background(), &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{p.groupID}})
	if err != nil || len(groups.ContainerGroups) != 1 {
		w.Fatalf("group %s: %+v, %v", p.groupID, groups, err)
	}
	p.groupENI = groups.ContainerGroups[0].ENIInstanceID
	return p
}

// remove takes a pod out of the API server; its group ends at once.
func (w *world) remove(p *testPod) {
	delete(w.pods, p.object.UID)
	w.em.RemoveGroup(p.groupID)
}

// pass lets time go by in the cloud and here.
func (w *world) pass(d time.Duration) {
	w.emClock.Advance(d)
	w.clock.Step(d)
}

// turns takes n turns, some seconds apart.
func (w *world) turns(n int) {
	w.Helper()
	for range n {
		if err := w.Turn(context.Background()); err != nil {
			w.Fatal(err)
		}
		w.pass(bindDelay)
	}
}

// bought lists the EIPs that carry our tags.
func (w *world) bought() []vpc.EIPAddress {
	var ours []vpc.EIPAddress
	for _, a := range w.em.EIPs() {
		if a.Tag(TagStrategy) != "" {
			ours = append(ours, a)
		}
	}
	return ours
}

// eni is the network interface of a pod's group, "" when it has ended.
func (w *world) eni(p *testPod) string {
	if p.ended {
		return ""
	}
	return p.groupENI
}

func (w *world) expectBought(n int) []vpc.EIPAddress {
	w.Helper()
	got := w.bought()
	if len(got) != n {
		w.Fatalf("%d EIPs are ours, want %d: %+v", len(got), n, got)
	}
	return got
}

func (w *world) expectReady(p *testPod) State {
	w.Helper()
	state := w.reports[p.object.UID]
	if !state.Ready() || state.ENI != w.eni(p) || state.Address == "" {
		w.Fatalf("pod %s is told %+v", p.object.Name, state)
	}
	return state
}

// tenantConfig lets pods have the one EIP that the tests give them.
func tenantConfig() request.Config {
	cfg := request.DefaultConfig()
	cfg.Permissions.Allow = request.Grants{request.EIPs: {"eip-emulator"}}
	return cfg
}

// witnessed is a cloud whose changing calls the world sees before they are made.
type witnessed struct {
	Cloud
	world *world
}

func (c witnessed) see(action, id, eni string, tags []eci.Tag) {
	if c.world.witness != nil {
		c.world.witness(action, id, eni, tags)
	}
}

func (c witnessed) AssociateEIPAddress(ctx context.Context, r *vpc.AssociateEIPAddressRequest) (*vpc.Done, error) {
	c.see(vpc.ActionAssociateEipAddress, r.AllocationID, r.InstanceID, nil)
	return c.Cloud.AssociateEIPAddress(ctx, r)
}

func (c witnessed) UnassociateEIPAddress(ctx context.Context, r *vpc.UnassociateEIPAddressRequest) (*vpc.Done, error) {
	c.see(vpc.ActionUnassociateEipAddress, r.AllocationID, r.InstanceID, nil)
	return c.Cloud.UnassociateEIPAddress(ctx, r)
}

func (c witnessed) ReleaseEIPAddress(ctx context.Context, r *vpc.ReleaseEIPAddressRequest) (*vpc.Done, error) {
	c.see(vpc.ActionReleaseEipAddress, r.AllocationID, "", nil)
	return c.Cloud.ReleaseEIPAddress(ctx, r)
}

func (c witnessed) AddCommonBandwidthPackageIP(ctx context.Context, r *vpc.AddCommonBandwidthPackageIPRequest) (*vpc.Done, error) {
	c.see(vpc.ActionAddCommonBandwidthPackageIP, r.IPInstanceID, "", nil)
	return c.Cloud.AddCommonBandwidthPackageIP(ctx, r)
}

func (c witnessed) RemoveCommonBandwidthPackageIP(ctx context.Context, r *vpc.RemoveCommonBandwidthPackageIPRequest) (*vpc.Done, error) {
	c.see(vpc.ActionRemoveCommonBandwidthPackageIP, r.IPInstanceID, "", nil)
	return c.Cloud.RemoveCommonBandwidthPackageIP(ctx, r)
}

func (c witnessed) TagResources(ctx context.Context, r *vpc.TagResourcesRequest) (*vpc.Done, error) {
	for _, id := range r.ResourceIDs {
		c.see(vpc.ActionTagResources, id, "", r.Tags)
	}
	return c.Cloud.TagResources(ctx, r)
}
