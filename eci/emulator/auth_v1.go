package emulator

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// claimV1 reads the parameters of an HMAC-SHA1 signature, version 1.0.
func claimV1(m *message) (claim, *eci.Error) {
	params, err := m.params(false)
	if err != nil {
		return claim{}, err
	}
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"} {
		if params[name] == "" {
			return claim{}, missing(name)
		}
	}
	if params["SignatureMethod"] != "HMAC-SHA1" || params["SignatureVersion"] != "1.0" || params["SignatureType"] != "" {
		return claim{}, refuse(http.StatusBadRequest, "InvalidSignatureMethod", "Only SignatureMethod HMAC-SHA1 with SignatureVersion 1.0 and an empty SignatureType is served.")
	}
	return claim{
		accessKeyID: params["AccessKeyId"], token: params["SecurityToken"], nonce: params["SignatureNonce"],
		timestamp: params["Timestamp"], signature: params["Signature"],
		sign: func(secret string) (string, string) {
			text := m.method + "&%2F&" + percentEncode(canonicalParams(params))
			mac := hmac.New(sha1.New, []byte(secret+"&"))
			mac.Write([]byte(text))
			return base64.StdEncoding.EncodeToString(mac.Sum(nil)), text
		},
	}, nil
}

// canonicalParams is all parameters but the signature, sorted and encoded.
func canonicalParams(params map[string]string) string {
	var out strings.Builder
	for _, name := range sortedKeys(params) {
		if name == "Signature" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('&')
		}
		out.WriteString(percentEncode(name))
		out.WriteByte('=')
		out.WriteString(percentEncode(params[name]))
	}
	return out.String()
}

// percentEncode leaves only the unreserved characters of RFC 3986. QueryEscape
// differs from it in three characters.
func percentEncode(text string) string {
	text = url.QueryEscape(text)
	text = strings.ReplaceAll(text, "+", "%20")
	text = strings.ReplaceAll(text, "*", "%2A")
	return strings.ReplaceAll(text, "%7E", "~")
}
