package openapi

import (
	"net/url"
	"regexp"
	"strings"
)

const (
	hidden = "***"
	// minHidden is the shortest secret that is looked for, in bytes: a shorter
	// one would garble every text and still be easy to guess from the holes.
	minHidden = 4
	// maxMessage bounds what an error shows of the cloud's text, in bytes: it
	// goes into events, which the API server cuts at 1024.
	maxMessage = 1024
)

// urlPattern finds URLs inside texts of the network libraries.
var urlPattern = regexp.MustCompile(`(?i)\bhttps?://[^\s"']+`)

// scrubber takes out of a text what must not be shown.
type scrubber struct{ secrets *strings.Replacer }

func newScrubber(c Credential, secrets []string) scrubber {
	secrets = append([]string{c.AccessKeyID, c.AccessKeySecret.Reveal(), c.SecurityToken.Reveal()}, secrets...)
	var pairs []string
	for _, secret := range secrets {
		if len(secret) < minHidden {
			continue
		}
		once := url.QueryEscape(secret)
		pairs = append(pairs, url.QueryEscape(once), hidden, once, hidden, secret, hidden)
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

// scrub also cuts a text where the cloud repeats the string that it expected to
// be signed (SignatureDoesNotMatch): that is every parameter of the request.
func (s scrubber) scrub(text string) string {
	if at := strings.Index(strings.ToLower(text), "string to sign"); at >= 0 {
		text = text[:at] + "string to sign " + hidden
	}
	text = urlPattern.ReplaceAllString(s.secrets.Replace(text), hidden)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	return text
}
