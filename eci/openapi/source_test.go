package openapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eci-vnode/eci-vnode/eci"
)

// machine is what FindSource sees: variables, and a metadata server and an STS on
// loopback.
type machine struct {
	env      map[string]string
	home     string
	sts      *stsServer
	metadata *metadataServer
	allowV1  bool
	clock    *fakeClock
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	home := t.TempDir()
	return &machine{env: map[string]string{"HOME": home}, home: home, sts: startSTS(t), metadata: startMetadata(t), clock: newFakeClock()}
}

func (m *machine) find() (*Source, error) {
	return FindSource(SourceConfig{
		Env:         func(name string) (string, bool) { v, ok := m.env[name]; return v, ok },
		AllowIMDSv1: m.allowV1, STSEndpoint: m.sts.URL, MetadataURL: m.metadata.URL, Clock: m.clock,
	})
}

func (m *machine) mustFind(t *testing.T) *Source {
	t.Helper()
	s, err := m.find()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rrsa sets the variables that the webhook of ACK sets.
func (m *machine) rrsa(t *testing.T) {
	t.Helper()
	token := filepath.Join(m.home, "token")
	mustWrite(t, token, "oidc-token-of-the-pod")
	m.env[envTokenFile], m.env[envProviderARN], m.env[envRole] = token, "acs:ram::1:oidc-provider/ack", "acs:ram::1:role/eci"
}

// issued is the answer of a credential server: a key with a life from now.
func issued(id string, expires time.Time) string {
	return `{"Code":"Success","AccessKeyId":"` + id + `","AccessKeySecret":"` + id + `-secret","SecurityToken":"` + id + `-token","Expiration":"` +
		expires.UTC().Format(timestampLayout) + `"}`
}

func keyNamed(id string) Credential {
	return Credential{AccessKeyID: id, AccessKeySecret: eci.Secret(id + "-secret"), SecurityToken: eci.Secret(id + "-token")}
}

// stsServer answers STS; the keys that it gives are named after the action.
type stsServer struct {
	*server
}

func startSTS(t *testing.T) *stsServer {
	later := time.Now().Add(24 * time.Hour)
	return &stsServer{startServer(t, reply{status: 200, body: `{"AccountId":"1","Arn":"acs:ram::1:assumed-role/eci/eci-vnode","Credentials":` + issued("sts", later) + `}`})}
}

// metadataServer is that of an ECS instance.
type metadataServer struct {
	*httptest.Server
	role     string
	sessions bool // IMDSv2
	seen     []string
}

func startMetadata(t *testing.T) *metadataServer {
	m := &metadataServer{role: "machine", sessions: true}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *metadataServer) serve(w http.ResponseWriter, r *http.Request) {
	m.seen = append(m.seen, r.Method+" "+r.URL.Path)
	const path = "/latest/meta-data/ram/security-credentials/"
	switch {
	case r.Method == http.MethodPut && m.sessions && r.Header.Get(metadataTTLHeader) != "":
		_, _ = w.Write([]byte("session"))
	case r.Method != http.MethodGet, m.sessions && r.Header.Get(metadataTokenHeader) != "session", m.role == "":
		http.Error(w, "secret body", http.StatusNotFound)
	case r.URL.Path == path:
		_, _ = w.Write([]byte(m.role))
	case r.URL.Path == path+m.role:
		_, _ = w.Write([]byte(issued(m.role, time.Now().Add(24*time.Hour))))
	}
}

func TestFindSource_TakesTheFirstPlaceThatIsConfigured(t *testing.T) {
	cli := func(profiles string) func(*testing.T, *machine) {
		return func(t *testing.T, m *machine) {
			mustWrite(t, filepath.Join(m.home, ".aliyun", "config.json"), `{"current":"p","profiles":[`+profiles+`]}`)
		}
	}
	file := func(text string) func(*testing.T, *machine) {
		return func(t *testing.T, m *machine) {
			mustWrite(t, filepath.Join(m.home, ".alibabacloud", "credentials"), "[default]\n"+text)
		}
	}
	set := func(pairs ...string) func(*testing.T, *machine) {
		return func(_ *testing.T, m *machine) {
			for i := 0; i < len(pairs); i += 2 {
				m.env[pairs[i]] = pairs[i+1]
			}
		}
	}
	rrsa := func(t *testing.T, m *machine) { m.rrsa(t) }
	for name, c := range map[string]struct {
		change []func(*testing.T, *machine)
		want   Credential
		place  string
		unused int
	}{
		"the variables of the first provider": {change: []func(*testing.T, *machine){set("ECI_ACCESS_KEY", "id", "ECI_SECRET_KEY", "secret", envKey, "other", envSecret, "other")},
			want: Credential{AccessKeyID: "id", AccessKeySecret: "secret"}, place: "ECI_ACCESS_KEY", unused: 1},
		"the variables of every tool": {change: []func(*testing.T, *machine){set(envKey, "id", envSecret, "secret", envToken, "token")},
			want: Credential{"id", "secret", "token"}, place: envKey},
		"a key that assumes a role": {change: []func(*testing.T, *machine){set(envKey, "id", envSecret, "secret", envRole, "acs:ram::1:role/r")},
			want: keyNamed("sts"), place: "acs:ram::1:role/r, assumed"},
		"RRSA":         {change: []func(*testing.T, *machine){rrsa}, want: keyNamed("sts"), place: "acs:ram::1:role/eci"},
		"a named role": {change: []func(*testing.T, *machine){set("ALIBABA_CLOUD_ECS_METADATA", "machine")}, want: keyNamed("machine"), place: "RAM role machine"},
		"a profile of the CLI": {change: []func(*testing.T, *machine){cli(`{"name":"p","mode":"AK","access_key_id":"cli","access_key_secret":"s"}`)},
			want: Credential{AccessKeyID: "cli", AccessKeySecret: "s"}, place: "profile p"},
		"a profile with a chain of roles": {change: []func(*testing.T, *machine){cli(`{"name":"a","mode":"AK","access_key_id":"cli","access_key_secret":"s"},{"name":"p","mode":"ChainableRamRoleArn","source_profile":"a","ram_role_arn":"acs:ram::1:role/c"}`)},
			want: keyNamed("sts"), place: "role acs:ram::1:role/c"},
		"a profile of the instance": {change: []func(*testing.T, *machine){cli(`{"name":"p","mode":"EcsRamRole"}`)}, want: keyNamed("machine"), place: "RAM role of this machine"},
		"the file of the SDKs": {change: []func(*testing.T, *machine){file("type = access_key\naccess_key_id = ini\naccess_key_secret = s\n")},
			want: Credential{AccessKeyID: "ini", AccessKeySecret: "s"}, place: "section default"},
		"nothing": {want: keyNamed("machine"), place: "nothing else is configured"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			for _, change := range c.change {
				change(t, m)
			}
			s := m.mustFind(t)
			got, err := s.Credential(t.Context())
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			if !strings.Contains(s.Place(), c.place) || len(s.Unused()) != c.unused {
				t.Errorf("place %q, unused %q", s.Place(), s.Unused())
			}
		})
	}
}

