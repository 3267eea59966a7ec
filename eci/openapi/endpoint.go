package openapi

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// resolveEndpoint returns the URL to send to, "scheme://host[:port]/"; host is
// that of the region, for when no endpoint is given. The
// SDK's own table knows six regions and answers the central host for all of
// them, so that the regional host is named here.
func resolveEndpoint(host, endpoint string) (string, error) {
	if endpoint == "" {
		return "https://" + host + "/", nil
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		// The text of err repeats the URL, which may hold a password.
		return "", errors.New("not a host or URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return "", errors.New("must be only a scheme, a host and a port")
	}
	if u.Hostname() == "" {
		return "", errors.New("has no host")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !isLoopback(u.Hostname()) {
			return "", fmt.Errorf("http:// is for loopback hosts only, as requests carry secrets; use https://%s", u.Host)
		}
	default:
		return "", fmt.Errorf("scheme %q is not http or https", u.Scheme)
	}
	return u.Scheme + "://" + u.Host + "/", nil
}

// eciHost is eci.<region>.aliyuncs.com. The finance region has a shorter host.
// Source: endpoint list of the OpenAPI metadata.
func eciHost(region string) string {
	if region == "cn-shanghai-finance-1" {
		region = "cn-shanghai-finance"
	}
	return regionalHost("eci", region)
}

func regionalHost(product, region string) string {
	return product + "." + region + ".aliyuncs.com"
}

// isLoopbackEndpoint says whether a host or URL is on this machine.
func isLoopbackEndpoint(endpoint string) bool {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	return err == nil && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
