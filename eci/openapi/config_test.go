package openapi

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndpointIsARegionalHostOverHTTPS(t *testing.T) {
	for name, tc := range map[string]struct{ region, endpoint, want string }{
		"default":          {"cn-hangzhou", "", "https://eci.cn-hangzhou.aliyuncs.com/"},
		"finance":          {"cn-shanghai-finance-1", "", "https://eci.cn-shanghai-finance.aliyuncs.com/"},
		"host":             {"r", "eci-vpc.r.aliyuncs.com", "https://eci-vpc.r.aliyuncs.com/"},
		"URL":              {"r", "https://h:8443/", "https://h:8443/"},
		"loopback address": {"r", "http://127.0.0.1:9", "http://127.0.0.1:9/"},
		"loopback name":    {"r", "http://localhost:9/", "http://localhost:9/"},
		"loopback v6":      {"r", "http://[::1]:9", "http://[::1]:9/"},
	} {
		if got, err := resolveEndpoint(tc.region, tc.endpoint); err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestAnEndpointThatWouldLeakIsRefused(t *testing.T) {
	for _, endpoint := range []string{
		"http://eci.aliyuncs.com", "http://10.0.0.1:80", "http://localhost.evil.example", "ftp://h", "https://", "https://u:pass@h", "https://h/path", "https://h?q=1", "https://h:%zz",
	} {
		_, err := resolveEndpoint("r", endpoint)
		if err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := New(Config{Endpoint: "http://10.0.0.1", Timeout: -time.Second, Rates: map[string]Rate{"A": {}}}, Deps{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, path := range []string{"region:", "endpoint:", "timeout:", "maxAttempts:", "rates[A]:", "credentials:"} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not told in %v", path, err)
		}
	}
	if err := DefaultConfig("r").Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
}
