package sandbox

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// awaitPoll is how often a thing that is waited for is looked at.
const awaitPoll = 100 * time.Millisecond

// await returns when the condition waits for nothing any more, and tells every
// new thing that it waits for. A child that dies meanwhile ends the waiting.
func (s *session) await(ctx context.Context, what string, child *process.Child, waiting func(context.Context) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	var died <-chan error
	if child != nil {
		died = child.Died()
	}
	told := ""
	for tick := time.NewTicker(awaitPoll); ; {
		reason, err := waiting(ctx)
		if err != nil || reason == "" {
			return err
		}
		if reason != told {
			s.report.sayf("Waiting for %s: %s", what, reason)
			told = reason
		}
		select {
		case <-tick.C:
		case err := <-died:
			return fmt.Errorf("ended while waiting for %s: %w", what, err)
		case <-s.plane.Failed():
			return s.plane.Err()
		case <-ctx.Done():
			return fmt.Errorf("%s not ready after %s: %s", what, s.config.Timeout, reason)
		}
	}
}

// missingAccounts waits for the ServiceAccounts without which the API server
// admits no pod and no manifest of kube-system.
func (s *session) missingAccounts(ctx context.Context) (string, error) {
	for _, namespace := range []string{metav1.NamespaceSystem, metav1.NamespaceDefault} {
		_, err := s.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return "the controller manager makes them", nil
		}
		if err != nil {
			return "", fmt.Errorf("look at the ServiceAccounts: %w", err)
		}
	}
	return "", nil
}
