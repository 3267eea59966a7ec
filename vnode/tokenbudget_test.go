package vnode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// asked knows one token and counts the questions about all.
type asked struct{ times int }

func (a *asked) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	a.times++
	return &authenticator.Response{User: &user.DefaultInfo{Name: "alice"}}, token == "good", nil
}

// reviewsOfASource is how many questions one source may have cost since start.
func reviewsOfASource(perSecond int, start time.Time) int {
	return 2*perSecond/sourceShare + perSecond/sourceShare*(1+int(time.Since(start)/time.Second))
}

func TestTokenBudget_IsPerSourceAndKnowsGoodTokens(t *testing.T) {
	next := &asked{}
	b := newTokenBudget(next, 20)
	stranger, other := withSource(t.Context(), "10.0.0.1:1"), withSource(t.Context(), "10.0.0.2:1")
	if _, ok, err := b.AuthenticateToken(stranger, "good"); !ok || err != nil {
		t.Fatalf("a good token: %t, %v", ok, err)
	}
	start := time.Now()
	for i := range 1000 {
		_, _, _ = b.AuthenticateToken(stranger, fmt.Sprint("bad", i))
	}
	if most := 1 + reviewsOfASource(20, start); next.times > most {
		t.Errorf("%d questions about the tokens of a stranger, at most %d are allowed", next.times, most)
	}
	if _, ok, err := b.AuthenticateToken(stranger, "good"); !ok || err != nil {
		t.Errorf("a token that was accepted before, from the same source: %t, %v", ok, err)
	}
	before := next.times
	if _, ok, err := b.AuthenticateToken(other, "bad"); ok || err != nil || next.times != before+1 {
		t.Errorf("another source is not asked for: %t, %v", ok, err)
	}
	if _, _, err := b.AuthenticateToken(other, strings.Repeat("x", maxTokenBytes+1)); err == nil || next.times != before+1 {
		t.Errorf("a token of any length is asked about: %v", err)
	}
}

func TestTokenBudget_BoundsAllSourcesTogether(t *testing.T) {
	next := &asked{}
	b := newTokenBudget(next, 5)
	start := time.Now()
	for i := range 1000 {
		_, _, _ = b.AuthenticateToken(withSource(t.Context(), fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)), fmt.Sprint("bad", i))
	}
	if most := 10 + 5*(1+int(time.Since(start)/time.Second)); next.times > most {
		t.Errorf("%d questions, at most %d are allowed", next.times, most)
	}
}

func TestKubeletAPI_AsksAboutFewTokensOfAStranger(t *testing.T) {
	v, r := mustStartLimited(t, talkative{newTestProvider()}, func(l *KubeletLimits) { l.TokenReviewsPerSecond = 4 })
	known := newKubeletClient(t, v)
	if code, _ := known.do("GET", "/pods", "good"); code != http.StatusOK {
		t.Fatalf("a good token: %d", code)
	}
	start, c := time.Now(), newKubeletClient(t, v)
	for i := range 40 {
		if code, _ := c.do("GET", "/pods", fmt.Sprint("bad", i)); code != http.StatusUnauthorized {
			t.Errorf("token %d: %d", i, code)
		}
	}
	most := 1 + reviewsOfASource(4, start)
	if got := int(r.tokenReviews.Load()); got > most {
		t.Errorf("%d TokenReviews for 41 tokens, at most %d are allowed", got, most)
	}
	if code, _ := known.do("GET", "/pods", "good"); code != http.StatusOK {
		t.Errorf("the good token afterwards: %d", code)
	}
}

// stuck is an authorizer that answers when it is told to.
type stuck struct {
	inside  atomic.Int32
	release chan struct{}
}

func (s *stuck) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	<-s.release
	return authorizer.DecisionAllow, "", nil
}

func TestBoundedAuthorizer_BoundsTheQuestionsAboutEachUser(t *testing.T) {
	s := &stuck{release: make(chan struct{})}
	b := &boundedAuthorizer{Authorizer: s, users: map[string]*userSlots{}}
	done := make(chan error, 20)
	ask := func(ctx context.Context, name string) {
		_, _, err := b.Authorize(ctx, authorizer.AttributesRecord{User: &user.DefaultInfo{Name: name}})
		done <- err
	}
	impatient, leave := context.WithCancel(t.Context())
	for range reviewsPerUser {
		go ask(t.Context(), "mallory")
	}
	eventually(t, "the slots of a user are taken", func() bool { return s.inside.Load() == reviewsPerUser })
	for range 5 {
		go ask(impatient, "mallory")
	}
	go ask(t.Context(), "alice")
	eventually(t, "another user is asked about", func() bool { return s.inside.Load() == reviewsPerUser+1 })
	leave()
	for range 5 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("a question beyond the slots: %v", err)
		}
	}
	close(s.release)
	for range reviewsPerUser + 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(b.users) != 0 {
		t.Errorf("users are kept: %v", b.users)
	}
}
