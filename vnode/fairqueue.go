package vnode

import (
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
)

// fairQueue holds the pods that wait for a worker: those of a namespace in their
// order, and the namespaces in turn, so that one pod need not wait until the
// thousand of somebody else are made at the rate that the cloud allows. The
// work queue around it has the lock.
type fairQueue struct {
	namespaceOf func(types.UID) string
	waiting     map[string][]types.UID
	// turns are the namespaces in waiting, the next one first.
	turns  []string
	length int
}

var _ workqueue.Queue[types.UID] = (*fairQueue)(nil)

func newFairQueue(namespaceOf func(types.UID) string) *fairQueue {
	return &fairQueue{namespaceOf: namespaceOf, waiting: map[string][]types.UID{}}
}

// Touch leaves a pod where it is.
func (q *fairQueue) Touch(types.UID) {}

// Push adds a pod at the end of those of its namespace.
func (q *fairQueue) Push(uid types.UID) {
	namespace := q.namespaceOf(uid)
	if len(q.waiting[namespace]) == 0 {
		q.turns = append(q.turns, namespace)
	}
	q.waiting[namespace] = append(q.waiting[namespace], uid)
	q.length++
}

// Len is how many pods wait.
func (q *fairQueue) Len() int { return q.length }

// Pop takes the first pod of the namespace whose turn it is.
func (q *fairQueue) Pop() types.UID {
	namespace := q.turns[0]
	q.turns = q.turns[1:]
	pods := q.waiting[namespace]
	if len(pods) > 1 {
		q.waiting[namespace] = pods[1:]
		q.turns = append(q.turns, namespace)
	} else {
		delete(q.waiting, namespace)
	}
	q.length--
	return pods[0]
}
