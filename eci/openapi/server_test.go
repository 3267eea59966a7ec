package openapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// reply is one answer of a scripted server; cut closes the connection without
// one.
type reply struct {
	status int
	body   string
	cut    bool
	hang   bool
}

var (
	ok        = reply{status: 200, body: `{"RequestId":"r-ok","ContainerGroupId":"eci-1"}`}
	throttled = reply{status: 400, body: `{"RequestId":"r-t","Code":"Throttling.User","Message":"slow down"}`}
	broken    = reply{status: 503, body: `{"RequestId":"r-b","Code":"ServiceUnavailable","Message":"later"}`}
	invalid   = reply{status: 400, body: `{"RequestId":"r-i","Code":"InvalidParameter","Message":"bad"}`}
	lost      = reply{cut: true}
)

// server answers in the order of its script, the last entry for ever, and keeps
// what it was sent.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	script []reply
	forms  []url.Values
	urls   []string
	// hanging is told of every request that will get no answer.
	hanging chan struct{}
	done    chan struct{}
}

func startServer(t *testing.T, script ...reply) *server {
	t.Helper()
	s := &server{script: script, hanging: make(chan struct{}, 16), done: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Server.Close)
	t.Cleanup(func() { close(s.done) })
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	answer := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	s.forms = append(s.forms, r.PostForm)
	s.urls = append(s.urls, r.URL.String())
	s.mu.Unlock()
	switch {
	case answer.cut:
		panic(http.ErrAbortHandler)
	case answer.hang:
		s.hanging <- struct{}{}
		select {
		case <-s.done:
		case <-r.Context().Done():
		}
		return
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write([]byte(answer.body))
}

func (s *server) calls() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}

// fakeClock passes its sleeps at once and remembers them.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

func (c *fakeClock) total() (sum time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Now()} }

const (
	testKey    = "LTAItestkeyid"
	testSecret = "s3cr3t/key+value"
	testToken  = "CAISsts+token/=="
)

// newClient talks to endpoint with a fake clock.
func newClient(t *testing.T, endpoint string, change func(*Config, *Deps)) *Client {
	t.Helper()
	cfg := DefaultConfig("cn-x")
	cfg.Endpoint = endpoint
	deps := Deps{Credentials: StaticCredentials(testKey, testSecret, testToken), Clock: newFakeClock()}
	if change != nil {
		change(&cfg, &deps)
	}
	c, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
