package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Credentials give the identity to sign with; asked before every attempt, by
// many goroutines.
type Credentials interface {
	Credential(ctx context.Context) (Credential, error)
}

// Credential is an access key, with a token when it is a temporary one.
type Credential struct {
	AccessKeyID     string
	AccessKeySecret eci.Secret
	SecurityToken   eci.Secret
}

// StaticCredentials always give one access key. stsToken is empty for a lasting
// key.
func StaticCredentials(accessKeyID, secret, stsToken string) Credentials {
	return static{AccessKeyID: accessKeyID, AccessKeySecret: eci.Secret(secret), SecurityToken: eci.Secret(stsToken)}
}

type static Credential

func (s static) Credential(context.Context) (Credential, error) {
	if s.AccessKeyID == "" || s.AccessKeySecret == "" {
		return Credential{}, errors.New("credentials: the access key id or secret is empty")
	}
	return Credential(s), nil
}

// provider is what this package uses of a credential provider of the SDK.
type provider interface {
	GetCredentials() (*credentials.Credentials, error)
	GetProviderName() string
}

// chain asks providers of the SDK in order and stays with the first that
// answered. The SDK's own chain is not used: once all have failed it only ever
// asks its last one again, and it puts the answers of credential servers and the
// text of configuration files, keys included, into its error.
type chain struct {
	// turn has room for one: the SDK's providers refresh themselves without a
	// lock. It is no mutex, so that a waiter can give up with its context.
	turn      chan struct{}
	providers []provider
	chosen    provider
}

func newChain(providers []provider) *chain {
	return &chain{turn: make(chan struct{}, 1), providers: providers}
}

// Credential refreshes temporary keys when they are due. A refresh is not cut
// by ctx, as the SDK takes none: its own timeouts (2 to 15 s) bound it.
func (c *chain) Credential(ctx context.Context) (Credential, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return Credential{}, ctx.Err()
	}
	defer func() { <-c.turn }()

	if c.chosen != nil {
		credential, err := ask(c.chosen)
		if err != nil {
			return Credential{}, fmt.Errorf("credentials: %w", err)
		}
		return credential, nil
	}
	var failures []string
	for _, p := range c.providers {
		credential, err := ask(p)
		if err == nil {
			c.chosen = p
			return credential, nil
		}
		failures = append(failures, err.Error())
	}
	return Credential{}, fmt.Errorf("credentials: no place has any (%s)", strings.Join(failures, "; "))
}

func ask(p provider) (Credential, error) {
	got, err := p.GetCredentials()
	if err != nil {
		return Credential{}, fmt.Errorf("%s: %s", p.GetProviderName(), describe(err))
	}
	if got == nil || got.AccessKeyId == "" || got.AccessKeySecret == "" {
		return Credential{}, fmt.Errorf("%s: no access key", p.GetProviderName())
	}
	return Credential{
		AccessKeyID:     got.AccessKeyId,
		AccessKeySecret: eci.Secret(got.AccessKeySecret),
		SecurityToken:   eci.Secret(got.SecurityToken),
	}, nil
}

// describe says what went wrong without the bodies, URLs and file contents that
// the SDK puts behind the first colon or line of its texts.
func describe(err error) string {
	var refused *sdkerrors.ServerError
	if errors.As(err, &refused) {
		return fmt.Sprintf("refused with HTTP %d %s", refused.HttpStatus(), refused.ErrorCode())
	}
	var network *url.Error
	if errors.As(err, &network) {
		return network.Err.Error()
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "ERROR: "), ":")
	return strings.TrimSpace(text)
}
