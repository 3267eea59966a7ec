package emulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// wantCode fails unless err is a refusal with this status and code.
func wantCode(t *testing.T, name string, err error, status int, code string) *eci.Error {
	t.Helper()
	var refusal *eci.Error
	if !errors.As(err, &refusal) {
		t.Errorf("%s: got %v, want the refusal %d %s", name, err, status, code)
		return &eci.Error{}
	}
	if refusal.HTTPStatus != status || refusal.Code != code {
		t.Errorf("%s: got %d %s (%s), want %d %s", name, refusal.HTTPStatus, refusal.Code, refusal.Message, status, code)
	}
	return refusal
}

func TestAVersion1SignatureIsVerifiedWhereverTheParametersAre(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	for name, change := range map[string]func(*caller){
		"POST with a query":  func(*caller) {},
		"POST with a form":   func(c *caller) { c.inBody = true },
		"GET with the query": func(c *caller) { c.method = http.MethodGet },
	} {
		c := newCaller(t, endpoint)
		change(c)
		if err := c.call(eci.ActionCreateContainerGroup, nil, group("Tag.1.Key", "k", "Tag.1.Value", " *~+/é&=%")...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongVersion1CallIsRefusedWithTheGatewaysCode(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	replace := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	old := time.Now().Add(-16 * time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	early := time.Now().Add(16 * time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	for name, tc := range map[string]struct {
		before, after func(url.Values)
		key, secret   string
		status        int
		code          string
	}{
		"an unknown key":            {key: "nobody", status: 404, code: eci.CodeInvalidAccessKey},
		"a wrong secret":            {secret: "wrong", status: 400, code: eci.CodeSignatureInvalid},
		"a changed parameter":       {after: replace("ContainerGroupName", "other"), status: 400, code: eci.CodeSignatureInvalid},
		"an added parameter":        {after: replace("ZoneId", "cn-hangzhou-h"), status: 400, code: eci.CodeSignatureInvalid},
		"an old time":               {before: replace("Timestamp", old), status: 400, code: eci.CodeTimestampExpired},
		"a time ahead":              {before: replace("Timestamp", early), status: 400, code: eci.CodeTimestampExpired},
		"a time of another form":    {before: replace("Timestamp", "now"), status: 400, code: "InvalidTimeStamp.Format"},
		"no nonce":                  {before: func(v url.Values) { v.Del("SignatureNonce") }, status: 400, code: eci.CodeMissingParameter},
		"no key":                    {before: func(v url.Values) { v.Del("AccessKeyId") }, status: 400, code: eci.CodeMissingParameter},
		"no signature":              {after: func(v url.Values) { v.Del("Signature") }, status: 400, code: eci.CodeMissingParameter},
		"another method":            {before: replace("SignatureMethod", "HMAC-MD5"), status: 400, code: "InvalidSignatureMethod"},
		"another version":           {before: replace("Version", "2017-01-01"), status: 400, code: "InvalidVersion"},
		"an unknown action":         {before: replace("Action", "MakeCoffee"), status: 404, code: eci.CodeInvalidAction},
		"no region":                 {before: func(v url.Values) { v.Del("RegionId") }, status: 400, code: eci.CodeMissingParameter},
		"another region":            {before: replace("RegionId", "cn-nowhere"), status: 404, code: "InvalidRegionId.NotFound"},
		"a format that is not JSON": {before: replace("Format", "XML"), status: 400, code: eci.CodeInvalidParameter},
	} {
		c := newCaller(t, endpoint)
		c.beforeSign, c.afterSign = tc.before, tc.after
		if tc.key != "" {
			c.key = tc.key
		}
		if tc.secret != "" {
			c.secret = tc.secret
		}
		wantCode(t, name, c.call(eci.ActionCreateContainerGroup, nil, group()...), tc.status, tc.code)
	}
}

func TestANonceIsTakenOnce(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	fixed := nonce()
	c.beforeSign = func(v url.Values) { v.Set("SignatureNonce", fixed) }
	if err := c.call(eci.ActionDescribeRegions, nil); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "the second time", c.call(eci.ActionDescribeRegions, nil), 400, eci.CodeNonceUsed)
}

func TestANonceOfARefusedCallIsNotSpent(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	c := newCaller(t, endpoint)
	fixed := nonce()
	c.beforeSign = func(v url.Values) { v.Set("SignatureNonce", fixed) }
	c.secret = "wrong"
	wantCode(t, "a wrong secret", c.call(eci.ActionDescribeRegions, nil), 400, eci.CodeSignatureInvalid)
	c.secret = "emulator-secret"
	if err := c.call(eci.ActionDescribeRegions, nil); err != nil {
		t.Error(err)
	}
}

func TestAnSTSKeyNeedsItsTokenWhileItLives(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Credentials = []emulator.Credential{
		{AccessKeyID: "sts", AccessKeySecret: "s", SecurityToken: "token"},
		{AccessKeyID: "old", AccessKeySecret: "s", SecurityToken: "token", Expires: time.Now().Add(-time.Minute)},
		{AccessKeyID: "plain", AccessKeySecret: "s"},
	}
	em, endpoint := mustServe(t, cfg)
	call := func(key, token string) error {
		c := newCaller(t, endpoint)
		c.key, c.secret, c.token = key, "s", token
		return c.call(eci.ActionDescribeRegions, nil)
	}
	if err := call("sts", "token"); err != nil {
		t.Errorf("with its token: %v", err)
	}
	wantCode(t, "without a token", call("sts", ""), 400, "MissingSecurityToken")
	wantCode(t, "with a wrong token", call("sts", "other"), 400, "InvalidSecurityToken.Malformed")
	wantCode(t, "after its end", call("old", "token"), 400, eci.CodeInvalidSTSToken)
	wantCode(t, "a token with a plain key", call("plain", "token"), 400, "InvalidSecurityToken.MismatchWithAccessKey")
	em.SetCredentials(cfg.Credentials[:1])
	wantCode(t, "a key that was taken away", call("plain", ""), 404, eci.CodeInvalidAccessKey)
}

func TestACallerWithoutPermissionGetsAnEmptyListAndNoOtherAction(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Credentials = append(cfg.Credentials, emulator.Credential{
		AccessKeyID: "weak", AccessKeySecret: "s", Denied: []string{eci.ActionDescribeContainerGroups, eci.ActionCreateContainerGroup},
	})
	_, endpoint := mustServe(t, cfg)
	newCaller(t, endpoint).mustCreate()
	weak := newCaller(t, endpoint)
	weak.key, weak.secret = "weak", "s"
	if found := weak.mustDescribe(); len(found) != 0 {
		t.Errorf("it sees %d groups", len(found))
	}
	wantCode(t, "create", weak.call(eci.ActionCreateContainerGroup, nil, group()...), 403, eci.CodeForbiddenRAM)
}

// signV3 signs a request by the published rules of ACS3-HMAC-SHA256.
func signV3(req *http.Request, action, body, secret string, signed []string) {
	sum := sha256.Sum256([]byte(body))
	req.Header.Set("x-acs-action", action)
	req.Header.Set("x-acs-version", eci.Version)
	req.Header.Set("x-acs-date", time.Now().UTC().Format("2006-01-02T15:04:05Z"))
	req.Header.Set("x-acs-signature-nonce", nonce())
	req.Header.Set("x-acs-content-sha256", hex.EncodeToString(sum[:]))
	canonical := req.Method + "\n/\n" + strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20") + "\n"
	for _, name := range signed {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + strings.Join(signed, ";") + "\n" + hex.EncodeToString(sum[:])
	hashed := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(hashed[:])))
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=emulator,SignedHeaders="+strings.Join(signed, ";")+",Signature="+hex.EncodeToString(mac.Sum(nil)))
}

func TestAnACS3SignatureCoversQueryBodyAndHeaders(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	all := []string{"content-type", "host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	for name, tc := range map[string]struct {
		signed []string
		secret string
		body   string
		after  func(*http.Request)
		status int
		want   string
	}{
		"a right one":        {status: 200, want: `"TotalCount":0`},
		"with a form":        {body: "Limit=5", status: 200, want: `"TotalCount":0`},
		"a wrong secret":     {secret: "wrong", status: 400, want: eci.CodeSignatureInvalid},
		"a changed query":    {after: func(r *http.Request) { r.URL.RawQuery += "&Limit=3" }, status: 400, want: eci.CodeSignatureInvalid},
		"a changed header":   {after: func(r *http.Request) { r.Header.Set("x-acs-action", "ListUsage") }, status: 400, want: eci.CodeSignatureInvalid},
		"an unsigned header": {signed: all[:6], status: 400, want: "IncompleteSignature"},
		"an added header":    {after: func(r *http.Request) { r.Header.Set("x-acs-security-token", "t") }, status: 400, want: "IncompleteSignature"},
		"no nonce":           {after: func(r *http.Request) { r.Header.Del("x-acs-signature-nonce") }, status: 400, want: eci.CodeMissingParameter},
		"a changed body": {after: func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("Limit=6")), 7
		}, status: 400, want: eci.CodeSignatureInvalid},
	} {
		req, err := http.NewRequest(http.MethodPost, endpoint+"/?RegionId=cn-hangzhou&VSwitchId=vsw-a%20b", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		secret, signed := "emulator-secret", all
		if tc.secret != "" {
			secret = tc.secret
		}
		if tc.signed != nil {
			signed = tc.signed
		}
		signV3(req, eci.ActionDescribeContainerGroupStatus, tc.body, secret, signed)
		if tc.after != nil {
			tc.after(req)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s: got %d %s, want %d %s", name, resp.StatusCode, body, tc.status, tc.want)
		}
	}
}

func TestAReadThatIsPOSTOnlyRefusesGET(t *testing.T) {
	_, endpoint := mustServe(t, emulator.DefaultConfig())
	for _, action := range []string{eci.ActionDescribeContainerGroupStatus, eci.ActionDescribeContainerGroupEvents} {
		c := newCaller(t, endpoint)
		c.method = http.MethodGet
		wantCode(t, action, c.call(action, nil), 405, "UnsupportedHTTPMethod")
	}
}
