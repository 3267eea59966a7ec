package vnode

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Stepper is the pod controller of a virtual node without goroutines and without
// a watch, where VirtualNode.Run has both: its owner delivers every event, holds
// the queues and has it take one item at a time. Simulations that must replay
// exactly are run with it; there is no Node object and no kubelet API.
type Stepper struct {
	node    *VirtualNode
	slimmer *slimmer
	// Creates, Deletes and Updates (of status) are the queues that were given.
	Creates, Deletes, Updates Queue
}

// NewStepper makes a stepper whose queues are made by queue. Deps.Pods is never
// started: its indexer is the cache, which the owner fills before each event.
// Deps.Recorder is needed.
func NewStepper(cfg Config, deps Deps, queue func(name string) Queue) (*Stepper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of the virtual node: %w", err)
	}
	deps, err := deps.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("dependencies of the virtual node: %w", err)
	}
	m, err := newMetrics(deps.Registry)
	if err != nil {
		return nil, err
	}
	s := &Stepper{Creates: queue(queueCreate), Deletes: queue(queueDelete), Updates: queue(queueStatus)}
	s.node = &VirtualNode{cfg: cfg, deps: deps, calls: &caller{metrics: m, clock: deps.Clock}}
	given := map[string]Queue{queueCreate: s.Creates, queueDelete: s.Deletes, queueStatus: s.Updates}
	s.node.pods = newPodController(cfg, deps, m, deps.Recorder, func(name string, _ *memory) Queue { return given[name] })
	s.slimmer = newSlimmer(deps.Pods.GetIndexer(), s.node.pods.pods)
	return s, nil
}

// Transform is what the informer of VirtualNode.Run does to each pod before it goes
// into the cache: the owner does it too, to a pod of its own.
func (s *Stepper) Transform(pod *corev1.Pod) (*corev1.Pod, error) {
	slim, err := s.slimmer.transform(pod)
	if err != nil {
		return nil, err
	}
	return slim.(*corev1.Pod), nil
}

// Handler takes the events of the pod informer.
func (s *Stepper) Handler() cache.ResourceEventHandler { return s.node.pods.handlers() }

// Recover lets the provider find out what runs, once. No item may be worked on
// before it has succeeded.
func (s *Stepper) Recover(ctx context.Context) error {
	s.node.deps.Provider.NotifyPods(ctx, s.node.pods.notify)
	return s.node.recoverOnce(ctx)
}

// Work takes one item from q, one of the stepper's queues, and works on it.
func (s *Stepper) Work(ctx context.Context, q Queue) {
	uid, shutdown := q.Get()
	if shutdown {
		return
	}
	defer q.Done(uid)
	if q == s.Updates {
		s.node.pods.attempt(ctx, q, queueStatus, uid, s.node.pods.syncStatus)
		return
	}
	s.node.pods.attempt(ctx, q, queueCreate, uid, s.node.pods.reconcile)
}
