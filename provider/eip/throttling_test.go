package eip

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// worldClock runs as the time of the world for the client: to sleep moves it. It
// begins with the time of the machine, by which the emulator looks at signatures.
type worldClock struct {
	*world
	ahead time.Duration
}

func (c worldClock) Now() time.Time { return c.clock.Now().Add(c.ahead) }

func (c worldClock) Sleep(_ context.Context, d time.Duration) error {
	c.pass(d)
	return nil
}

// throttled counts the refusals of a transport that say "too often".
type throttled struct {
	next http.RoundTripper
	n    int
}

func (c *throttled) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if bytes.Contains(body, []byte(`"`+eci.CodeThrottling)) {
		c.n++
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

// newLimitedWorld has an account with rates, and a reconciler whose client keeps
// the budget of a new account.
func newLimitedWorld(t *testing.T, rates map[string]int, pods int) (*world, *throttled) {
	t.Helper()
	var key emulator.Credential
	w := newWorld(t, 1, func(cfg *emulator.Config) {
		cfg.Rates, cfg.EIPQuota, key = rates, pods+1, cfg.Credentials[0]
	})
	count := &throttled{next: w.wire}
	cfg := openapi.DefaultConfig("cn-hangzhou")
	cfg.Endpoint = "http://127.0.0.1:1"
	cloud, err := openapi.New(cfg, openapi.Deps{
		Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), ""),
		HTTPClient:  &http.Client{Transport: count}, Clock: worldClock{w, w.clock.Since(time.Now()) * -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cloud = cloud
	w.restart()
	for i := range pods {
		w.mustAdd(fmt.Sprintf("auto-%d", i), types.UID(fmt.Sprintf("uid-%d", i)), wantAuto)
	}
	return w, count
}

// turnUntilReady takes turns until every pod has its EIP, for at most limit of the
// time of the world.
func (w *world) turnUntilReady(limit time.Duration) time.Duration {
	w.Helper()
	began := w.clock.Now()
	for {
		ready := 0
		for _, state := range w.reports {
			if state.Ready() {
				ready++
			}
		}
		took := w.clock.Since(began)
		switch {
		case ready == len(w.pods):
			return took
		case took > limit:
			w.Fatalf("%d of %d pods have their EIP after %s", ready, len(w.pods), took)
		}
		if err := w.Turn(w.Context()); err != nil {
			w.Log(err)
		}
		w.pass(w.Pace())
	}
}

// TestAWaveOfPodsStaysInsideTheDocumentedRates gives 300 pods an EIP in an account
// that refuses the 121st purchase and the 121st binding of a minute.
func TestAWaveOfPodsStaysInsideTheDocumentedRates(t *testing.T) {
	const pods = 300
	w, refusals := newLimitedWorld(t, emulator.DocumentedRates(), pods)
	took := w.turnUntilReady(15 * time.Minute)
	if refusals.n != 0 {
		t.Errorf("%d calls were too many for the account", refusals.n)
	}
	if least := (pods - 120) / 120 * time.Minute; took < least {
		t.Errorf("it took %s, less than the rates allow", took)
	}
	calls := w.em.Calls()
	if n := calls[vpc.ActionAllocateEipAddress]; n != pods {
		t.Errorf("%d purchases for %d pods", n, pods)
	}
	if n := calls[vpc.ActionAssociateEipAddress]; n != pods {
		t.Errorf("%d bindings for %d pods", n, pods)
	}
	w.expectBought(pods)
	t.Logf("%d pods in %s, %d reads", pods, took, calls[vpc.ActionDescribeEipAddresses])
}

// TestAnAccountThatOthersUseTooThrottlesWithoutALossOrASecondPurchase has a third
// of the rates left: the client learns of it by refusals.
func TestAnAccountThatOthersUseTooThrottlesWithoutALossOrASecondPurchase(t *testing.T) {
	const pods = 100
	rates := emulator.DocumentedRates()
	for action, rate := range rates {
		rates[action] = rate / 3
	}
	w, refusals := newLimitedWorld(t, rates, pods)
	took := w.turnUntilReady(15 * time.Minute)
	if refusals.n == 0 {
		t.Error("nothing was refused: this tests nothing")
	}
	w.expectBought(pods)
	for uid := range w.pods {
		w.remove(w.pods[uid])
	}
	for range 100 {
		if len(w.bought()) == 0 {
			break
		}
		_ = w.Turn(w.Context())
		w.pass(w.Pace())
	}
	w.expectBought(0)
	t.Logf("%d pods in %s, %d refusals", pods, took, refusals.n)
}
