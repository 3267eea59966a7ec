package emulator

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// tokenLife is how long a ClientToken is remembered (inferred: the documents do
// not state it).
const tokenLife = 24 * time.Hour

// replay is a call that was served under a ClientToken.
type replay struct {
	digest [sha256.Size]byte
	answer any
}

// once runs do, or gives the answer of the first call with this ClientToken.
// Refused calls are not remembered. The caller holds e.mu.
func once[Resp any](e *Emulator, c *call, token string, do func() (*Resp, *eci.Error)) (*Resp, *eci.Error) {
	if token == "" {
		return do()
	}
	key := c.action + "\x00" + token
	digest := digestOf(c.params)
	if known := e.tokens[key]; known != nil {
		if known.digest != digest {
			return nil, refuse(http.StatusBadRequest, eci.CodeIdempotentMismatch,
				"The client token was used before with other parameters.")
		}
		answer := *known.answer.(*Resp)
		return &answer, nil
	}
	answer, err := do()
	if err != nil {
		return nil, err
	}
	e.tokens[key] = &replay{digest, answer}
	e.queue.after(tokenLife, func() { delete(e.tokens, key) })
	kept := *answer
	return &kept, nil
}

// digestOf covers what the call asks for: not when and by whom.
func digestOf(params map[string]string) [sha256.Size]byte {
	hash := sha256.New()
	for _, name := range sortedKeys(params) {
		if !isCommon(name) {
			fmt.Fprintf(hash, "%d %s %d %s ", len(name), name, len(params[name]), params[name])
		}
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
