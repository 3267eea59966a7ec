package openapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

func redirectTo(target string) http.Handler {
	return http.RedirectHandler(target, http.StatusTemporaryRedirect)
}

// secretRequest carries one secret of each kind.
func secretRequest() (*eci.CreateContainerGroupRequest, []string) {
	secrets := []string{"registry+pass/word", "ZmlsZSBjb250ZW50Cg==", "env value & more", `{"akSecret":"flex"}`}
	return &eci.CreateContainerGroupRequest{
		ClientToken:              "t",
		ImageRegistryCredentials: []eci.ImageRegistryCredential{{Server: "r", UserName: "u", Password: eci.Secret(secrets[0])}},
		Volumes: []eci.Volume{
			{Name: "v", ConfigFileVolume: &eci.ConfigFileVolume{Files: []eci.ConfigFile{{Path: "f", Content: eci.Secret(secrets[1])}}}},
			{Name: "w", FlexVolume: &eci.FlexVolume{Options: eci.Secret(secrets[3])}},
		},
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{EnvironmentVars: []eci.EnvironmentVar{{Key: "K", Value: secrets[2]}}}}},
	}, append(secrets, testKey, testSecret, testToken)
}

// echo answers with all that it was sent, in every escaping, as a cloud that
// explains a bad signature does.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		var said strings.Builder
		for name, values := range r.PostForm {
			once := url.QueryEscape(values[0])
			fmt.Fprintf(&said, "%s=%s %s %s; ", name, values[0], once, url.QueryEscape(once))
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"Code":"InvalidParameter","RequestId":"r","Message":%q}`, said.String())
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	req, secrets := secretRequest()
	gone := httptest.NewServer(nil)
	gone.Close()
	notTrusted := httptest.NewUnstartedServer(echo(400))
	notTrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of each bad handshake
	notTrusted.StartTLS()
	defer notTrusted.Close()
	hanging := startServer(t, reply{hang: true})
	for name, tc := range map[string]struct {
		endpoint string
		says     string
	}{
		"connection refused":  {gone.URL, "refused"},
		"certificate":         {notTrusted.URL, "certificate"},
		"timeout":             {hanging.URL, "no answer in time"},
		"lost answer":         {startServer(t, lost).URL, "EOF"},
		"TLS spoken to HTTP":  {strings.Replace(hanging.URL, "http:", "https:", 1), "HTTPS"},
		"the cloud's message": {startEcho(t, 400), "InvalidParameter"},
		"a bad answer":        {startServer(t, reply{status: 200, body: "{" + testSecret}).URL, "documented"},
		"a bad signature":     {startServer(t, reply{status: 400, body: `{"Code":"SignatureDoesNotMatch","Message":"Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId%3D` + testKey + `%26Container.1.Arg.1%3Dother"}`}).URL, "not matched"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, tc.endpoint, func(cfg *Config, _ *Deps) {
				cfg.MaxAttempts = 2
				if name == "timeout" {
					cfg.Timeout = 100 * time.Millisecond
				}
			})
			_, err := c.CreateContainerGroup(context.Background(), req)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want %q in it", err, tc.says)
			}
			mustHide(t, err, append(secrets, "http://", "https://", "Arg.1%3D"))
		})
	}
}

func startEcho(t *testing.T, status int) string {
	s := httptest.NewServer(echo(status))
	t.Cleanup(s.Close)
	return s.URL
}

// mustHide looks at every way to print err and all that it wraps.
func mustHide(t *testing.T, err error, secrets []string) {
	t.Helper()
	var shown []string
	for e := err; e != nil; e = errors.Unwrap(e) {
		shown = append(shown, e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e))
	}
	for _, secret := range secrets {
		for _, text := range shown {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("%q is shown in %s", secret, text)
			}
		}
	}
}

func TestACredentialPrintsNoSecret(t *testing.T) {
	c := Credential{AccessKeyID: "id", AccessKeySecret: testSecret, SecurityToken: testToken}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%+v", StaticCredentials("id", testSecret, testToken))} {
		if strings.Contains(text, testSecret) || strings.Contains(text, testToken) {
			t.Errorf("shown in %s", text)
		}
	}
}
