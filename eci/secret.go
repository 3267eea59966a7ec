package eci

// redacted is what every printed Secret looks like.
const redacted = "***"

// Secret is a text that must not reach a log, an event or an error: every way
// of printing it shows ***. Only Reveal, and the encoders of the wire, give the
// text itself. It marshals to JSON as ***, so that a request can be shown.
type Secret string

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String shows *** for any text but the empty one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString redacts %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText redacts JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
