package openapi

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/signers"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/utils"
)

// timestampLayout is the form of times in a signature: UTC, whole seconds.
const timestampLayout = "2006-01-02T15:04:05Z"

// sign returns the body of one attempt: params and the parameters of the RPC
// signature (HMAC-SHA1, version 1.0), with a nonce of its own. The string to
// sign is composed here and not by the SDK, which takes the time from the
// machine and puts everything into the URL; a test holds the two equal.
func sign(action, version string, params map[string]string, c Credential, now time.Time) string {
	signed := make(map[string]string, len(params)+10)
	for name, value := range params {
		signed[name] = value
	}
	signed["Action"] = action
	signed["Version"] = version
	signed["Format"] = "JSON"
	signed["Timestamp"] = now.UTC().Format(timestampLayout)
	signed["SignatureVersion"] = "1.0"
	signed["SignatureNonce"] = utils.GetNonce()
	signed["AccessKeyId"] = c.AccessKeyID
	if c.SecurityToken != "" {
		signed["SecurityToken"] = c.SecurityToken.Reveal()
	}
	signed["SignatureMethod"] = "HMAC-SHA1"
	signed["SignatureType"] = ""
	signed["Signature"] = signature(signed, c)
	return utils.GetUrlFormedMap(signed)
}

// signature of all parameters of a POST.
func signature(params map[string]string, c Credential) string {
	key := credentials.NewAccessKeyCredential(c.AccessKeyID, c.AccessKeySecret.Reveal())
	return signers.NewAccessKeySigner(key).Sign(stringToSign(http.MethodPost, params), "&")
}

// stringToSign joins the method, the path "/" and the sorted parameters, escaped
// as RFC 3986 has it and then once more.
func stringToSign(method string, params map[string]string) string {
	canonical := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(utils.GetUrlFormedMap(params))
	return method + "&%2F&" + url.QueryEscape(canonical)
}
