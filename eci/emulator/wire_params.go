package emulator

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// MaxRequestBytes is the longest request line or body that is served: clients
// put base64 config files into the URL, which passes net/http's default of
// 1 MiB. Servers around the Emulator should use it as MaxHeaderBytes.
const MaxRequestBytes = 16 << 20

// message is a request as it came, read once: what the signatures cover.
type message struct {
	method string
	path   string
	host   string
	header http.Header
	query  url.Values
	form   url.Values
	body   []byte
}

// readMessage reads the body and splits query and form.
func readMessage(w http.ResponseWriter, r *http.Request) (*message, *eci.Error) {
	m := &message{method: r.Method, path: r.URL.EscapedPath(), host: r.Host, header: r.Header}
	var err error
	if m.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, invalid("query", "it cannot be parsed")
	}
	if m.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, refuse(http.StatusRequestEntityTooLarge, eci.CodeInvalidParameter, "The request body is longer than %d bytes.", MaxRequestBytes)
		}
		return nil, invalid("body", "it cannot be read")
	}
	return m, m.parseForm()
}

// parseForm takes the body as a form. Clients that send all in the query add an
// empty body of any type.
func (m *message) parseForm() *eci.Error {
	if len(m.body) == 0 {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(m.header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return refuse(http.StatusUnsupportedMediaType, "UnsupportedContentType", "The content type %q is not supported: send a form.", kind)
	}
	var err error
	if m.form, err = url.ParseQuery(string(m.body)); err != nil {
		return invalid("body", "it is not a form")
	}
	return nil
}

// params merges query and form; the form wins. Strict refuses a name that is
// there twice.
func (m *message) params(strict bool) (map[string]string, *eci.Error) {
	all := make(map[string]string, len(m.query)+len(m.form))
	for _, values := range []url.Values{m.query, m.form} {
		for name, v := range values {
			if _, twice := all[name]; strict && (twice || len(v) > 1) {
				return nil, invalid(name, "it is given twice")
			}
			all[name] = v[0]
		}
	}
	return all, nil
}

// action is in a parameter with signature version 1 and in a header with 3.
func (m *message) action() string { return m.common("Action", "x-acs-action") }

func (m *message) version() string { return m.common("Version", "x-acs-version") }

func (m *message) common(param, header string) string {
	if v := m.query.Get(param); v != "" {
		return v
	}
	if v := m.form.Get(param); v != "" {
		return v
	}
	return m.header.Get(header)
}

// isCommon says that a parameter belongs to the protocol and to no action.
// RegionId is both: every request type has it.
func isCommon(name string) bool {
	switch name {
	case "Action", "Version", "Format", "Timestamp", "AccessKeyId", "SecurityToken",
		"OwnerId", "OwnerAccount", "ResourceOwnerId", "ResourceOwnerAccount":
		return true
	}
	return strings.HasPrefix(name, "Signature") && !strings.Contains(name, ".")
}
