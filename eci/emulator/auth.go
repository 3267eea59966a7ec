package emulator

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxSkew is how far the time of a request may be from the server's.
// Source: general rule of the Alibaba Cloud gateway.
const maxSkew = 15 * time.Minute

// verifier checks who asks. Both signature styles end in the same claim.
type verifier struct {
	now func() time.Time

	mu          sync.Mutex
	credentials map[string]Credential
	nonces      nonceBook
}

// claim is what a request says of itself, and how to check it.
type claim struct {
	accessKeyID string
	token       string
	nonce       string
	timestamp   string
	signature   string
	// sign computes the right signature and what it was computed from.
	sign func(secret string) (signature, stringToSign string)
}

func newVerifier(credentials []Credential, now func() time.Time) *verifier {
	v := &verifier{now: now, nonces: nonceBook{young: map[string]bool{}}}
	v.replace(credentials)
	return v
}

// replace sets the keys that exist.
func (v *verifier) replace(credentials []Credential) {
	byID := make(map[string]Credential, len(credentials))
	for _, c := range credentials {
		byID[c.AccessKeyID] = c
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.credentials = byID
}

// verify returns the credential that signed the message.
func (v *verifier) verify(m *message) (Credential, *eci.Error) {
	read := claimV1
	if strings.HasPrefix(m.header.Get("Authorization"), "ACS3-") {
		read = claimV3
	}
	c, err := read(m)
	if err != nil {
		return Credential{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	cred, known := v.credentials[c.accessKeyID]
	if !known {
		return Credential{}, refuse(http.StatusNotFound, eci.CodeInvalidAccessKey, "Specified access key is not found.")
	}
	return cred, v.check(c, cred)
}

// check goes from the cheap to the dear; a nonce counts only when all the rest
// is right.
func (v *verifier) check(c claim, cred Credential) *eci.Error {
	if err := v.checkTime(c.timestamp); err != nil {
		return err
	}
	if err := v.checkToken(c.token, cred); err != nil {
		return err
	}
	signature, stringToSign := c.sign(cred.AccessKeySecret.Reveal())
	if signature != c.signature {
		return refuse(http.StatusBadRequest, eci.CodeSignatureInvalid,
			"Specified signature is not matched with our calculation. server string to sign is:%s", stringToSign)
	}
	if !v.nonces.take(c.accessKeyID+"\x00"+c.nonce, v.now()) {
		return refuse(http.StatusBadRequest, eci.CodeNonceUsed, "Specified signature nonce was used already.")
	}
	return nil
}

func (v *verifier) checkTime(text string) *eci.Error {
	at, err := time.Parse("2006-01-02T15:04:05Z", text)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp is not of the form yyyy-MM-ddTHH:mm:ssZ.")
	}
	if v.now().Sub(at).Abs() > maxSkew {
		return refuse(http.StatusBadRequest, eci.CodeTimestampExpired, "Specified time stamp or date value is expired.")
	}
	return nil
}

func (v *verifier) checkToken(token string, cred Credential) *eci.Error {
	switch {
	case cred.SecurityToken == "" && token == "":
		return nil
	case token == "":
		return refuse(http.StatusBadRequest, "MissingSecurityToken", "The SecurityToken of this temporary access key is missing.")
	case cred.SecurityToken == "":
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.MismatchWithAccessKey", "The SecurityToken does not belong to the access key.")
	case token != cred.SecurityToken.Reveal():
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	case !cred.Expires.IsZero() && v.now().After(cred.Expires):
		return refuse(http.StatusBadRequest, eci.CodeInvalidSTSToken, "Specified SecurityToken is expired.")
	}
	return nil
}

// nonceBook remembers nonces for at least twice maxSkew, in two generations, so
// that forgetting costs nothing.
type nonceBook struct {
	young, old map[string]bool
	turned     time.Time
}

// take says false when the nonce was used before.
func (b *nonceBook) take(nonce string, now time.Time) bool {
	if now.Sub(b.turned) > 2*maxSkew {
		b.young, b.old, b.turned = map[string]bool{}, b.young, now
	}
	if b.young[nonce] || b.old[nonce] {
		return false
	}
	b.young[nonce] = true
	return true
}
