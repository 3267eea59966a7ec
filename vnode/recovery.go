package vnode

import (
	"context"
	"fmt"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
)

// recoverRetryMax bounds the pause between attempts to recover. It is shorter than that
// of one pod: all pods of the node wait.
const recoverRetryMax = 10 * time.Second

// recover lets the provider find out what runs, until that succeeds; false if ctx
// ends before. Reports of the provider are taken from the start of it.
func (v *VirtualNode) recover(ctx context.Context) bool {
	v.deps.Provider.NotifyPods(ctx, v.pods.notify)
	return retry(ctx, v.deps.Clock, v.cfg.RetryMin, max(v.cfg.RetryMin, recoverRetryMax), "recovery of the provider", func() error {
		return v.recoverOnce(ctx)
	})
}

func (v *VirtualNode) recoverOnce(ctx context.Context) error {
	return v.calls.call(ctx, opRecover, func() error {
		if r, ok := v.deps.Provider.(Recoverer); ok {
			return r.Recover(ctx, listPods(v.deps.Pods.GetIndexer()))
		}
		return v.stopStrays(ctx)
	})
}

// stopStrays deletes the pods of a provider without recovery of its own that were
// removed from the API server while nobody looked. The cache may be behind, so the
// API server itself is asked about each.
func (v *VirtualNode) stopStrays(ctx context.Context) error {
	pods, err := v.deps.Provider.GetPods(ctx)
	if err != nil {
		return fmt.Errorf("list pods of the provider: %w", err)
	}
	for _, pod := range pods {
		if pod == nil || podByUID(v.deps.Pods.GetIndexer(), pod.UID) != nil {
			continue
		}
		got, err := v.deps.Client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("confirm that pod %s/%s is gone: %w", pod.Namespace, pod.Name, err)
		}
		if err == nil && got.UID == pod.UID {
			continue
		}
		log.G(ctx).WithFields(log.Fields{"namespace": pod.Namespace, "pod": pod.Name, "uid": string(pod.UID)}).
			Info("provider runs a pod that the API server no longer has")
		v.pods.podDisappeared(pod)
	}
	return nil
}

// retry calls f until it succeeds, and after a panic as after an error, with a pause that doubles from first to longest; false if
// ctx ends before.
func retry(ctx context.Context, c clock.Clock, first, longest time.Duration, what string, f func() error) bool {
	for pause := first; ; pause = min(2*pause, longest) {
		err := catchPanic(ctx, f)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		log.G(ctx).WithError(err).WithField("pause", pause.String()).Errorf("%s failed, will be retried", what)
		timer := c.NewTimer(pause)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}
