package openapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
