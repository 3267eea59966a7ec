package openapi

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/signers"
)

// timestampLayout is the form of times in a signature: UTC, whole seconds.
const timestampLayout = "2006-01-02T15:04:05Z"

// sign returns the body of one attempt: params and the parameters of the RPC
// signature (HMAC-SHA1, version 1.0), with a nonce of its own. The string to
// sign is composed here and not by the SDK, which takes the time from the
// machine and puts everything into the URL; a test holds the two equal. So is the
// nonce: the SDK takes a stack trace to make one, which was a fifth of the time
// of a call.
func sign(action, version string, params map[string]string, c Credential, now time.Time) string {
	signed := make(map[string]string, len(params)+10)
	maps.Copy(signed, params)
	signed["Action"] = action
	signed["Version"] = version
	signed["Format"] = "JSON"
	signed["Timestamp"] = now.UTC().Format(timestampLayout)
	signed["SignatureVersion"] = "1.0"
	signed["SignatureNonce"] = rand.Text()
	signed["AccessKeyId"] = c.AccessKeyID
	if c.SecurityToken != "" {
		signed["SecurityToken"] = c.SecurityToken.Reveal()
	}
	signed["SignatureMethod"] = "HMAC-SHA1"
	signed["SignatureType"] = ""
	body := canonical(signed)
	return string(appendEscaped([]byte(body+"&Signature="), signature(body, c)))
}

// signature of the canonical parameters of a POST.
func signature(canonical string, c Credential) string {
	key := credentials.NewAccessKeyCredential(c.AccessKeyID, c.AccessKeySecret.Reveal())
	text := appendEscaped(append(make([]byte, 0, 2*len(canonical)), http.MethodPost+"&%2F&"...), canonical)
	return signers.NewAccessKeySigner(key).Sign(string(text), "&")
}

// canonical joins the sorted parameters, escaped as RFC 3986 has it; that is a
// form as well.
func canonical(params map[string]string) string {
	var text []byte
	for i, name := range slices.Sorted(maps.Keys(params)) {
		if i > 0 {
			text = append(text, '&')
		}
		text = appendEscaped(text, name)
		text = append(text, '=')
		text = appendEscaped(text, params[name])
	}
	return string(text)
}

// appendEscaped leaves only the unreserved characters. url.QueryEscape has "+"
// for a space, which the signature has not.
func appendEscaped(to []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			to = append(to, c)
		default:
			to = append(to, '%', hex[c>>4], hex[c&15])
		}
	}
	return to
}
