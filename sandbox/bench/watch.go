package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// seen is when the watch showed what of one pod; zero is not yet.
type seen struct{ running, ended, gone time.Time }

// tracker watches the pods of one node and remembers when it saw what.
type tracker struct {
	mu   sync.Mutex
	pods map[string]*seen
	// comes and goes are the pods that were last seen to run and to be gone.
	comes, goes *corev1.Pod
	running     int
	ended       int
	gone        int
	changed     chan struct{} // closed and made anew at each change
	stop        func()
}

// track watches until stop is called.
func track(ctx context.Context, client kubernetes.Interface, node string) (*tracker, error) {
	// By label: the API server gives a watch by node room for ten events, and ends
	// it when they are not read at once.
	only := func(o *metav1.ListOptions) { o.LabelSelector = nodeLabel + "=" + node }
	api := client.CoreV1().Pods(namespace)
	options := metav1.ListOptions{}
	only(&options)
	list, err := api.List(ctx, options)
	if err != nil {
		return nil, err
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			only(&o)
			return api.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			only(&o)
			return api.Watch(ctx, o)
		},
	})
	if err != nil {
		return nil, err
	}
	t := &tracker{pods: map[string]*seen{}, changed: make(chan struct{})}
	for i := range list.Items {
		t.note(watch.Added, &list.Items[i])
	}
	var done sync.WaitGroup
	done.Go(func() {
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				t.note(event.Type, pod)
			}
		}
	})
	t.stop = func() { watcher.Stop(); done.Wait() }
	return t, nil
}

func (t *tracker) note(kind watch.EventType, pod *corev1.Pod) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.pods[pod.Name]
	if s == nil {
		s = &seen{}
		t.pods[pod.Name] = s
	}
	switch {
	case kind == watch.Deleted && s.gone.IsZero():
		s.gone, t.goes = now, pod
		t.gone++
	case pod.Status.Phase == corev1.PodRunning && s.running.IsZero():
		s.running, t.comes = now, pod
		t.running++
	case pod.Status.Phase == corev1.PodSucceeded && s.ended.IsZero():
		s.ended = now
		t.ended++
	default:
		return
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// await waits until count, which runs under the lock, gives want.
func (t *tracker) await(ctx context.Context, what string, want int, count func() int) error {
	for {
		t.mu.Lock()
		have, changed := count(), t.changed
		t.mu.Unlock()
		if have >= want {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d pods %s: %w", have, want, what, ctx.Err())
		}
	}
}

func (t *tracker) awaitRunning(ctx context.Context, n int) error {
	return t.await(ctx, "running", n, func() int { return t.running })
}

func (t *tracker) awaitGone(ctx context.Context, n int) error {
	return t.await(ctx, "gone", n, func() int { return t.gone })
}

func (t *tracker) awaitEnded(ctx context.Context, n int) error {
	return t.await(ctx, "ended", n, func() int { return t.ended })
}

// writes are the last status patches that the pods had when they came and when
// they went.
func (t *tracker) writes() (comes, goes []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if comes, err = statusWrite(created(), t.comes); err == nil {
		goes, err = statusWrite(t.comes, t.goes)
	}
	return comes, goes, err
}

// endedAt is when a pod was seen ended.
func (t *tracker) endedAt(name string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pods[name].ended
}
