package campaign

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// sight is what one process could know of the groups: times are counted in calls
// of the cloud.
type sight struct {
	// groups is when the process was first told of a group with the pod that it is
	// of, 0 by the pod's object: states and events are told without.
	groups map[string]int
	// asked is when the groups of a pod were last listed, lied when such a list
	// was last one that lies.
	asked, lied map[types.UID]int
}

func newSight() sight {
	return sight{groups: map[string]int{}, asked: map[types.UID]int{}, lied: map[types.UID]int{}}
}

// making is who made a group, for which pod, and when: as the number of its call,
// and in time.
type making struct {
	by   *instance
	of   types.UID
	at   int
	time time.Time
}

// notePod notes which group a pod that the process reads tells of. What it tells of the
// group of another pod, its user has written there.
func (i *instance) notePod(pod *corev1.Pod) {
	if pod == nil {
		return
	}
	if id := pod.Annotations[status.AnnotationInstanceID]; i.w.made[id].of == pod.UID {
		i.sight.groups[id] = 0
	}
}

// noteCall notes what a call has made, and what its answer shows; lies is how
// often a list had lied before it.
func (i *instance) noteCall(params url.Values, rec *httptest.ResponseRecorder, lost bool, lies int) {
	w, answer, action := i.w, rec.Body.String(), params.Get("Action")
	tells := action == eci.ActionCreateContainerGroup || action == eci.ActionDescribeContainerGroups
	w.calls++
	for _, g := range w.emulator.Briefs() {
		if _, known := w.made[g.ID]; !known {
			w.made[g.ID] = making{i, ownerOf(g), w.calls, w.clock.Now()}
		}
		if _, told := i.sight.groups[g.ID]; tells && !lost && !told && strings.Contains(answer, g.ID) {
			i.sight.groups[g.ID] = w.calls
		}
	}
	w.doubts = w.doubts || w.quiet && strings.Contains(answer, eci.CodeIdempotentMismatch)
	if lost || action != eci.ActionDescribeContainerGroups || rec.Code != http.StatusOK {
		return
	}
	if uid := podOf(params); uid != "" {
		i.sight.asked[uid] = w.calls
		if w.denied || lies != w.lieHits() {
			i.sight.lied[uid] = w.calls
		}
	}
}

// podOf is the pod whose tag a call has, if any.
func podOf(params url.Values) types.UID {
	for key, values := range params {
		if values[0] == request.TagUID && strings.HasSuffix(key, ".Key") {
			return types.UID(params.Get(strings.TrimSuffix(key, "Key") + "Value"))
		}
	}
	return ""
}

func (w *world) lieHits() int {
	hits := 0
	for _, lie := range w.lies {
		hits += lie.Hits()
	}
	return hits
}

// mayNotKnow says that a process has done all that it can to learn of the live
// groups of a pod, and could not: none of them is its own, no pod and, until it
// looked, no answer has shown it one, and either the list of the pod's groups lied,
// or another process made the group after this one had looked, after the pod's
// deletion if it is being deleted. Such a group is left to the reaper.
func (i *instance) mayNotKnow(uid types.UID, groups []string) bool {
	asked, lied := i.sight.asked[uid], i.sight.lied[uid]
	for _, id := range groups {
		made := i.w.made[id]
		raced := asked > i.w.pods[uid].deletedAt && asked < made.at
		told, known := i.sight.groups[id]
		if known && told <= asked || made.by == i || !raced && lied < made.at {
			return false
		}
	}
	return true
}

func ownerOf(g emulator.Brief) types.UID { return types.UID(g.Tags[request.TagUID]) }
