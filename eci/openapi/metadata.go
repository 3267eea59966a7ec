package openapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// metadataURL is where an ECS instance asks about itself.
const metadataURL = "http://100.100.100.200"

const (
	metadataTokenHeader = "X-aliyun-ecs-metadata-token"
	metadataTTLHeader   = "X-aliyun-ecs-metadata-token-ttl-seconds"
	// metadataTTL outlives the requests of one renewal, in seconds.
	metadataTTL = "60"
	// metadataTimeout bounds one request: the server is on the same machine.
	metadataTimeout = 3 * time.Second
)

// metadata is the metadata server of the ECS instance that this runs on.
type metadata struct {
	url    string
	client *http.Client
	// allowV1 goes on without a token where the server gives none.
	allowV1 bool
}

// newDirectClient never uses a proxy, which would see the keys of this machine
// and answer with those of its own, and never follows a redirect.
func newDirectClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:             nil,
			DialContext:       (&net.Dialer{Timeout: metadataTimeout}).DialContext,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// role gets the credentials of the RAM role of the instance; without a name the
// server is asked for it.
func (m *metadata) role(given string) fetchFunc {
	return func(ctx context.Context) (Credential, time.Time, error) {
		name := given
		token, err := m.token(ctx)
		if err != nil {
			return Credential{}, time.Time{}, err
		}
		const path = "/latest/meta-data/ram/security-credentials/"
		if name == "" {
			if name, err = m.roleName(ctx, path, token); err != nil {
				return Credential{}, time.Time{}, err
			}
		}
		var answer struct {
			issuedKey
			Code string
		}
		err = m.get(ctx, path+url.PathEscape(name), token, func(req *http.Request) error { return askJSON(m.client, req, &answer) })
		if err == nil && answer.Code != "Success" {
			err = errors.New("the answer is not a success")
		}
		if err != nil {
			return Credential{}, time.Time{}, fmt.Errorf("ask the metadata server for the key of role %s: %w", name, err)
		}
		return answer.credential()
	}
}

// token opens a session (IMDSv2). A forged request that a program on this machine
// is tricked into cannot make one.
func (m *metadata) token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, m.url+"/latest/api/token", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(metadataTTLHeader, metadataTTL)
	body, err := ask(m.client, req)
	token := strings.TrimSpace(string(body))
	if err == nil && token == "" {
		err = errors.New("the answer is empty")
	}
	if err != nil && !m.allowV1 {
		return "", fmt.Errorf("the metadata server gave no session token (IMDSv2; eci.allowIMDSv1 goes on without one): %w", err)
	}
	return token, nil
}

func (m *metadata) roleName(ctx context.Context, path, token string) (string, error) {
	var body []byte
	err := m.get(ctx, path, token, func(req *http.Request) (err error) { body, err = ask(m.client, req); return err })
	var refused *refusedError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		return "", errors.New("this machine has no RAM role: attach one, or set an access key")
	}
	if err != nil {
		return "", fmt.Errorf("ask the metadata server for the name of the RAM role: %w", err)
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if name = strings.TrimSpace(name); name == "" {
		return "", errors.New("this machine has no RAM role: attach one, or set an access key")
	}
	return name, nil
}

func (m *metadata) get(ctx context.Context, path, token string, send func(*http.Request) error) error {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set(metadataTokenHeader, token)
	}
	return send(req)
}

// keyServer gets credentials from a server of the operator's.
func keyServer(client *http.Client, address string) fetchFunc {
	return func(ctx context.Context) (Credential, time.Time, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return Credential{}, time.Time{}, errors.New("the credentials URI is no URL")
		}
		var answer issuedKey
		if err := askJSON(client, req, &answer); err != nil {
			return Credential{}, time.Time{}, fmt.Errorf("ask the credentials URI: %w", err)
		}
		return answer.credential()
	}
}
