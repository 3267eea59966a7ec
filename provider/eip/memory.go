package eip

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// memory is what spares calls between the turns; all of it can be lost.
type memory struct {
	// attempt counts the EIPs of this pod that somebody else released, so that
	// the next purchase has a ClientToken of its own.
	attempt int
	// bought is the EIP that the last purchase answered with, unseen how often
	// a read has not shown it since.
	bought string
	unseen int
	// failures and waits in a row; no try before retryAt.
	failures, waits int
	retryAt         time.Time
	// state is what was told last.
	state State
	// settled: nothing is to be done but at the collections.
	settled bool
	eni     string
}

// Waits after failures: the first, doubled up to the longest. Quota and balance
// do not heal by asking: they wait the longest at once.
const (
	firstWait   = 5 * time.Second
	longestWait = 5 * time.Minute
	// patience is the number of turns in a row for which a pod waits without a pause.
	// What takes longer may never come, and each turn of such a pod costs a call, so
	// that the pauses grow from then on.
	patience = 20
)

// remember changes the memory of a pod under the lock.
func (r *Reconciler) remember(uid types.UID, change func(*memory)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.memories[uid]
	if m == nil {
		m = &memory{}
		r.memories[uid] = m
	}
	change(m)
}

// recall returns a copy.
func (r *Reconciler) recall(uid types.UID) memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.memories[uid]; m != nil {
		return *m
	}
	return memory{}
}

// forget drops what is known of pods that are gone.
func (r *Reconciler) forget(pods []Pod) {
	present := map[types.UID]bool{}
	for _, pod := range pods {
		present[pod.uid()] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for uid := range r.memories {
		if !present[uid] {
			delete(r.memories, uid)
			r.moving = true // its EIP is surplus now
		}
	}
}

// unsettled says whether a pod needs a turn now.
func (r *Reconciler) unsettled(pod Pod) bool {
	m := r.recall(pod.uid())
	switch {
	case pod.Ended || pod.Want == nil:
		return m.state.Reason != "" // an EIP may be left from before
	case !m.settled || m.eni != pod.ENI:
		return pod.ENI != "" && !r.deps.Clock.Now().Before(m.retryAt)
	}
	return false
}

// isSettled says whether the pod has what it wants, as far as can be told
// without another call. What is bound is looked at anew with every collection,
// but for the EIP of a group, which only ends with it.
func (r *Reconciler) isSettled(pod Pod, mine *vpc.EIPAddress, collect bool) bool {
	m := r.recall(pod.uid())
	switch {
	case !m.settled || m.eni != pod.ENI:
		return false
	case mine != nil:
		return mine.InstanceID == pod.ENI && mine.Status == vpc.StatusInUse
	}
	return pod.Want.ByGroup || !collect && m.state.AllocationID == pod.Want.Candidate
}

// dismiss forgets the wish of a pod that has none any more, but not how often it was
// tried in vain: a wish that comes and goes must not be tried each time.
func (r *Reconciler) dismiss(pod Pod) {
	if r.recall(pod.uid()).state.Reason == "" {
		return
	}
	r.remember(pod.uid(), func(m *memory) { *m = memory{failures: m.failures, waits: m.waits, retryAt: m.retryAt} })
	if !pod.Ended {
		r.deps.Pods.ReportEIP(pod.uid(), State{})
	}
}

// tell reports a state that is new, with an event.
func (r *Reconciler) tell(pod Pod, state State) {
	old := r.recall(pod.uid()).state
	if old == state {
		return
	}
	r.remember(pod.uid(), func(m *memory) { m.state = state })
	if old.Reason != state.Reason || old.Message != state.Message {
		switch state.Reason {
		case ReasonSucceeded:
			r.deps.Events.Eventf(pod.Object, corev1.EventTypeNormal, "EIPAssociated", "EIP %s (%s) is bound", state.AllocationID, state.Address)
		case ReasonWaiting:
		default:
			r.deps.Events.Event(pod.Object, corev1.EventTypeWarning, state.Reason, state.Message)
		}
	}
	r.deps.Pods.ReportEIP(pod.uid(), state)
}
