package openapi

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Backoff of the first retry; each further one doubles it up to maxBackoff. A
// throttled account wants more patience than a lost packet.
const (
	firstBackoff          = 250 * time.Millisecond
	firstThrottledBackoff = time.Second
	maxBackoff            = 8 * time.Second
)

// mayRepeat says whether the same request may be sent again at once: what never
// reached the cloud and what it refused to take may always; what may have been
// done only if doing it twice is doing it once, that is a read, or a write with
// its ClientToken, or nothing yet.
func mayRepeat(a Attempt, params parameters) bool {
	var badCertificate *tls.CertificateVerificationError
	switch {
	case errors.As(a.Err, &badCertificate), errors.Is(a.Err, errUnsent), errors.Is(a.Err, eci.ErrAnswerTooLong):
		return false
	case eci.IsThrottled(a.Err), !a.reached:
		return true
	case !isServerFault(a.Err):
		return false
	}
	return isRead(a.Action) || params.values["ClientToken"] != "" || announces(a.Action, params)
}

// announces says that nothing happens before the URI of the answer is opened:
// one that is lost with its answer runs out.
func announces(action string, params parameters) bool {
	return action == eci.ActionExecContainerCommand && params.values["Sync"] != "true"
}

// isServerFault says that nothing is known of what became of the request: no
// answer, an answer that is none, or a 5xx.
func isServerFault(err error) bool {
	if refused := refusedBy(err); refused != nil {
		return refused.HTTPStatus >= 500
	}
	var status *statusError
	if errors.As(err, &status) {
		return status.status >= 500
	}
	return true
}

func isRead(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "List")
}

// backoff is exponential; the upper half is random, so that many callers that
// failed together do not come back together.
func backoff(a Attempt) time.Duration {
	d := firstBackoff
	if eci.IsThrottled(a.Err) {
		d = firstThrottledBackoff
	}
	for n := 1; n < a.Number && d < maxBackoff; n++ {
		d *= 2
	}
	d = min(d, maxBackoff)
	return d/2 + rand.N(d/2)
}
