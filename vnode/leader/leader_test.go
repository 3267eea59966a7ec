package leader

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection"
)

func quick(identity string) Config {
	return Config{
		Namespace: "kube-system", Name: "eci-vnode", Identity: identity,
		LeaseDuration: 5 * time.Second, RenewDeadline: 4 * time.Second, RetryPeriod: 50 * time.Millisecond,
	}
}

// replica is a process that stands for election.
type replica struct {
	stop    context.CancelFunc
	fence   *Fence
	began   chan struct{}
	leaving chan struct{} // closed when its work was told to stop
	letGo   chan struct{} // close it to let the work end
	ended   chan error
}

func stand(t *testing.T, kube *fake.Clientset, identity string) *replica {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &replica{
		stop: stop, fence: &Fence{}, began: make(chan struct{}), leaving: make(chan struct{}), letGo: make(chan struct{}), ended: make(chan error, 1),
	}
	go func() {
		r.ended <- Lead(ctx, quick(identity), Deps{Client: kube, Fence: r.fence}, func(ctx context.Context) error {
			close(r.began)
			<-ctx.Done()
			close(r.leaving)
			<-r.letGo
			return nil
		})
	}()
	return r
}

// patience is far above what anything takes.
const patience = time.Minute

func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
	}
	return v
}

func mustLease(t *testing.T, kube *fake.Clientset) *coordinationv1.Lease {
	t.Helper()
	lease, err := kube.CoordinationV1().Leases("kube-system").Get(context.Background(), "eci-vnode", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func holder(t *testing.T, kube *fake.Clientset) string {
	t.Helper()
	lease := mustLease(t, kube)
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// awaitRenewal waits until a lease was renewed for its holder.
func awaitRenewal(t *testing.T, kube *fake.Clientset, identity string) {
	t.Helper()
	before := mustLease(t, kube).Spec.RenewTime
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); ; {
		lease := mustLease(t, kube)
		if got := *lease.Spec.HolderIdentity; got != identity {
			t.Fatalf("the lease is held by %q, want %q", got, identity)
		}
		if lease.Spec.RenewTime.After(before.Time) {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("the lease is not renewed")
		}
	}
}

func TestTheLeaseIsHandedOverOnlyWhenTheWorkHasEnded(t *testing.T) {
	kube := fake.NewClientset()
	first := stand(t, kube, "first")
	await(t, "the work of the first", first.began)
	if err := first.fence.Check(); err != nil {
		t.Error(err)
	}
	second := stand(t, kube, "second")
	first.stop()
	await(t, "the word to stop", first.leaving)
	awaitRenewal(t, kube, "first")
	select {
	case <-second.began:
		t.Fatal("the second works while the first does")
	default:
	}
	close(first.letGo)
	if err := await(t, "the end of the first", first.ended); err != nil {
		t.Error(err)
	}
	if err := first.fence.Check(); err == nil {
		t.Error("the fence of the first is open")
	}
	await(t, "the work of the second", second.began)
	second.stop()
	close(second.letGo)
	if err := await(t, "the end of the second", second.ended); err != nil {
		t.Error(err)
	}
	if got := holder(t, kube); got != "" {
		t.Errorf("the lease is still held by %q", got)
	}
}

func TestALeaderThatCannotRenewIsFencedStopsAndSaysThatItLost(t *testing.T) {
	kube := fake.NewClientset()
	var deaf atomic.Bool
	kube.PrependReactor("*", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		return deaf.Load(), nil, errors.New("the API server does not answer")
	})
	r := stand(t, kube, "first")
	await(t, "the work", r.began)
	deaf.Store(true)
	await(t, "the word to stop", r.leaving)
	if err := r.fence.Check(); !errors.Is(err, ErrFenced) {
		t.Errorf("while it stops the fence says %v", err)
	}
	close(r.letGo)
	if err := await(t, "the end", r.ended); !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want %v", err, ErrLost)
	}
}

