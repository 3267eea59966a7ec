package provider

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// stage is where a pod stands on its way through the cloud.
type stage string

const (
	// stageNew has no group yet, as far as we know.
	stageNew stage = "new"
	// stageLive has a group that may run and be billed.
	stageLive stage = "live"
	// stageDeleting has a live group whose delete the cloud has accepted.
	stageDeleting stage = "deleting"
	// stageEnded has a group that ended, or had one that is gone.
	stageEnded stage = "ended"
)

// entry is all that is known of one pod. What it points to is never changed in
// place, only replaced, so that a copy of an entry is a snapshot.
type entry struct {
	pod   *corev1.Pod // as Kubernetes last gave it, without our status
	stage stage

	// busy says that a create is being sent, so that nobody else sends one or
	// gives the pod up meanwhile.
	busy bool
	// attempt counts the groups that this pod has used up.
	attempt int
	// pending was sent but not answered: the group may exist. It is sent again
	// as it is, so that its ClientToken meets the same parameters.
	pending *eci.CreateContainerGroupRequest
	// takenAt is when the ClientToken was first refused as used up by a group that
	// no list shows; zero is never.
	takenAt time.Time
	// behaviour is what the annotations ask of us, nil until the pod has been
	// translated; places is how many places they give to try.
	behaviour *request.Behaviour
	places    int
	// rounded says to what size the pod was raised, or nothing.
	rounded string
	// tries counts the creates in a row that were refused for want of room.
	tries int
	// noSpot says that spot had no stock and the pod may do without.
	noSpot bool
	// gaveUp says that no more groups are to be tried for the pod.
	gaveUp bool
	// retryAt is when a group that could not be scheduled is tried anew.
	retryAt time.Time

	// source sums up the versions of what the pod's files come from, files the
	// files that the group has, by volume; nil is not known.
	source string
	files  map[string]uint64
	// tokensAt is when the tokens in the files were made, tokenTold says that
	// the user knows of their end.
	tokensAt  time.Time
	tokenTold bool

	// groupID is the group of the pod. proven reports whether its tags, read from the
	// cloud, name this pod: nothing may be done to it or shown of it before.
	groupID   string
	proven    bool
	requestID string
	createdAt time.Time
	// hint is the group that the pod's object names, while it is not known whether
	// that is the pod's.
	hint hint
	// unplaced is a group that could not be scheduled, until the node has decided what
	// becomes of the pod.
	unplaced *eci.ContainerGroup
	// group is nil until the cloud has shown the group, or said that it makes it.
	group    *facts
	live     *eci.ContainerGroupStatus
	deletion deletion
	// shownAt is when the cloud last showed the group.
	shownAt time.Time
	absence absence

	// disruption says that the cloud ends the pod, evicted that Kubernetes was
	// asked to delete it for that.
	disruption *corev1.PodCondition
	evicted    bool

	// eip is what became of the pod's EIP; secured is the one that was got before
	// the group was made.
	eip, secured eip.State
	// podIPsSent says that the files show the addresses that an init container
	// waits for.
	podIPsSent bool
	// eipDefaults are the annotations about EIPs that the profile of the cluster
	// gives the pod; profiled says that it was looked at.
	eipDefaults map[string]string
	profiled    bool

	status      *corev1.PodStatus // nil until the cloud has said something
	annotations map[string]string
}

// facts is what is kept of the details of a group. All of them would be most of
// what a pod at rest takes up.
type facts struct {
	status, createdAt, spotStrategy, eni string
}

func factsOf(group *eci.ContainerGroup) *facts {
	return &facts{status: group.Status, createdAt: group.CreationTime, spotStrategy: group.SpotStrategy, eni: group.ENIInstanceID}
}

// running says whether the pod may cost money now.
func (e *entry) running() bool { return e.stage == stageLive || e.stage == stageDeleting }

// moving says whether the pod is on its way up or down, so that it deserves
// fast reads.
func (e *entry) moving() bool {
	return e.stage == stageDeleting ||
		e.stage == stageLive && (e.status == nil || e.status.Phase == corev1.PodPending || e.absence.count > 0)
}

// render is the pod as the node's controller hears of it. It shares what it points
// to with the entry: nobody may change it.
func (e *entry) render() *corev1.Pod {
	pod := *e.pod
	if e.status != nil {
		pod.Status = *e.status
	}
	if e.disruption != nil {
		status.Put(&pod.Status, *e.disruption)
	}
	pod.Annotations = withoutOwned(pod.Annotations, e.annotations)
	annotate(&pod, e.annotations)
	e.showEIP(&pod)
	return &pod
}

// withoutOwned leaves out the annotations that this node writes, but for those that are
// shown anyway: what the object has there may be written by anybody.
func withoutOwned(annotations, shown map[string]string) map[string]string {
	foreign := func(key, value string) bool {
		return (status.OwnsAnnotation(key) || eip.OwnsAnnotation(key)) && shown[key] != value
	}
	for key, value := range annotations {
		if foreign(key, value) {
			kept := maps.Clone(annotations)
			maps.DeleteFunc(kept, foreign)
			return kept
		}
	}
	return annotations
}

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
	e := &entry{pod: pod, stage: stageNew}
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

// known says whether the provider has taken the pod over. A pod whose create
// has not succeeded is not: the node's controller is to ask again. One that
// could not be scheduled is: the provider tries anew by itself, or has given up.
func (e *entry) known() bool {
	return e.stage != stageNew || !e.retryAt.IsZero() || e.undecided() || e.gaveUp
}

// undecided reports whether a pod without a group is for the launches to look at before
// one may be made for it.
func (e *entry) undecided() bool { return e.unplaced != nil || e.hint.given() }

func (e *entry) newerThan(other *entry) bool {
	if ending, otherEnding := e.ending(), other.ending(); ending != otherEnding {
		return otherEnding
	}
	return other.pod.CreationTimestamp.Before(&e.pod.CreationTimestamp)
}

func (e *entry) ending() bool {
	return e.stage == stageDeleting || e.pod.DeletionTimestamp != nil
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
