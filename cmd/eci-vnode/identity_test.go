package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virtual-kubelet/virtual-kubelet/log"
)

// loggedIdentity is what the program writes at its start, with this STS.
func loggedIdentity(t *testing.T, answer string) string {
	t.Helper()
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(sts.Close)
	env := map[string]string{"ECI_ACCESS_KEY": "LTAI0123456789abcdef", "ECI_SECRET_KEY": "the-secret-of-the-key"}
	source, err := findCredentials(ECI{STSEndpoint: sts.URL}, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	logger, err := newLogger(Log{Level: "info", Format: "text"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	logIdentity(log.WithLogger(context.Background(), logger), source)
	if strings.Contains(out.String(), "the-secret") || strings.Contains(out.String(), "abcdef") {
		t.Errorf("a secret is shown: %s", out.String())
	}
	return out.String()
}

func TestLogIdentity_NamesTheCallerOrAtLeastThePlace(t *testing.T) {
	known := loggedIdentity(t, `{"AccountId":"1234","Arn":"acs:ram::1234:user/eci"}`)
	for _, want := range []string{"LTAI0123***", "ECI_ACCESS_KEY", "account=1234", "acs:ram::1234:user/eci"} {
		if !strings.Contains(known, want) {
			t.Errorf("%q is not in %s", want, known)
		}
	}
	if unknown := loggedIdentity(t, ""); !strings.Contains(unknown, "ECI_ACCESS_KEY") || !strings.Contains(unknown, "HTTP 503") {
		t.Errorf("got %s", unknown)
	}
}
