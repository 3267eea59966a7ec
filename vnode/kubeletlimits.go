package vnode

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// KubeletLimits bounds what the callers of the kubelet API can hold and cost.
type KubeletLimits struct {
	// MaxConnections is how many connections of authorized clients are open at the
	// same time. A tenth of them is kept for requests that are no streams.
	MaxConnections int `json:"maxConnections"`
	// MaxUnauthenticatedConnections is how many connections are open on which no
	// request has been authorized yet. Another one displaces the oldest of the
	// source that has the most.
	MaxUnauthenticatedConnections int `json:"maxUnauthenticatedConnections"`
	// MaxStreamsPerNamespace is how many streams the pods of one namespace have at
	// the same time: logs, exec, attach, port-forward, and each connection that is
	// forwarded.
	MaxStreamsPerNamespace int `json:"maxStreamsPerNamespace"`
	// RequestTimeout is how long a client may take over its TLS handshake, and then
	// over a request until that is authorized.
	RequestTimeout metav1.Duration `json:"requestTimeout"`
	// AnswerTimeout bounds the answer to a request that is no stream.
	AnswerTimeout metav1.Duration `json:"answerTimeout"`
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout metav1.Duration `json:"idleTimeout"`
	// TokenReviewsPerSecond is how many tokens that are not known yet the API server
	// is asked about; twice as many in a burst.
	TokenReviewsPerSecond int `json:"tokenReviewsPerSecond"`
}

// DefaultKubeletLimits are limits for a node of some thousand pods.
func DefaultKubeletLimits() KubeletLimits {
	duration := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	return KubeletLimits{
		MaxConnections:                2000, // a stream costs some 100 KiB
		MaxUnauthenticatedConnections: 256,
		MaxStreamsPerNamespace:        200,
		RequestTimeout:                duration(10 * time.Second),
		AnswerTimeout:                 duration(time.Minute),
		IdleTimeout:                   duration(2 * time.Minute),
		TokenReviewsPerSecond:         20,
	}
}

// Validate returns everything that is wrong with l, each with its field path.
func (l *KubeletLimits) Validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, number := range []struct {
		name         string
		value, least int
	}{
		{"maxConnections", l.MaxConnections, 2}, // one for streams and one for the rest
		{"maxUnauthenticatedConnections", l.MaxUnauthenticatedConnections, 1},
		{"maxStreamsPerNamespace", l.MaxStreamsPerNamespace, 1},
		{"tokenReviewsPerSecond", l.TokenReviewsPerSecond, 1},
	} {
		if number.value < number.least {
			errs = append(errs, field.Invalid(path.Child(number.name), number.value, fmt.Sprintf("must be at least %d", number.least)))
		}
	}
	errs = append(errs, positive(path.Child("requestTimeout"), l.RequestTimeout.Duration)...)
	errs = append(errs, positive(path.Child("answerTimeout"), l.AnswerTimeout.Duration)...)
	errs = append(errs, positive(path.Child("idleTimeout"), l.IdleTimeout.Duration)...)
	return errs
}

// maxStreams is how many streams all namespaces together have.
func (l *KubeletLimits) maxStreams() int { return l.MaxConnections - max(1, l.MaxConnections/10) }
