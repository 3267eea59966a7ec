package sdkv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	sdk "github.com/alibabacloud-go/eci-20180808/v3/client"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Signature is how the SDK signs.
type Signature string

const (
	// ACS3 is the SDK's default: ACS3-HMAC-SHA256 in headers.
	ACS3 Signature = ""
	// RPC is HMAC-SHA1 in the query, which the SDK calls v2.
	RPC Signature = "v2"
)

// timeoutMillis bounds connect and read of a call.
const timeoutMillis = 10_000

// Config says where to and as whom.
type Config struct {
	Region string
	// Host is a host with its port; Protocol HTTP or HTTPS.
	Host     string
	Protocol string
	// CA is a certificate to trust, in PEM.
	CA              string
	AccessKeyID     string
	AccessKeySecret eci.Secret
	SecurityToken   eci.Secret
	Signature       Signature
}

// Client is the SDK with the methods of conformance.Client. The SDK takes no
// context: one that has ended is seen only before a call.
type Client struct{ cfg Config }

// New returns a client.
func New(cfg Config) (*Client, error) {
	c := &Client{cfg}
	_, err := c.open()
	return c, err
}

// open makes a client of the SDK, for one call: a shared one is a data race, as
// is its configuration. Connections are pooled behind it.
func (c *Client) open() (*sdk.Client, error) {
	settings := &openapi.Config{
		RegionId: tea.String(c.cfg.Region), Endpoint: tea.String(c.cfg.Host), Protocol: tea.String(c.cfg.Protocol),
		AccessKeyId: tea.String(c.cfg.AccessKeyID), AccessKeySecret: tea.String(c.cfg.AccessKeySecret.Reveal()),
	}
	if c.cfg.SecurityToken != "" {
		settings.SecurityToken = tea.String(c.cfg.SecurityToken.Reveal())
	}
	if c.cfg.CA != "" {
		settings.Ca = tea.String(c.cfg.CA)
	}
	if c.cfg.Signature != ACS3 {
		settings.SignatureAlgorithm = tea.String(string(c.cfg.Signature))
	}
	client, err := sdk.NewClient(settings)
	if err != nil {
		return nil, fmt.Errorf("V2 SDK: %w", err)
	}
	return client, nil
}

// forward copies a request into the SDK's type, calls, and copies the answer
// back.
func forward[Response, In, Out any](ctx context.Context, c *Client, action string, req any, send func(*sdk.Client, *In, *util.RuntimeOptions) (*Out, error)) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := new(In)
	if err := copyWire(action, reflect.ValueOf(in).Elem(), reflect.ValueOf(req).Elem(), strict); err != nil {
		return nil, err
	}
	// The SDK does not send the region of its client by itself.
	if region := reflect.ValueOf(in).Elem().FieldByName("RegionId"); region.IsNil() {
		region.Set(reflect.ValueOf(tea.String(c.cfg.Region)))
	}
	client, err := c.open()
	if err != nil {
		return nil, err
	}
	out, err := send(client, in, &util.RuntimeOptions{ConnectTimeout: tea.Int(timeoutMillis), ReadTimeout: tea.Int(timeoutMillis)})
	if err != nil {
		return nil, typed(action, err)
	}
	resp := new(Response)
	body := reflect.ValueOf(out).Elem().FieldByName("Body")
	return resp, copyWire(action, reflect.ValueOf(resp).Elem(), body.Elem(), lenient)
}

// typed turns a refusal into a *eci.Error. The SDK keeps the whole error body as
// JSON in Data, and puts the request id into its message too.
func typed(action string, err error) error {
	var refused *tea.SDKError
	if !errors.As(err, &refused) || refused.StatusCode == nil {
		return err
	}
	var body struct {
		RequestID string `json:"RequestId"`
		Message   string `json:"Message"`
	}
	if err := json.Unmarshal([]byte(tea.StringValue(refused.Data)), &body); err != nil {
		return fmt.Errorf("%s: error data of the SDK: %w", action, err)
	}
	return &eci.Error{
		Action: action, HTTPStatus: tea.IntValue(refused.StatusCode), Code: tea.StringValue(refused.Code),
		Message: body.Message, RequestID: body.RequestID,
	}
}