func TestAStandbyThatIsStoppedNeverWorks(t *testing.T) {
	kube := fake.NewClientset()
	leader := stand(t, kube, "leader")
	await(t, "the work of the leader", leader.began)
	standby := stand(t, kube, "standby")
	standby.stop()
	if err := await(t, "the end of the standby", standby.ended); err != nil {
		t.Error(err)
	}
	select {
	case <-standby.began:
		t.Error("it worked")
	default:
	}
	leader.stop()
	close(leader.letGo)
	if err := await(t, "the end of the leader", leader.ended); err != nil {
		t.Error(err)
	}
}

func TestAReplicaThatComesBackUnderItsNameTakesItsLeaseAtOnce(t *testing.T) {
	now, seconds, identity := metav1.NowMicro(), int32(3600), "first"
	kube := fake.NewClientset(&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "eci-vnode"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &identity, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now},
	})
	r := stand(t, kube, "first")
	await(t, "the work", r.began)
	r.stop()
	close(r.letGo)
	if err := await(t, "the end", r.ended); err != nil {
		t.Error(err)
	}
}

func TestWhatTheWorkFailsWithIsReturnedAndTheLeaseGivenUp(t *testing.T) {
	kube := fake.NewClientset()
	broken := errors.New("the port is taken")
	err := Lead(t.Context(), quick("first"), Deps{Client: kube}, func(context.Context) error { return broken })
	if !errors.Is(err, broken) || holder(t, kube) != "" {
		t.Errorf("%v, the lease is held by %q", err, holder(t, kube))
	}
}

func TestAnElectionNamesAllThatIsWrongWithIt(t *testing.T) {
	err := Config{Name: "A", Namespace: "b.c", LeaseDuration: 1500 * time.Millisecond, RenewDeadline: 2 * time.Second}.Validate()
	for _, want := range []string{"name", "namespace", "identity", "leaseDuration", "renewDeadline", "retryPeriod"} {
		if err == nil || !strings.Contains(err.Error(), want+":") {
			t.Errorf("%s is not named in %v", want, err)
		}
	}
	good := DefaultConfig()
	good.Name, good.Namespace, good.Identity = "eci-vnode-n", "kube-system", "pod-1"
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

func TestTheFenceClosesByEitherClock(t *testing.T) {
	start := time.Now()
	now := start
	f := &Fence{now: func() time.Time { return now }}
	if f.Check() == nil {
		t.Error("a new fence is open")
	}
	f.open(start.Add(time.Second))
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	now = start.Add(time.Second)
	if f.Check() == nil {
		t.Error("it is open when its time is over")
	}
	now = start.Round(0).Add(time.Second) // the wall clock alone, as after a sleep of the machine
	if f.Check() == nil {
		t.Error("it is open when the wall clock says that its time is over")
	}
}

// sent is a transport that counts.
type sent struct{ requests int }

func (s *sent) RoundTrip(*http.Request) (*http.Response, error) {
	s.requests++
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestAClosedFenceHoldsWritesBackAndLetsReadsThrough(t *testing.T) {
	f, next := &Fence{}, &sent{}
	client := &http.Client{Transport: f.Transport(next)}
	try := func(method string) error {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if err := try(method); !errors.Is(err, ErrFenced) || next.requests != 0 {
			t.Errorf("%s: %v, %d sent", method, err, next.requests)
		}
	}
	if err := try(http.MethodGet); err != nil || next.requests != 1 {
		t.Errorf("GET: %v, %d sent", err, next.requests)
	}
	f.open(time.Now().Add(time.Hour))
	if err := try(http.MethodPost); err != nil || next.requests != 2 {
		t.Errorf("POST with an open fence: %v, %d sent", err, next.requests)
	}
}

func TestAStandbyOfTheDefaultsHoldsTheLeaseInUnderFifteenSeconds(t *testing.T) {
	c := DefaultConfig()
	const longestPeriod = 1 + leaderelection.JitterFactor
	// It sees the last renewal a period late, and the end of the lease another.
	worst := c.LeaseDuration + time.Duration(2*longestPeriod*float64(c.RetryPeriod))
	if worst >= 15*time.Second {
		t.Errorf("it may take %s", worst)
	}
}