func TestFindSource_AsksAKeyServer(t *testing.T) {
	m := newMachine(t)
	keys := startServer(t, reply{status: 200, body: issued("uri", time.Now().Add(time.Hour))})
	m.env["ALIBABA_CLOUD_CREDENTIALS_URI"] = keys.URL + "/?password=uri-secret"
	s := m.mustFind(t)
	got, err := s.Credential(t.Context())
	if diff := cmp.Diff(keyNamed("uri"), got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if strings.Contains(s.Place(), "uri-secret") {
		t.Errorf("place %q", s.Place())
	}
}

// TestSource_NeverFallsBackToAnotherPlace is about a node that became the role of
// the machine because one call of STS failed at its start.
func TestSource_NeverFallsBackToAnotherPlace(t *testing.T) {
	m := newMachine(t)
	m.rrsa(t)
	m.sts.script = []reply{broken, m.sts.script[0]}
	s := m.mustFind(t)
	got, err := s.Credential(t.Context())
	if err == nil || !strings.Contains(err.Error(), "role/eci") || !strings.Contains(err.Error(), "HTTP 503 ServiceUnavailable") {
		t.Errorf("got %+v, %v", got, err)
	}
	if refused := new(eci.Error); errors.As(err, &refused) {
		t.Errorf("%v looks like a refusal of the call itself, which would fail pods", err)
	}
	if len(m.metadata.seen) != 0 {
		t.Errorf("the metadata server was asked: %q", m.metadata.seen)
	}
	_ = m.clock.Sleep(t.Context(), maxRenewBackoff)
	if got, err = s.Credential(t.Context()); err != nil || got.AccessKeyID != "sts" {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
}

func TestFindSource_RefusesVariablesThatAreSetByHalves(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		names []string
	}{
		"an id without secret":          {map[string]string{envKey: "id"}, []string{envSecret + " not set"}},
		"a secret without id":           {map[string]string{envSecret: "s"}, []string{envKey + " not set"}},
		"a token alone":                 {map[string]string{envToken: "t"}, []string{envKey + " and " + envSecret}},
		"the first provider's id alone": {map[string]string{"ECI_ACCESS_KEY": "id"}, []string{"ECI_SECRET_KEY not set"}},
		"a token file without a role":   {map[string]string{envTokenFile: "f", envProviderARN: "p"}, []string{envRole + " not set"}},
		"a provider alone":              {map[string]string{envProviderARN: "p"}, []string{envTokenFile + " and " + envRole}},
		"a role alone":                  {map[string]string{envRole: "r"}, []string{envTokenFile, envProviderARN, envKey}},
		"half of a place that comes later": {map[string]string{"ECI_ACCESS_KEY": "id", "ECI_SECRET_KEY": "s", envTokenFile: "f"},
			[]string{envProviderARN + " and " + envRole}},
		"no place at all":          {map[string]string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}, []string{"ECI_ACCESS_KEY"}},
		"a forbidden place":        {map[string]string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "ALIBABA_CLOUD_ECS_METADATA": "r"}, []string{"role r", "DISABLED"}},
		"a file that is not there": {map[string]string{"ALIBABA_CLOUD_CREDENTIALS_FILE": "/nowhere/credentials"}, []string{"/nowhere/credentials"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			for key, value := range c.env {
				m.env[key] = value
			}
			_, err := m.find()
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.names {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestFindSource_ShowsNothingOfABrokenFile(t *testing.T) {
	for path, text := range map[string]string{
		".aliyun/config.json":       `{"access_key_secret":"cli-secret", oops`,
		".alibabacloud/credentials": "[default]\ntype = access_key\naccess_key_secret = cli-secret\n",
	} {
		m := newMachine(t)
		mustWrite(t, filepath.Join(m.home, filepath.FromSlash(path)), text)
		if _, err := m.find(); err == nil || strings.Contains(err.Error(), "cli-secret") || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestMetadata_NeedsASessionUnlessAllowed(t *testing.T) {
	m := newMachine(t)
	m.metadata.sessions = false
	_, err := m.mustFind(t).Credential(t.Context())
	if err == nil || !strings.Contains(err.Error(), "eci.allowIMDSv1") || strings.Contains(err.Error(), "secret body") {
		t.Errorf("got %v", err)
	}
	if len(m.metadata.seen) != 1 {
		t.Errorf("it was asked %q", m.metadata.seen)
	}
	m.allowV1 = true
	if got, err := m.mustFind(t).Credential(t.Context()); err != nil || got.AccessKeyID != "machine" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMetadata_SaysThatAMachineHasNoRole(t *testing.T) {
	m := newMachine(t)
	m.metadata.role = ""
	if _, err := m.mustFind(t).Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "no RAM role") {
		t.Errorf("got %v", err)
	}
}

func TestMetadata_NeverGoesThroughAProxy(t *testing.T) {
	// net/http reads the variables of the proxy once and never uses one for
	// loopback, so that the setting itself is looked at.
	if transport := newDirectClient().Transport.(*http.Transport); transport.Proxy != nil {
		t.Error("metadata calls ask for a proxy")
	}
	f, err := newFinder(SourceConfig{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	if f.metadata.client != f.direct || f.metadata.url != metadataURL {
		t.Errorf("the metadata server is asked with another client, or at %s", f.metadata.url)
	}
}

func TestIdentity_AsksSTSAndNeverAnEmulator(t *testing.T) {
	m := newMachine(t)
	m.rrsa(t)
	who, err := m.mustFind(t).Identity(t.Context())
	if err != nil || who != (Identity{"1", "acs:ram::1:assumed-role/eci/eci-vnode"}) {
		t.Errorf("got %+v, %v", who, err)
	}
	emulator := startServer(t, ok)
	s, err := FindSource(SourceConfig{Endpoint: emulator.URL, Env: func(name string) (string, bool) { return "key", strings.HasPrefix(name, "ECI_") }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Identity(t.Context()); err == nil || len(emulator.calls()) != 0 {
		t.Errorf("%v after %d calls", err, len(emulator.calls()))
	}
}

func TestSTS_SendsTheTokenInTheBody(t *testing.T) {
	m := newMachine(t)
	m.rrsa(t)
	if _, err := m.mustFind(t).Credential(t.Context()); err != nil {
		t.Fatal(err)
	}
	form, url := m.sts.calls()[0], m.sts.urls[0]
	if form.Get("OIDCToken") != "oidc-token-of-the-pod" || form.Get("RoleArn") != "acs:ram::1:role/eci" || form.Get("RoleSessionName") != "eci-vnode" {
		t.Errorf("form %v", form)
	}
	if strings.Contains(url, "oidc-token") || !strings.Contains(url, "Action=AssumeRoleWithOIDC") {
		t.Errorf("URL %s", url)
	}
}
