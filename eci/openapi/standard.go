package openapi

import (
	"errors"
	"fmt"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
)

// ChainConfig names the places where DefaultCredentials look. A field that is
// empty is read by the SDK from its own environment variable, as users of other
// Alibaba Cloud tools expect.
type ChainConfig struct {
	// RAMRoleName is the role of the ECS instance (ALIBABA_CLOUD_ECS_METADATA);
	// when both are empty the metadata server is asked for it.
	RAMRoleName string
	// OIDC is the identity of a pod by RRSA.
	OIDC OIDCConfig
	// CredentialsURI is a server that answers temporary keys. It is not read
	// from the environment.
	CredentialsURI string
}

// OIDCConfig exchanges a service account token for temporary keys (RRSA).
type OIDCConfig struct {
	// TokenFile is a path (ALIBABA_CLOUD_OIDC_TOKEN_FILE), read at each refresh.
	TokenFile string
	// ProviderARN and RoleARN name the identity provider and the role
	// (ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN).
	ProviderARN string
	RoleARN     string
	SessionName string
	// STSRegion chooses the regional STS endpoint (ALIBABA_CLOUD_STS_REGION).
	STSRegion string
}

// DefaultCredentials look in the standard places, in the order of the SDK:
// environment, RRSA (OIDC), CLI profile, credentials file, RAM role of the
// instance, credentials URI. The first that has a key is kept. Nothing is read
// before the first call.
func DefaultCredentials(cfg ChainConfig) Credentials {
	providers := []provider{credentials.NewEnvironmentVariableCredentialsProvider()}
	if oidc, err := newOIDC(cfg.OIDC); err == nil {
		providers = append(providers, oidc)
	}
	providers = append(providers,
		credentials.NewCLIProfileCredentialsProviderBuilder().Build(),
		credentials.NewProfileCredentialsProviderBuilder().Build())
	if role, err := newInstanceRole(cfg.RAMRoleName); err == nil {
		providers = append(providers, role)
	}
	if cfg.CredentialsURI != "" {
		uri, err := credentials.NewURLCredentialsProviderBuilderBuilder().WithUrl(cfg.CredentialsURI).Build()
		if err == nil {
			providers = append(providers, uri)
		}
	}
	return newChain(providers)
}

// InstanceRoleCredentials are those of the RAM role of the ECS instance that
// this runs on. It fails when ALIBABA_CLOUD_ECS_METADATA_DISABLED is true.
func InstanceRoleCredentials(roleName string) (Credentials, error) {
	role, err := newInstanceRole(roleName)
	if err != nil {
		return nil, fmt.Errorf("credentials of the instance role: %w", err)
	}
	return newChain([]provider{role}), nil
}

// OIDCCredentials are those of a pod with RRSA. It fails when a part is neither
// in cfg nor in the environment.
func OIDCCredentials(cfg OIDCConfig) (Credentials, error) {
	oidc, err := newOIDC(cfg)
	if err != nil {
		return nil, fmt.Errorf("credentials by OIDC: %w", err)
	}
	return newChain([]provider{oidc}), nil
}

func newInstanceRole(roleName string) (provider, error) {
	role, err := credentials.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(roleName).Build()
	if err != nil {
		return nil, errors.New(describe(err))
	}
	return role, nil
}

func newOIDC(cfg OIDCConfig) (provider, error) {
	oidc, err := credentials.NewOIDCCredentialsProviderBuilder().
		WithOIDCTokenFilePath(cfg.TokenFile).
		WithOIDCProviderARN(cfg.ProviderARN).
		WithRoleArn(cfg.RoleARN).
		WithRoleSessionName(cfg.SessionName).
		WithStsRegion(cfg.STSRegion).
		Build()
	if err != nil {
		return nil, errors.New(describe(err))
	}
	return oidc, nil
}
