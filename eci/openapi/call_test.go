package openapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/eci-vnode/eci-vnode/eci"
)

func create(c *Client, token string) error {
	_, err := c.CreateContainerGroup(context.Background(), &eci.CreateContainerGroupRequest{ContainerGroupName: "g", ClientToken: token})
	return err
}

func list(c *Client, _ string) error {
	_, err := c.DescribeContainerGroups(context.Background(), &eci.DescribeContainerGroupsRequest{})
	return err
}

func TestOnlyWhatIsSafeIsSentAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		call   func(*Client, string) error
		token  string
		script []reply
		sent   int
		code   string
	}{
		"a read, after lost answers and 5xx":           {list, "", []reply{lost, broken, ok}, 3, ""},
		"a create with its token, after a lost answer": {create, "t", []reply{lost, ok}, 2, ""},
		"a create with its token, after a 5xx":         {create, "t", []reply{broken, ok}, 2, ""},
		"a create that was throttled, token or not":    {create, "", []reply{throttled, ok}, 2, ""},
		"not a create without token and answer":        {create, "", []reply{lost, ok}, 1, "none"},
		"not a create without token after a 5xx":       {create, "", []reply{broken, ok}, 1, "ServiceUnavailable"},
		"not what the cloud refused":                   {create, "t", []reply{invalid, ok}, 1, "InvalidParameter"},
		"not for ever":                                 {list, "", []reply{throttled}, 4, "Throttling.User"},
		"an answer that is none, for a read":           {list, "", []reply{{status: 200, body: "<html>"}, ok}, 2, ""},
		"not what a proxy refused":                     {list, "", []reply{{status: 403, body: "<html>"}, ok}, 1, "none"},
		"what a proxy could not pass on":               {list, "", []reply{{status: 502, body: "<html>"}, ok}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, tc.script...)
			err := tc.call(newClient(t, s.URL, nil), tc.token)
			if got := len(s.calls()); got != tc.sent {
				t.Errorf("sent %d times, want %d", got, tc.sent)
			}
			if (err == nil) != (tc.code == "") || (tc.code != "none" && eci.CodeOf(err) != tc.code) {
				t.Errorf("got %v, want code %q", err, tc.code)
			}
		})
	}
}

func TestARefusedConnectionIsTriedAgainAlsoWithoutToken(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	clock := newFakeClock()
	err := create(newClient(t, gone.URL, func(_ *Config, d *Deps) { d.Clock = clock }), "")
	if err == nil || len(clock.slept) != 3 {
		t.Errorf("got %v after %d pauses, want an error after 3", err, len(clock.slept))
	}
}

func TestEachAttemptIsSignedAnewAndNothingIsInTheURL(t *testing.T) {
	s := startServer(t, broken, lost, ok)
	if err := create(newClient(t, s.URL, nil), "t"); err != nil {
		t.Fatal(err)
	}
	nonces := map[string]bool{}
	for i, form := range s.calls() {
		nonces[form.Get("SignatureNonce")] = true
		if s.urls[i] != "/" {
			t.Errorf("URL %q", s.urls[i])
		}
		for name, want := range map[string]string{
			"Action": "CreateContainerGroup", "Version": "2018-08-08", "RegionId": "cn-x", "ClientToken": "t",
			"ContainerGroupName": "g", "AccessKeyId": testKey, "SecurityToken": testToken, "SignatureMethod": "HMAC-SHA1",
		} {
			if form.Get(name) != want {
				t.Errorf("%s: got %q, want %q", name, form.Get(name), want)
			}
		}
	}
	if len(nonces) != 3 {
		t.Errorf("got %d nonces in 3 attempts", len(nonces))
	}
}

