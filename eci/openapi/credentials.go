package openapi

import (
	"context"
	"errors"

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

// Credential returns the key.
func (s static) Credential(context.Context) (Credential, error) {
	if s.AccessKeyID == "" || s.AccessKeySecret == "" {
		return Credential{}, errors.New("credentials: the access key id or secret is empty")
	}
	return Credential(s), nil
}
