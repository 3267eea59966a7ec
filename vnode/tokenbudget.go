package vnode

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
	utilcache "k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/utils/lru"

	"github.com/eci-vnode/eci-vnode/vnode/connlimit"
)

const (
	// maxTokenBytes is several times the size of the longest token of a cluster.
	maxTokenBytes = 32 << 10
	// knownTokens are remembered for knownTTL after they were last accepted.
	knownTokens = 4096
	knownTTL    = time.Hour
	// sourceShare is the part of the reviews that one source can have.
	sourceShare = 4
	maxSources  = 4096
)

// tokenBudget bounds how often the API server is asked about tokens. Whoever has no
// valid token can make up any number of them, and no cache helps against that. A
// token that was accepted before is not part of the budget.
type tokenBudget struct {
	authenticator.Token
	perSecond int
	all       *rate.Limiter
	known     *utilcache.LRUExpireCache // by hash

	mu      sync.Mutex
	sources *lru.Cache // netip.Prefix to *rate.Limiter
}

// newTokenBudget returns an authenticator that asks next, which caches answers.
func newTokenBudget(next authenticator.Token, perSecond int) *tokenBudget {
	return &tokenBudget{
		Token: next, perSecond: perSecond, all: rate.NewLimiter(rate.Limit(perSecond), 2*perSecond),
		known: utilcache.NewLRUExpireCache(knownTokens), sources: lru.New(maxSources),
	}
}

// AuthenticateToken asks about a token unless too many unknown ones came before.
func (b *tokenBudget) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if len(token) > maxTokenBytes {
		return nil, false, fmt.Errorf("the token has %d bytes, more than %d", len(token), maxTokenBytes)
	}
	hash := sha256.Sum256([]byte(token))
	if _, known := b.known.Get(hash); !known && !b.spend(sourceOf(ctx)) {
		return nil, false, fmt.Errorf("too many unknown tokens from %s; kubelet.limits.tokenReviewsPerSecond bounds those of all", sourceOf(ctx))
	}
	response, ok, err := b.Token.AuthenticateToken(ctx, token)
	if ok && err == nil {
		b.known.Add(hash, nil, knownTTL)
	}
	return response, ok, err
}

// spend takes a review from the budget of a source, and then from that of all.
func (b *tokenBudget) spend(source netip.Prefix) bool {
	return b.limiterOf(source).Allow() && b.all.Allow()
}

func (b *tokenBudget) limiterOf(source netip.Prefix) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limiter, ok := b.sources.Get(source); ok {
		return limiter.(*rate.Limiter)
	}
	limiter := rate.NewLimiter(rate.Limit(b.perSecond)/sourceShare, max(1, 2*b.perSecond/sourceShare))
	b.sources.Add(source, limiter)
	return limiter
}

type sourceKey struct{}

// withSource notes where a request comes from.
func withSource(ctx context.Context, remote string) context.Context {
	return context.WithValue(ctx, sourceKey{}, connlimit.SourceOf(remote))
}

// sourceOf returns what withSource noted, or the zero Prefix.
func sourceOf(ctx context.Context) netip.Prefix {
	source, _ := ctx.Value(sourceKey{}).(netip.Prefix)
	return source
}