func TestBackoffGrowsAndHasABound(t *testing.T) {
	for number, atMost := range map[int]time.Duration{1: firstBackoff, 2: 2 * firstBackoff, 3: 4 * firstBackoff, 50: maxBackoff} {
		for range 100 {
			if got := backoff(Attempt{Number: number, Err: errBadAnswer}); got < atMost/2 || got > atMost {
				t.Fatalf("attempt %d: %s is not in [%s, %s]", number, got, atMost/2, atMost)
			}
		}
	}
	if got := backoff(Attempt{Number: 1, Err: &eci.Error{Code: eci.CodeThrottling}}); got < firstThrottledBackoff/2 {
		t.Errorf("throttled: %s", got)
	}
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	s := startServer(t, reply{hang: true})
	ctx, cancel := context.WithCancel(context.Background())
	c := newClient(t, s.URL, nil)
	done := make(chan error, 1)
	go func() {
		_, err := c.ListUsage(ctx, &eci.ListUsageRequest{})
		done <- err
	}()
	<-s.hanging
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if n := len(s.calls()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestTheTimeoutOfAnAttemptIsNotTheCallersDeadline(t *testing.T) {
	s := startServer(t, reply{hang: true}, ok)
	var seen []Attempt
	c := newClient(t, s.URL, func(cfg *Config, d *Deps) {
		cfg.Timeout = 500 * time.Millisecond
		d.Observe = func(a Attempt) { seen = append(seen, a) }
	})
	if err := list(c, ""); err != nil {
		t.Fatalf("the second attempt must succeed: %v", err)
	}
	if len(seen) != 2 || seen[0].Result != ResultNoAnswer || errors.Is(seen[0].Err, context.DeadlineExceeded) || seen[1].RequestID != "r-ok" {
		t.Errorf("got %+v", seen)
	}
}

func TestARefusalIsTyped(t *testing.T) {
	s := startServer(t, reply{status: 404, body: `{"requestId":"r-1","code":"InvalidParameter.NotFound","message":"gone"}`})
	_, err := newClient(t, s.URL, nil).DeleteContainerGroup(context.Background(), &eci.DeleteContainerGroupRequest{ContainerGroupID: "eci-1"})
	var refused *eci.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	want := eci.Error{Action: "DeleteContainerGroup", HTTPStatus: 404, Code: "InvalidParameter.NotFound", Message: "gone", RequestID: "r-1"}
	if *refused != want || !eci.IsNotFound(err) {
		t.Errorf("got %+v, want %+v", *refused, want)
	}
}

func TestARefusalSaysWhetherAnEarlierTryWentUnanswered(t *testing.T) {
	for name, tc := range map[string]struct {
		script []reply
		want   bool
	}{
		"the first try":            {[]reply{throttled}, false},
		"after another refusal":    {[]reply{throttled, invalid}, false},
		"after a lost answer":      {[]reply{lost, throttled}, true},
		"after a 5xx":              {[]reply{broken, invalid}, true},
		"long after a lost answer": {[]reply{lost, throttled, throttled, invalid}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var refused *eci.Error
			if err := create(newClient(t, startServer(t, tc.script...).URL, nil), "t"); !errors.As(err, &refused) || refused.Unanswered != tc.want {
				t.Errorf("got %v, %+v, want Unanswered %v", err, refused, tc.want)
			}
		})
	}
}

func TestAnAnswerThatIsNotOfTheCloudNamesItsStatus(t *testing.T) {
	s := startServer(t, reply{status: 407, body: "<html>proxy says: " + testSecret})
	err := list(newClient(t, s.URL, nil), "")
	if err == nil || !strings.Contains(err.Error(), "407") || strings.Contains(err.Error(), testSecret) || !eci.IsRetryable(err) {
		t.Errorf("got %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := startServer(t, ok)
	s := httptest.NewServer(redirectTo(elsewhere.URL))
	defer s.Close()
	if err := list(newClient(t, s.URL, nil), ""); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("got %v", err)
	}
	if len(elsewhere.calls()) != 0 {
		t.Error("the signed body went to another host")
	}
}

func TestAttemptsAreMeasured(t *testing.T) {
	s := startServer(t, throttled, invalid)
	registry := prometheus.NewRegistry()
	_ = create(newClient(t, s.URL, func(_ *Config, d *Deps) { d.Registry = registry }), "t")
	err := testutil.GatherAndCompare(registry, strings.NewReader(`
		# HELP eci_api_calls_total Attempts to call the ECI OpenAPI, by action and result.
		# TYPE eci_api_calls_total counter
		eci_api_calls_total{action="CreateContainerGroup",result="refused"} 1
		eci_api_calls_total{action="CreateContainerGroup",result="throttled"} 1
	`), "eci_api_calls_total")
	if err != nil {
		t.Error(err)
	}
}
