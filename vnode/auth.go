package vnode

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/token/cache"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"
	"k8s.io/client-go/kubernetes"
)

const (
	// tokenReviewTimeout bounds one question to the API server about a token.
	tokenReviewTimeout = 10 * time.Second
	// How long answers are believed, as the kubelet does.
	tokenTTL, allowedTTL, deniedTTL = 2 * time.Minute, 5 * time.Minute, 30 * time.Second
	// reviewsPerUser is how many questions about the rights of one user are open at
	// the same time.
	reviewsPerUser = 4
)

// auth is the gatekeeper of the kubelet API.
type auth struct {
	authenticator.Request
	authorizer.Authorizer
}

// newAuth authenticates by client certificate or by TokenReview, and authorizes by
// SubjectAccessReview on the nodes resource, as the kubelet does. It is put together
// here, and not by the library, for the bounds on what strangers can have asked.
func newAuth(cfg KubeletConfig, client kubernetes.Interface, ca dynamiccertificates.CAContentProvider) (*auth, error) {
	backoff := options.DefaultAuthWebhookRetryBackoff()
	reviewer, err := webhook.NewFromInterface(client.AuthenticationV1(), nil, *backoff, tokenReviewTimeout, webhook.AuthenticatorMetrics{
		RecordRequestTotal: authenticatorfactory.RecordRequestTotal, RecordRequestLatency: authenticatorfactory.RecordRequestLatency,
	})
	if err != nil {
		return nil, fmt.Errorf("set up authentication of the kubelet API: %w", err)
	}
	tokens := newTokenBudget(cache.New(reviewer, false, tokenTTL, tokenTTL), cfg.Limits.TokenReviewsPerSecond)
	authn := group.NewAuthenticatedGroupAdder(union.New(
		x509.NewDynamic(ca.VerifyOptions, x509.CommonNameUserConversion),
		bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens),
	))
	if cfg.AnonymousAuth {
		authn = union.NewFailOnError(authn, anonymous.NewAuthenticator(nil))
	}
	authz, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client.AuthorizationV1(),
		AllowCacheTTL:             allowedTTL, DenyCacheTTL: deniedTTL, WebhookRetryBackoff: backoff,
	}.New()
	if err != nil {
		return nil, fmt.Errorf("set up authorization of the kubelet API: %w", err)
	}
	return &auth{authn, &boundedAuthorizer{Authorizer: authz, users: map[string]*userSlots{}}}, nil
}

// boundedAuthorizer asks about one user only so many questions at the same time.
type boundedAuthorizer struct {
	authorizer.Authorizer

	mu    sync.Mutex
	users map[string]*userSlots
}

// userSlots are the questions about one user.
type userSlots struct {
	free   *semaphore.Weighted
	askers int // that hold or wait for a slot
}

// Authorize waits for a slot of the user, for as long as ctx allows.
func (b *boundedAuthorizer) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	name := a.GetUser().GetName()
	slots := b.enter(name)
	defer b.leave(name)
	if err := slots.free.Acquire(ctx, 1); err != nil {
		return authorizer.DecisionDeny, "", fmt.Errorf("wait for other questions about user %q: %w", name, err)
	}
	defer slots.free.Release(1)
	return b.Authorizer.Authorize(ctx, a)
}

func (b *boundedAuthorizer) enter(name string) *userSlots {
	b.mu.Lock()
	defer b.mu.Unlock()
	slots, ok := b.users[name]
	if !ok {
		slots = &userSlots{free: semaphore.NewWeighted(reviewsPerUser)}
		b.users[name] = slots
	}
	slots.askers++
	return slots
}

func (b *boundedAuthorizer) leave(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users[name].askers--; b.users[name].askers == 0 {
		delete(b.users, name)
	}
}
