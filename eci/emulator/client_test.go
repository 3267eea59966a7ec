package emulator_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// mustServe runs an emulator over HTTP until the test ends.
func mustServe(t testing.TB, cfg emulator.Config, opts ...emulator.Option) (*emulator.Emulator, string) {
	t.Helper()
	em, err := emulator.New(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(em)
	server.Config.MaxHeaderBytes = emulator.MaxRequestBytes
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := em.Close(); err != nil {
			t.Error(err)
		}
	})
	return em, server.URL
}

// caller signs with version 1, written from the rules for these tests.
type caller struct {
	t        testing.TB
	endpoint string
	key      string
	secret   string
	token    string
	// change may spoil the signed parameters, or what goes over the wire.
	method       string
	beforeSign   func(url.Values)
	afterSign    func(url.Values)
	inBody       bool
	lastHTTPCode int
}

func newCaller(t testing.TB, endpoint string) *caller {
	return &caller{t: t, endpoint: endpoint, key: "emulator", secret: "emulator-secret", method: http.MethodPost}
}

func nonce() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// call sends parameters given as name, value, ... and decodes the answer; a
// refusal is an *eci.Error.
func (c *caller) call(action string, into any, pairs ...string) error {
	c.t.Helper()
	resp, err := c.send(c.params(action, pairs...))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	c.lastHTTPCode = resp.StatusCode
	if resp.StatusCode != http.StatusOK {
		refusal := struct{ RequestId, HostId, Code, Message, Recommend string }{}
		if err := json.Unmarshal(body, &refusal); err != nil {
			c.t.Fatalf("error body %q: %v", body, err)
		}
		if refusal.RequestId == "" || refusal.HostId == "" {
			c.t.Errorf("error body %s lacks ids", body)
		}
		return &eci.Error{Action: action, HTTPStatus: resp.StatusCode, Code: refusal.Code, Message: refusal.Message, RequestID: refusal.RequestId}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

func (c *caller) params(action string, pairs ...string) url.Values {
	v := url.Values{
		"Action": {action}, "Version": {eci.Version}, "Format": {"JSON"}, "RegionId": {"cn-hangzhou"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {nonce()},
		"AccessKeyId": {c.key}, "Timestamp": {time.Now().UTC().Format("2006-01-02T15:04:05Z")},
	}
	if c.token != "" {
		v.Set("SecurityToken", c.token)
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	if c.beforeSign != nil {
		c.beforeSign(v)
	}
	v.Set("Signature", c.signature(v))
	if c.afterSign != nil {
		c.afterSign(v)
	}
	return v
}

func (c *caller) signature(v url.Values) string {
	var parts []string
	for name := range v {
		parts = append(parts, escape(name)+"="+escape(v.Get(name)))
	}
	sort.Strings(parts)
	mac := hmac.New(sha1.New, []byte(c.secret+"&"))
	mac.Write([]byte(c.method + "&%2F&" + escape(strings.Join(parts, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func escape(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

func (c *caller) send(v url.Values) (*http.Response, error) {
	if c.inBody {
		req, err := http.NewRequest(c.method, c.endpoint, strings.NewReader(v.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return http.DefaultClient.Do(req)
	}
	req, err := http.NewRequest(c.method, c.endpoint+"/?"+v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

// group are the parameters of a small valid create, with changes put over them;
// an empty value takes a parameter away.
func group(changes ...string) []string {
	params := map[string]string{
		"ContainerGroupName": "web", "Container.1.Name": "app", "Container.1.Image": "nginx:1.27",
		"Cpu": "1", "Memory": "2",
	}
	for i := 0; i < len(changes); i += 2 {
		params[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(params, changes[i])
		}
	}
	var pairs []string
	for name, v := range params {
		pairs = append(pairs, name, v)
	}
	return pairs
}

func (c *caller) mustCreate(changes ...string) string {
	c.t.Helper()
	var resp eci.CreateContainerGroupResponse
	if err := c.call(eci.ActionCreateContainerGroup, &resp, group(changes...)...); err != nil {
		c.t.Fatal(err)
	}
	return resp.ContainerGroupID
}

func (c *caller) mustDescribe(pairs ...string) []eci.ContainerGroup {
	c.t.Helper()
	var resp eci.DescribeContainerGroupsResponse
	if err := c.call(eci.ActionDescribeContainerGroups, &resp, pairs...); err != nil {
		c.t.Fatal(err)
	}
	return resp.ContainerGroups
}

// only returns the one group there is.
func (c *caller) only() eci.ContainerGroup {
	c.t.Helper()
	groups := c.mustDescribe("WithEvent", "true")
	if len(groups) != 1 {
		c.t.Fatalf("there are %d groups, not one", len(groups))
	}
	return groups[0]
}
