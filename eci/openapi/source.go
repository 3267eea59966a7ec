package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// SourceConfig says where credentials may come from.
type SourceConfig struct {
	// Env reads an environment variable, as os.LookupEnv.
	Env func(name string) (string, bool)
	// AllowIMDSv1 asks the metadata server also where it opens no session.
	AllowIMDSv1 bool
	// Endpoint is that of ECI: an emulator, which is what listens on loopback, is
	// asked for STS as well, but never who the caller is.
	Endpoint string
	// STSEndpoint and MetadataURL are the public ones when empty.
	STSEndpoint, MetadataURL string
	// Clock is the wall clock when nil.
	Clock Clock
	// Observe, if set, is told how each renewal of temporary credentials went.
	Observe func(error)
}

// Source is the one place that credentials come from. When it fails, its error is
// what callers get: another place would be another identity.
type Source struct {
	place  string
	unused []string
	from   Credentials
	sts    *sts
	asks   bool // STS can be asked who the caller is
}

// FindSource chooses the place: the first of these that is configured.
//
//  1. ECI_ACCESS_KEY and ECI_SECRET_KEY
//  2. ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, with ALIBABA_CLOUD_SECURITY_TOKEN
//     if it is set; with ALIBABA_CLOUD_ROLE_ARN the key assumes that role
//  3. the OIDC token of a pod (RRSA): ALIBABA_CLOUD_OIDC_TOKEN_FILE,
//     ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_ROLE_ARN
//  4. a server of temporary keys: ALIBABA_CLOUD_CREDENTIALS_URI
//  5. the RAM role that ALIBABA_CLOUD_ECS_METADATA names
//  6. the profile of the CLI in ~/.aliyun/config.json
//  7. the file of ALIBABA_CLOUD_CREDENTIALS_FILE or ~/.alibabacloud/credentials
//  8. the RAM role of this machine, when nothing else is configured
//
// Variables that are set by halves, in whichever place, are an error. No server
// is asked.
func FindSource(cfg SourceConfig) (*Source, error) {
	f, err := newFinder(cfg)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	var chosen *found
	var unused []string
	var errs []error
	for _, look := range f.places() {
		switch here, err := look(); {
		case err != nil:
			errs = append(errs, err)
		case here == nil:
		case chosen == nil:
			chosen = here
		default:
			unused = append(unused, here.place)
		}
	}
	if chosen == nil && len(errs) == 0 {
		chosen, err = f.instanceRole("")
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	return &Source{place: chosen.place, unused: unused, from: chosen.credentials, sts: f.sts, asks: f.asks}, nil
}

// Place names the place for people. It holds no secret.
func (s *Source) Place() string { return s.place }

// Unused names the places that are configured as well and have no effect.
func (s *Source) Unused() []string { return s.unused }

// Credential returns the key of now.
func (s *Source) Credential(ctx context.Context) (Credential, error) {
	credential, err := s.from.Credential(ctx)
	if err != nil {
		return Credential{}, fmt.Errorf("credentials: %s: %w", s.place, err)
	}
	return credential, nil
}

// Identity asks the cloud who the caller is. That needs no permission, and an
// endpoint of STS that can be reached.
func (s *Source) Identity(ctx context.Context) (Identity, error) {
	if !s.asks {
		return Identity{}, errors.New("an endpoint on loopback has no STS")
	}
	credential, err := s.Credential(ctx)
	if err != nil {
		return Identity{}, err
	}
	return s.sts.identity(ctx, credential)
}

// found is a place that is configured.
type found struct {
	place       string
	credentials Credentials
}

// finder looks at the places.
type finder struct {
	cfg      SourceConfig
	sts      *sts
	asks     bool
	metadata *metadata
	direct   *http.Client
}

func newFinder(cfg SourceConfig) (*finder, error) {
	if cfg.Clock == nil {
		cfg.Clock = wallClock{}
	}
	f := &finder{cfg: cfg, direct: newDirectClient()}
	endpoint := cfg.STSEndpoint
	if endpoint == "" && isLoopbackEndpoint(cfg.Endpoint) {
		endpoint = cfg.Endpoint
	}
	f.asks = endpoint == "" || endpoint == cfg.STSEndpoint
	url, err := resolveEndpoint(f.stsHost(), endpoint)
	if err != nil {
		return nil, fmt.Errorf("stsEndpoint: %w", err)
	}
	f.sts = &sts{url: url, client: newHTTPClient(nil), clock: cfg.Clock}
	f.metadata = &metadata{url: metadataURL, client: f.direct, allowV1: cfg.AllowIMDSv1}
	if cfg.MetadataURL != "" {
		f.metadata.url = strings.TrimSuffix(cfg.MetadataURL, "/")
	}
	return f, nil
}

// stsHost is the host of STS as the variables of Alibaba Cloud's tools choose it.
func (f *finder) stsHost() string {
	product := "sts"
	if isTrue(f.env("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED")) {
		product = "sts-vpc"
	}
	if region := f.env("ALIBABA_CLOUD_STS_REGION"); region != "" {
		return regionalHost(product, region)
	}
	return "sts.aliyuncs.com"
}

// env is empty for a variable that is not set.
func (f *finder) env(name string) string {
	if value, set := f.cfg.Env(name); set {
		return value
	}
	return ""
}

func (f *finder) renewing(fetch fetchFunc) Credentials {
	return newRenewing(fetch, f.cfg.Clock, f.cfg.Observe)
}

// places are what is looked at, in order. Each returns nil where nothing is
// configured.
func (f *finder) places() []func() (*found, error) {
	return []func() (*found, error){f.firstKey, f.key, f.podToken, f.keyServer, f.namedRole, f.cliProfile, f.credentialsFile}
}

// firstKey is the access key in the variables of the first ECI provider.
func (f *finder) firstKey() (*found, error) {
	id, secret := f.env("ECI_ACCESS_KEY"), f.env("ECI_SECRET_KEY")
	if id == "" && secret == "" {
		return nil, nil
	}
	if err := f.together("ECI_ACCESS_KEY", "ECI_SECRET_KEY"); err != nil {
		return nil, err
	}
	return &found{"access key " + masked(id) + " of ECI_ACCESS_KEY", StaticCredentials(id, secret, "")}, nil
}

const (
	envKey, envSecret, envToken           = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
	envRole, envTokenFile, envProviderARN = "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	envSessionName                        = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
)

func (f *finder) key() (*found, error) {
	id := f.env(envKey)
	if id == "" && f.env(envSecret) == "" && f.env(envToken) == "" {
		return nil, nil
	}
	if err := f.together(envKey, envSecret); err != nil {
		return nil, err
	}
	key := StaticCredentials(id, f.env(envSecret), f.env(envToken))
	arn := f.env(envRole)
	if arn == "" || f.hasOIDC() {
		return &found{"access key " + masked(id) + " of " + envKey, key}, nil
	}
	assume := f.sts.assume(role{ARN: arn, SessionName: f.sessionName()}, key)
	return &found{"role " + arn + ", assumed with the access key " + masked(id) + " of " + envKey, f.renewing(assume)}, nil
}

func (f *finder) hasOIDC() bool { return f.env(envTokenFile) != "" || f.env(envProviderARN) != "" }

func (f *finder) sessionName() string {
	if name := f.env(envSessionName); name != "" {
		return name
	}
	return "eci-vnode"
}

// podToken is RRSA. The webhook of the cluster sets all three variables.
func (f *finder) podToken() (*found, error) {
	if !f.hasOIDC() {
		if f.env(envRole) != "" && f.env(envKey) == "" {
			return nil, fmt.Errorf("%s is set, but neither %s and %s (RRSA) nor %s", envRole, envTokenFile, envProviderARN, envKey)
		}
		return nil, nil
	}
	if err := f.together(envTokenFile, envProviderARN, envRole); err != nil {
		return nil, err
	}
	r := role{ARN: f.env(envRole), SessionName: f.sessionName(), ProviderARN: f.env(envProviderARN), TokenFile: f.env(envTokenFile)}
	return &found{"role " + r.ARN + " by the OIDC token of the pod (RRSA)", f.renewing(f.sts.assumeByToken(r))}, nil
}

func (f *finder) keyServer() (*found, error) {
	address := f.env("ALIBABA_CLOUD_CREDENTIALS_URI")
	if address == "" {
		return nil, nil
	}
	return &found{"server of ALIBABA_CLOUD_CREDENTIALS_URI", f.renewing(keyServer(f.direct, address))}, nil
}

func (f *finder) namedRole() (*found, error) {
	name := f.env("ALIBABA_CLOUD_ECS_METADATA")
	if name == "" {
		return nil, nil
	}
	return f.instanceRole(name)
}

func (f *finder) instanceRole(name string) (*found, error) {
	if isTrue(f.env("ALIBABA_CLOUD_ECS_METADATA_DISABLED")) {
		if name == "" {
			return nil, errors.New("none is configured, and ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids the RAM role of this machine: set ECI_ACCESS_KEY and ECI_SECRET_KEY, or RRSA")
		}
		return nil, fmt.Errorf("the RAM role %s of this machine is asked for, and ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids it: unset one", name)
	}
	place := "RAM role " + name + " of this machine"
	if name == "" {
		place = "RAM role of this machine, as nothing else is configured"
	}
	return &found{place, f.renewing(f.metadata.role(name))}, nil
}

// together says which of some variables are missing, when others are set.
func (f *finder) together(names ...string) error {
	var missing []string
	for _, name := range names {
		if f.env(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s not set, but needed together with the others of %s", strings.Join(missing, " and "), strings.Join(names, ", "))
}

func isTrue(value string) bool { return strings.EqualFold(value, "true") }

// masked shows enough of an access key id to tell it from others.
func masked(id string) string {
	const shown = 8
	if len(id) < 2*shown {
		return "***"
	}
	return id[:shown] + "***"
}
