package vnode

import (
	"crypto/sha256"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// entry is what the controller remembers of one pod, from the first event about
// it until the provider has let it go. Objects in it are shared and never changed.
type entry struct {
	// pod is the newest object of the API server that was seen; gone says that
	// the API server has removed it since.
	pod  *corev1.Pod
	gone bool

	// known: the provider has the pod; told is the object it was told last.
	known bool
	told  *corev1.Pod
	// failure is why the last CreatePod did not succeed.
	failure *createFailure

	// asked is when DeletePod last returned nil, and for which grace period.
	asked      time.Time
	askedGrace int64
	// ended: the provider said that nothing of this pod runs any more; endedAs is
	// the object that it was given.
	ended   bool
	endedAs *corev1.Pod
	// removed: the API server was told to remove the object.
	removed bool

	// reported is the newest status and annotations from the provider.
	reported *report
	// sent is a hash of the last status patch and sentVersion the resource version
	// it led to.
	sent        [sha256.Size]byte
	sentVersion string

	// busy: a worker is calling the provider for this pod; again: something
	// happened to the pod meanwhile.
	busy, again bool
}

// report is the part of a provider's pod that goes to the API server.
type report struct {
	Status corev1.PodStatus
	// Annotations are those that the provider writes.
	Annotations map[string]string
}

// createFailure is a CreatePod that failed, as it is shown in the pod's status.
type createFailure struct {
	message string
	// lasting: trying again would not help.
	lasting bool
}

// observedGeneration returns the generation of the pod that the provider has refused, or
// has taken and said something of, or 0 if there is none.
func (r *entry) observedGeneration() int64 {
	switch {
	case r.failure != nil:
		return r.pod.Generation
	case r.reported != nil && r.known && r.told != nil:
		return r.told.Generation
	}
	return 0
}

func (r *entry) deleting() bool { return r.gone || r.pod.DeletionTimestamp != nil }

// comingUp says that the pod is Pending to the provider and at the API server, and
// that no create has failed.
func (r *entry) comingUp() bool {
	return !r.deleting() && r.failure == nil && r.reported != nil && r.reported.Status.Phase == corev1.PodPending &&
		(r.pod.Status.Phase == "" || r.pod.Status.Phase == corev1.PodPending)
}

// leaving says that the pod is deleted and has not ended to the provider.
func (r *entry) leaving() bool {
	return r.deleting() && !r.ended && r.reported != nil && !isTerminal(r.reported.Status.Phase)
}

// finished says that the object may leave the API server: it is deleted, the
// provider was asked to stop it, and has said that it did.
func (r *entry) finished() bool {
	if r.pod.DeletionTimestamp == nil {
		return false
	}
	return r.ended || (!r.asked.IsZero() && r.reported != nil && isTerminal(r.reported.Status.Phase))
}

// memory holds the entries by pod UID. It can always be rebuilt from the API
// server and the provider.
type memory struct {
	mu      sync.Mutex
	entries map[types.UID]*entry
}

func newMemory() *memory { return &memory{entries: map[types.UID]*entry{}} }

// read returns a copy of an entry.
func (m *memory) read(uid types.UID) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[uid]
	if !ok {
		return entry{}, false
	}
	return *r, true
}

// namespaceOf is the namespace of a pod, "" if it is not known.
func (m *memory) namespaceOf(uid types.UID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.entries[uid]; r != nil {
		return r.pod.Namespace
	}
	return ""
}

// change runs f on an entry and reports whether there was one.
func (m *memory) change(uid types.UID, f func(*entry)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[uid]
	if ok {
		f(r)
	}
	return ok
}

// observe takes a pod over as the informer has it, unless a newer one is known.
func (m *memory) observe(pod *corev1.Pod) { m.take(pod, 0) }

// learn takes a pod over as a call answered it, unless one as new is known: the
// informer's is in memory anyway.
func (m *memory) learn(pod *corev1.Pod) { m.take(pod, 1) }

// take takes over a pod that is newer than the one that is known, by at least so
// much: 0 is the same version. Versions that cannot be compared are newer.
func (m *memory) take(pod *corev1.Pod, least int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[pod.UID]
	if !ok {
		m.entries[pod.UID] = &entry{pod: pod}
		return
	}
	if order, err := resourceversion.CompareResourceVersion(pod.ResourceVersion, r.pod.ResourceVersion); err == nil && order < least {
		return
	}
	r.pod = pod
}

// bury remembers that the API server has removed a pod, which last looked like this.
func (m *memory) bury(pod *corev1.Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[pod.UID]
	if !ok {
		r = &entry{}
		m.entries[pod.UID] = r
	}
	r.pod, r.gone = pod, true
}

// begin claims a pod for a worker. A pod that another worker has is marked, so
// that it is looked at again when that one ends it.
func (m *memory) begin(uid types.UID) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[uid]
	if !ok {
		return entry{}, false
	}
	if r.busy {
		r.again = true
		return entry{}, false
	}
	r.busy = true
	return *r, true
}

// end gives a pod back and reports whether it must be looked at again.
func (m *memory) end(uid types.UID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.entries[uid]
	if !ok {
		return false
	}
	again := r.again
	r.busy, r.again = false, false
	return again
}

func (m *memory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, uid)
}
