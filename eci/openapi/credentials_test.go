package openapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/google/go-cmp/cmp"
)

// isolate gives the standard chain an empty machine.
func isolate(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_ROLE_ARN",
		"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CREDENTIALS_FILE",
	} {
		t.Setenv(name, "")
	}
	return home
}

func TestTheStandardChainReadsTheEnvironmentFirst(t *testing.T) {
	isolate(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token")
	got, err := DefaultCredentials(ChainConfig{}).Credential(context.Background())
	if diff := cmp.Diff(Credential{"id", "secret", "token"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestTheStandardChainReadsTheProfileOfTheCLI(t *testing.T) {
	home := isolate(t)
	mustWrite(t, filepath.Join(home, ".aliyun", "config.json"),
		`{"current":"p","profiles":[{"name":"p","mode":"AK","access_key_id":"cli-id","access_key_secret":"cli-secret"}]}`)
	got, err := DefaultCredentials(ChainConfig{}).Credential(context.Background())
	if err != nil || got.AccessKeyID != "cli-id" || got.AccessKeySecret != "cli-secret" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheStandardChainAsksACredentialServer(t *testing.T) {
	isolate(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"Code":"Success","AccessKeyId":"u-id","AccessKeySecret":"u-secret","SecurityToken":"u-token","Expiration":"2999-01-01T00:00:00Z"}`))
	}))
	defer s.Close()
	got, err := DefaultCredentials(ChainConfig{CredentialsURI: s.URL}).Credential(context.Background())
	if diff := cmp.Diff(Credential{"u-id", "u-secret", "u-token"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestAFailedChainNamesThePlacesAndNoContent(t *testing.T) {
	home := isolate(t)
	mustWrite(t, filepath.Join(home, ".aliyun", "config.json"), `{"access_key_secret":"cli-secret", oops`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		_, _ = w.Write([]byte(`uri-secret`))
	}))
	defer s.Close()
	_, err := DefaultCredentials(ChainConfig{CredentialsURI: s.URL}).Credential(context.Background())
	if err == nil {
		t.Fatal("found credentials on an empty machine")
	}
	for _, place := range []string{"env", "cli_profile", "credential_uri"} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("%s is not named in %v", place, err)
		}
	}
	for _, secret := range []string{"cli-secret", "uri-secret", s.URL} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s is shown in %v", secret, err)
		}
	}
}

func TestRolesNeedTheirParts(t *testing.T) {
	isolate(t)
	if _, err := InstanceRoleCredentials("r"); err == nil {
		t.Error("the metadata server is disabled")
	}
	if _, err := OIDCCredentials(OIDCConfig{ProviderARN: "p", RoleARN: "r"}); err == nil || !strings.Contains(err.Error(), "OIDCTokenFilePath") {
		t.Errorf("got %v", err)
	}
	if _, err := OIDCCredentials(OIDCConfig{TokenFile: "f", ProviderARN: "p", RoleARN: "r"}); err != nil {
		t.Error(err)
	}
}

// flaky fails until it is told not to, and is a data race unless calls take
// turns.
type flaky struct {
	asked int
	good  bool
}

func (f *flaky) GetCredentials() (*credentials.Credentials, error) {
	f.asked++
	if !f.good {
		return nil, errors.New("not now: secret details")
	}
	return &credentials.Credentials{AccessKeyId: "id", AccessKeySecret: "s"}, nil
}

func (f *flaky) GetProviderName() string { return "flaky" }

func TestAChainStartsAgainAfterAllHaveFailedAndStaysWithWhatAnswered(t *testing.T) {
	first, second := &flaky{}, &flaky{}
	c := newChain([]provider{first, second})
	if _, err := c.Credential(context.Background()); err == nil {
		t.Fatal("no provider has any")
	}
	first.good = true
	for range 3 {
		if _, err := c.Credential(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if first.asked != 4 || second.asked != 1 {
		t.Errorf("asked %d and %d times, want 4 and 1", first.asked, second.asked)
	}
}

func TestCredentialsTakeTurns(t *testing.T) {
	c := newChain([]provider{&flaky{good: true}})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { _, _ = c.Credential(context.Background()) })
	}
	all.Wait()
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	c := newChain(nil)
	c.turn <- struct{}{} // somebody refreshes
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Credential(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestACallWithoutCredentialsIsNotSent(t *testing.T) {
	s := startServer(t, ok)
	var seen []Attempt
	c := newClient(t, s.URL, func(_ *Config, d *Deps) {
		d.Credentials = StaticCredentials("", "", "")
		d.Observe = func(a Attempt) { seen = append(seen, a) }
	})
	if err := list(c, ""); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("got %v", err)
	}
	if len(seen) != 1 || seen[0].Result != ResultUnsent || len(s.calls()) != 0 {
		t.Errorf("got %+v and %d calls", seen, len(s.calls()))
	}
}

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
