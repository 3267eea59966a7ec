package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/eci-vnode/eci-vnode/eci"
)

var (
	errUnsent    = errors.New("not sent")
	errBadAnswer = errors.New("answer not understood")
	// errTimeout is the timeout of one attempt: not the caller's deadline, so
	// that errors.Is(err, context.DeadlineExceeded) speaks of the latter only.
	errTimeout = errors.New("no answer in time")
)

// callError is a call without an answer from the cloud. Its text is scrubbed;
// its cause serves errors.Is and errors.As and never is a *url.Error.
type callError struct {
	action string
	text   string
	cause  error
}

func (e *callError) Error() string { return e.action + ": " + e.text }
func (e *callError) Unwrap() error { return e.cause }

// statusError is an HTTP answer that is not in the cloud's form: a proxy, a load
// balancer or a wrong endpoint speaks. Its body is not shown.
type statusError struct {
	action string
	status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: HTTP %d without an error of the cloud in the answer: is the endpoint the right one?", e.action, e.status)
}

// unsent tells of a call that did not leave this machine; the causes carry no
// secrets.
func unsent(action, doing string, err error) error {
	return &callError{action: action, text: doing + ": " + err.Error(), cause: fmt.Errorf("%w: %w", errUnsent, err)}
}

// noAnswer tells of a call that found no server or heard no whole answer.
func noAnswer(ctx context.Context, action string, err error, hide scrubber) error {
	for {
		var wrapped *url.Error
		if !errors.As(err, &wrapped) {
			break
		}
		err = wrapped.Err
	}
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		err = errTimeout
	}
	return &callError{action: action, text: "no answer: " + hide.scrub(err.Error()), cause: err}
}

// refusal reads an error body. Keys in lower case are taken too, as
// encoding/json ignores the letter case.
func refusal(action string, status int, body []byte, hide scrubber) error {
	var wire struct {
		Code      string `json:"Code"`
		Message   string `json:"Message"`
		RequestID string `json:"RequestId"`
	}
	if err := decode(body, &wire); err != nil || wire.Code == "" {
		return &statusError{action: action, status: status}
	}
	return &eci.Error{
		Action: action, HTTPStatus: status, Code: hide.scrub(wire.Code),
		Message: hide.scrub(wire.Message), RequestID: hide.scrub(wire.RequestID),
	}
}

// refusedBy is the refusal in err, or nil.
func refusedBy(err error) *eci.Error {
	var refused *eci.Error
	if errors.As(err, &refused) {
		return refused
	}
	return nil
}
