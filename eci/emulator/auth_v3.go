package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

const algorithmV3 = "ACS3-HMAC-SHA256"

// claimV3 reads the headers of an ACS3-HMAC-SHA256 signature.
func claimV3(m *message) (claim, *eci.Error) {
	algorithm, rest, _ := strings.Cut(m.header.Get("Authorization"), " ")
	if algorithm != algorithmV3 {
		return claim{}, refuse(http.StatusBadRequest, "InvalidSignatureMethod", "Only %s is served.", algorithmV3)
	}
	parts := authorizationParts(rest)
	signed := strings.Split(parts["SignedHeaders"], ";")
	if err := checkSignedHeaders(m, parts, signed); err != nil {
		return claim{}, err
	}
	if sum := sha256.Sum256(m.body); m.header.Get("x-acs-content-sha256") != hex.EncodeToString(sum[:]) {
		return claim{}, refuse(http.StatusBadRequest, eci.CodeSignatureInvalid, "x-acs-content-sha256 is not the hash of the body.")
	}
	return claim{
		accessKeyID: parts["Credential"], token: m.header.Get("x-acs-security-token"),
		nonce: m.header.Get("x-acs-signature-nonce"), timestamp: m.header.Get("x-acs-date"), signature: parts["Signature"],
		sign: func(secret string) (string, string) {
			sum := sha256.Sum256([]byte(canonicalRequest(m, signed)))
			text := algorithmV3 + "\n" + hex.EncodeToString(sum[:])
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(text))
			return hex.EncodeToString(mac.Sum(nil)), text
		},
	}, nil
}

// authorizationParts reads Credential=..,SignedHeaders=..,Signature=..
func authorizationParts(text string) map[string]string {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	return parts
}

// checkSignedHeaders wants every header that decides to be there and signed.
func checkSignedHeaders(m *message, parts map[string]string, signed []string) *eci.Error {
	if parts["Credential"] == "" || parts["Signature"] == "" {
		return refuse(http.StatusBadRequest, "IncompleteSignature", "The Authorization header needs Credential, SignedHeaders and Signature.")
	}
	needed := []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
	for name := range m.header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") && !slices.Contains(needed, name) {
			needed = append(needed, name)
		}
	}
	for _, name := range needed {
		if name != "host" && m.header.Get(name) == "" {
			return missing(name)
		}
		if !slices.Contains(signed, name) {
			return refuse(http.StatusBadRequest, "IncompleteSignature", "The header %s is not signed.", name)
		}
	}
	return nil
}

// canonicalRequest is what an ACS3 signature covers.
func canonicalRequest(m *message, signed []string) string {
	query := make(map[string]string, len(m.query))
	for name, values := range m.query {
		query[name] = values[0]
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(m.header.Values(name), ",")
		if name == "host" {
			value = m.host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	path := m.path
	if path == "" {
		path = "/"
	}
	return strings.Join([]string{
		m.method, path, canonicalParams(query), headers.String(),
		strings.Join(signed, ";"), m.header.Get("x-acs-content-sha256"),
	}, "\n")
}
