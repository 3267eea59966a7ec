package provider

import (
	"cmp"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
)

// store is the only state of the provider that changes: pods by UID. It is a
// cache of the cloud and hands out copies.
type store struct {
	mu      sync.RWMutex
	entries map[types.UID]*entry
	byGroup map[string]types.UID
	byName  map[types.NamespacedName][]*entry

	recovered chan struct{}
	once      sync.Once
}

func newStore() *store {
	return &store{
		entries:   map[types.UID]*entry{},
		byGroup:   map[string]types.UID{},
		byName:    map[types.NamespacedName][]*entry{},
		recovered: make(chan struct{}),
	}
}

// ready marks that the store mirrors the cloud, so that work may begin.
func (s *store) ready() { s.once.Do(func() { close(s.recovered) }) }

// remember adds a pod, or renews what is known of its object.
func (s *store) remember(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[pod.UID]; e != nil {
		// A deletion is never taken back: an object without it is an older one.
		if e.pod.DeletionTimestamp == nil || pod.DeletionTimestamp != nil {
			e.pod = pod
		}
		return
	}
	e := &entry{pod: pod, stage: stageNew, inherited: hasNodeStatus(pod) && !hasEnded(pod)}
	s.entries[pod.UID] = e
	s.byName[nameOf(pod)] = append(s.byName[nameOf(pod)], e)
}

// renew takes over a newer object of a pod that asks the same, so that the older
// can be let go: the informer has the newer one in any case.
func (s *store) renew(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[pod.UID]
	if e != nil && pod.Generation != 0 && pod.Generation == e.pod.Generation && pod.DeletionTimestamp == nil && e.pod.DeletionTimestamp == nil {
		e.pod = pod
	}
}

func nameOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

// forget drops a pod.
func (s *store) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[uid]
	if e == nil {
		return
	}
	s.unlink(e.groupID, uid)
	delete(s.entries, uid)
	name := nameOf(e.pod)
	s.byName[name] = slices.DeleteFunc(s.byName[name], func(other *entry) bool { return other == e })
	if len(s.byName[name]) == 0 {
		delete(s.byName, name)
	}
}

// update changes an entry under the lock; change must not block.
func (s *store) update(uid types.UID, change func(*entry)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[uid]
	if e == nil {
		return
	}
	before := e.groupID
	change(e)
	if e.groupID != before {
		s.unlink(before, uid)
		if e.groupID != "" {
			s.byGroup[e.groupID] = uid
		}
	}
}

// unlink takes a group out of the index of groups, if it is there as that of uid.
func (s *store) unlink(id string, uid types.UID) {
	if s.byGroup[id] == uid {
		delete(s.byGroup, id)
	}
}

// changed is update that returns a copy of the entry as it is then.
func (s *store) changed(uid types.UID, change func(*entry)) (now entry) {
	s.update(uid, func(e *entry) { change(e); now = *e })
	return now
}

// updateRunning is update for a pod that still has the running group of was, and
// says whether it has: while a call was on its way, another may have learned
// more of the group.
func (s *store) updateRunning(was entry, change func(*entry)) (done bool) {
	s.update(was.pod.UID, func(e *entry) {
		if done = e.running() && e.groupID == was.groupID; done {
			change(e)
		}
	})
	return done
}

// claim reserves a pod that has no group for the caller, who is to release it.
func (s *store) claim(uid types.UID) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[uid]
	if e == nil || e.busy || e.stage != stageNew {
		return entry{}, false
	}
	e.busy = true
	return *e, true
}

func (s *store) release(uid types.UID) { s.update(uid, func(e *entry) { e.busy = false }) }

// get returns a copy of the entry of uid.
func (s *store) get(uid types.UID) (entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.entries[uid]; e != nil {
		return *e, true
	}
	return entry{}, false
}

// pod returns the pod with its latest status, or nil.
func (s *store) pod(uid types.UID) *corev1.Pod {
	if e, ok := s.get(uid); ok {
		return e.render()
	}
	return nil
}

// ofID returns a copy of the entry whose group id is.
func (s *store) ofID(id string) (entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.entries[s.byGroup[id]]; e != nil {
		return *e, true
	}
	return entry{}, false
}

// groups is how many groups are known.
func (s *store) groups() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byGroup)
}

// any says whether there is an entry that is. The entry is for reading only, and
// only while it is asked about.
func (s *store) any(is func(*entry) bool) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.entries {
		if is(e) {
			return true
		}
	}
	return false
}

// count is how many entries are. is only reads.
func (s *store) count(is func(*entry) bool) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.entries {
		if is(e) {
			n++
		}
	}
	return n
}

// ofGroup returns whose group id is, or "".
func (s *store) ofGroup(id string) types.UID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byGroup[id]
}

// named returns the entry of a pod by name. While a pod and its successor of
// the same name overlap, the one that is not being deleted wins.
func (s *store) named(namespace, name string) (entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found *entry
	for _, e := range s.byName[types.NamespacedName{Namespace: namespace, Name: name}] {
		if e.known() && (found == nil || e.newerThan(found)) {
			found = e
		}
	}
	if found == nil {
		return entry{}, false
	}
	return *found, true
}

// all returns a copy of every entry that keep wants, by UID: the same state
// leads to the same calls in the same order. keep only reads. Entries are large,
// so that they are asked about and sorted where they are, and then copied.
func (s *store) all(keep func(*entry) bool) []entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var kept []*entry
	for _, e := range s.entries {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, func(a, b *entry) int { return cmp.Compare(a.pod.UID, b.pod.UID) })
	out := make([]entry, len(kept))
	for i, e := range kept {
		out[i] = *e
	}
	return out
}

// newestLive is the id of the group that was made last of those that nobody ends,
// or "".
func (s *store) newestLive() (id string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	made := ""
	for _, e := range s.entries {
		if e.stage != stageLive || e.group == nil || e.group.status != eci.StatusRunning {
			continue
		}
		if at := e.group.createdAt; at > made || at == made && e.groupID > id {
			made, id = at, e.groupID
		}
	}
	return id
}
