package openapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// maxAnswer bounds an answer, in bytes: 1 MB of log is six times as long where all
	// of it has to be escaped. A page of groups, or of states with the messages of many
	// containers, can be longer; eci.ErrAnswerTooLong says to ask for fewer.
	maxAnswer = 12 << 20
	// maxRefusal bounds the body of an error, in bytes.
	maxRefusal = 1 << 20
)

// Attempt is what one sending of a call came to.
type Attempt struct {
	Action string
	// Number counts from 1 inside one call.
	Number int
	// Result is one of the Result constants.
	Result string
	// RequestID is empty when no answer came.
	RequestID string
	// Duration is from the first byte sent to the last received; BudgetWait was
	// spent before.
	Duration   time.Duration
	BudgetWait time.Duration
	// Err is nil after success. It holds no URL, parameter or key.
	Err error

	// reached says that the cloud may have taken the request.
	reached bool
}

// call is the one way to the cloud. It sends req until an answer is final, and
// fills resp. The error is a *eci.Error when the cloud refused; any other means
// that no answer came, or that ctx ended (then errors.Is finds ctx.Err()).
func (c *Client) call(ctx context.Context, action string, req, resp any) error {
	params, err := c.request(req)
	if err != nil {
		return err
	}
	unanswered := false
	for number := 1; ; number++ {
		attempt := c.attempt(ctx, action, params, resp)
		attempt.Number = number
		if refused := refusedBy(attempt.Err); refused != nil {
			refused.Unanswered = unanswered
		}
		unanswered = unanswered || attempt.reached && isServerFault(attempt.Err)
		c.observe(attempt)
		if attempt.Err == nil || number == c.cfg.MaxAttempts || !mayRepeat(attempt, params) {
			return attempt.Err
		}
		if ctx.Err() != nil || c.deps.Clock.Sleep(ctx, backoff(attempt)) != nil {
			return attempt.Err
		}
	}
}

// attempt waits for the budget, signs anew and sends once.
func (c *Client) attempt(ctx context.Context, action string, params parameters, resp any) Attempt {
	a := Attempt{Action: action}
	limit := c.budgets[action]
	if a.BudgetWait, a.Err = limit.wait(ctx, c.deps.Clock); a.Err != nil {
		a.Err = unsent(action, "waiting for the budget", a.Err)
		return a
	}
	credential, err := c.deps.Credentials.Credential(ctx)
	if err != nil {
		a.Err = unsent(action, "asking for credentials", err)
		return a
	}
	start := c.deps.Clock.Now()
	to := c.products.of(action)
	body := sign(action, to.version, params.values, credential, start)
	answer := c.answers.Get().(*bytes.Buffer)
	defer c.release(answer)
	status, err := c.send(ctx, to.url, body, answer, &a)
	a.Duration = c.deps.Clock.Now().Sub(start)

	hide := newScrubber(credential, params.secrets)
	switch {
	case err != nil:
		a.Err = noAnswer(ctx, action, err, hide)
	case status/100 != 2:
		a.Err = refusal(action, status, answer.Bytes(), hide)
	default:
		if err := c.decode(answer.Bytes(), resp); err != nil {
			a.Err = &callError{action: action, text: "the answer is not as documented: " + hide.scrub(err.Error()), cause: errBadAnswer}
		}
	}
	a.RequestID = requestID(a.Err, resp)
	limit.learn(a.Err, c.deps.Clock.Now())
	return a
}

// send posts body to url once, within the timeout of one attempt, and adds what
// comes back to answer.
func (c *Client) send(ctx context.Context, url, body string, answer *bytes.Buffer, a *Attempt) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// A request can have left only over a connection that was made, TLS
	// included; the hook may run on a goroutine of the transport.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	defer func() { a.reached = connected.Load() }()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	most := maxAnswer
	if resp.StatusCode/100 != 2 {
		most = maxRefusal
	}
	_, err = answer.ReadFrom(io.LimitReader(resp.Body, int64(most)+1))
	if err == nil && answer.Len() > most {
		err = fmt.Errorf("%w: more than %d bytes with HTTP status %d", eci.ErrAnswerTooLong, most, resp.StatusCode)
	}
	return resp.StatusCode, err
}

// maxKeptAnswer is the largest buffer that is used again, in bytes: a page of 200
// states has some 200 KB.
const maxKeptAnswer = 1 << 20

// release keeps a buffer for the next answer; what was decoded from it is a copy.
func (c *Client) release(answer *bytes.Buffer) {
	if answer.Cap() > maxKeptAnswer {
		return
	}
	answer.Reset()
	c.answers.Put(answer)
}

func (c *Client) observe(a Attempt) {
	a.Result = resultOf(a.Err)
	c.measured.observe(a)
	if c.deps.Observe != nil {
		c.deps.Observe(a)
	}
}

// requestID is that of the refusal or of the answer; every response embeds
// eci.ResponseMeta.
func requestID(err error, resp any) string {
	if err != nil {
		if refused := refusedBy(err); refused != nil {
			return refused.RequestID
		}
		return ""
	}
	return reflect.ValueOf(resp).Elem().FieldByName("RequestID").String()
}
