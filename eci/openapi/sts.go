package openapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	stsVersion = "2015-04-01"
	// sessionSeconds is how long the credentials of a role live.
	sessionSeconds = 3600
	// maxCredentialAnswer bounds what a credential server may answer, in bytes.
	maxCredentialAnswer = 1 << 20
)

// Identity is who the cloud says that a caller is.
type Identity struct {
	AccountID string
	ARN       string
}

// sts is the Security Token Service.
type sts struct {
	url    string
	client *http.Client
	clock  Clock
}

// role is one that is assumed.
type role struct {
	ARN, SessionName, Policy, ExternalID string
	// ProviderARN and TokenFile prove the identity by OIDC (RRSA); the file is
	// read at each renewal.
	ProviderARN, TokenFile string
}

// assume gets credentials of a role with the key of by.
func (s *sts) assume(r role, by Credentials) fetchFunc {
	return func(ctx context.Context) (Credential, time.Time, error) {
		signer, err := by.Credential(ctx)
		if err != nil {
			return Credential{}, time.Time{}, err
		}
		return s.session(ctx, "AssumeRole", r.parameters(map[string]string{"ExternalId": r.ExternalID}), &signer)
	}
}

// assumeByToken gets credentials of a role with the token in a file, as a pod
// with RRSA does.
func (s *sts) assumeByToken(r role) fetchFunc {
	return func(ctx context.Context) (Credential, time.Time, error) {
		token, err := os.ReadFile(r.TokenFile)
		if err != nil {
			return Credential{}, time.Time{}, fmt.Errorf("read the OIDC token: %w", err)
		}
		more := map[string]string{"OIDCProviderArn": r.ProviderARN, "OIDCToken": string(token)}
		return s.session(ctx, "AssumeRoleWithOIDC", r.parameters(more), nil)
	}
}

func (r role) parameters(more map[string]string) map[string]string {
	params := map[string]string{
		"RoleArn": r.ARN, "RoleSessionName": r.SessionName, "Policy": r.Policy, "DurationSeconds": strconv.Itoa(sessionSeconds),
	}
	maps.Copy(params, more)
	maps.DeleteFunc(params, func(_, value string) bool { return value == "" })
	return params
}

func (s *sts) session(ctx context.Context, action string, params map[string]string, signer *Credential) (Credential, time.Time, error) {
	var answer struct{ Credentials issuedKey }
	if err := s.call(ctx, action, params, signer, &answer); err != nil {
		return Credential{}, time.Time{}, err
	}
	return answer.Credentials.credential()
}

// identity asks who signs. The call needs no permission.
func (s *sts) identity(ctx context.Context, signer Credential) (Identity, error) {
	var answer struct{ AccountId, Arn string }
	err := s.call(ctx, "GetCallerIdentity", nil, &signer, &answer)
	return Identity{AccountID: answer.AccountId, ARN: answer.Arn}, err
}

// call sends one request, signed unless signer is nil, and reads its answer. No
// error shows a parameter or an answer.
func (s *sts) call(ctx context.Context, action string, params map[string]string, signer *Credential, answer any) error {
	target, body := s.url, ""
	if signer != nil {
		body = sign(action, stsVersion, params, *signer, s.clock.Now())
	} else {
		target += "?" + canonical(map[string]string{
			"Action": action, "Version": stsVersion, "Format": "JSON", "Timestamp": s.clock.Now().UTC().Format(timestampLayout),
		})
		body = canonical(params)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("STS %s: the endpoint is no URL", action)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := askJSON(s.client, req, answer); err != nil {
		return fmt.Errorf("STS %s: %w", action, err)
	}
	return nil
}

// issuedKey is a temporary key as STS, the metadata server and credential
// servers write it.
type issuedKey struct {
	AccessKeyId, AccessKeySecret, SecurityToken, Expiration string
}

func (k issuedKey) credential() (Credential, time.Time, error) {
	expires, err := time.Parse(timestampLayout, k.Expiration)
	switch {
	case k.AccessKeyId == "" || k.AccessKeySecret == "" || k.SecurityToken == "":
		return Credential{}, time.Time{}, errors.New("the answer holds no key")
	case err != nil:
		return Credential{}, time.Time{}, errors.New("the answer does not say when the key expires")
	}
	return Credential{AccessKeyID: k.AccessKeyId, AccessKeySecret: eci.Secret(k.AccessKeySecret), SecurityToken: eci.Secret(k.SecurityToken)}, expires, nil
}

// askJSON sends req and reads a JSON answer. Its errors hold neither the URL nor
// anything of the answer but the code of a refusal.
func askJSON(client *http.Client, req *http.Request, answer any) error {
	body, err := ask(client, req)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, answer) != nil {
		return errors.New("the answer is not JSON")
	}
	return nil
}

func ask(client *http.Client, req *http.Request) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxCredentialAnswer))
	if err != nil {
		return nil, withoutURL(err)
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct{ Code, RequestId string }
		_ = json.Unmarshal(body, &refused) // a refusal without a code is one too
		return nil, &refusedError{status: resp.StatusCode, code: refused.Code, requestID: refused.RequestId}
	}
	return body, nil
}

// refusedError is the refusal of a credential server. It is not a *eci.Error: it
// says nothing about the call that the credentials were for.
type refusedError struct {
	status          int
	code, requestID string
}

func (e *refusedError) Error() string {
	text := fmt.Sprintf("refused with HTTP %d", e.status)
	if e.code != "" {
		text += " " + e.code
	}
	if e.requestID != "" {
		text += " (request " + e.requestID + ")"
	}
	return text
}

// withoutURL takes off the URL that net/http puts around an error.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
