package openapi

import (
	"strings"
	"testing"
	"time"
)

func TestEachProductHasARegionalHostOverHTTPS(t *testing.T) {
	type want struct{ eci, vpc, ecs string }
	regional := func(host string) string { return "https://" + host + ".aliyuncs.com/" }
	for name, tc := range map[string]struct {
		config Config
		want   want
	}{
		"default": {Config{Region: "cn-hangzhou"}, want{regional("eci.cn-hangzhou"), regional("vpc.cn-hangzhou"), regional("ecs.cn-hangzhou")}},
		"finance": {Config{Region: "cn-shanghai-finance-1"},
			want{regional("eci.cn-shanghai-finance"), regional("vpc.cn-shanghai-finance-1"), regional("ecs.cn-shanghai-finance-1")}},
		"host": {Config{Region: "r", Endpoint: "eci-vpc.r.aliyuncs.com", VPCEndpoint: "vpc.aliyuncs.com"},
			want{regional("eci-vpc.r"), regional("vpc"), regional("ecs.r")}},
		"URL":              {Config{Region: "r", Endpoint: "https://h:8443/"}, want{"https://h:8443/", regional("vpc.r"), regional("ecs.r")}},
		"loopback address": {Config{Region: "r", Endpoint: "http://127.0.0.1:9"}, want{"http://127.0.0.1:9/", "http://127.0.0.1:9/", "http://127.0.0.1:9/"}},
		"loopback name":    {Config{Region: "r", Endpoint: "http://localhost:9/", ECSEndpoint: "https://h"}, want{"http://localhost:9/", "http://localhost:9/", "https://h/"}},
		"loopback v6":      {Config{Region: "r", Endpoint: "http://[::1]:9"}, want{"http://[::1]:9/", "http://[::1]:9/", "http://[::1]:9/"}},
	} {
		p, err := resolveProducts(tc.config)
		if got := (want{p.eci.url, p.vpc.url, p.ecs.url}); err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestAnEndpointThatWouldLeakIsRefused(t *testing.T) {
	for _, endpoint := range []string{
		"http://eci.aliyuncs.com", "http://10.0.0.1:80", "http://localhost.evil.example", "ftp://h", "https://", "https://u:pass@h", "https://h/path", "https://h?q=1", "https://h:%zz",
	} {
		_, err := resolveEndpoint("h", endpoint)
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
