package campaign

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

func ownerOf(g emulator.Brief) types.UID { return types.UID(g.Tags[request.TagUID]) }

// liveOf are the ids of the live groups of a pod.
func (w *world) liveOf(uid types.UID) []string {
	var ids []string
	for id, g := range w.liveGroups() {
		if ownerOf(g) == uid {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// checkGroups: at most one live group for every pod UID.
func (w *world) checkGroups() {
	owners := map[types.UID]string{}
	for id, g := range w.liveGroups() {
		uid := ownerOf(g)
		if other := owners[uid]; other != "" {
			w.fail("one group", "pod %s has the live groups %s and %s", uid, min(id, other), max(id, other))
		}
		owners[uid] = id
	}
}

// checkCreate: a refused pod has cost no create.
func (w *world) checkCreate(params url.Values) {
	for key, values := range params {
		r := w.pods[types.UID(values[0])]
		if !strings.HasPrefix(key, "Tag.") || r == nil {
			continue
		}
		pod := w.api.byUID(types.UID(values[0]))
		r.late = r.late || len(w.nodes) > 1 && (pod == nil || pod.DeletionTimestamp != nil)
		if r.kind.refused {
			w.fail("refused pods are free", "a create was sent for %s", r.name)
		}
	}
}

// unseen are the pods whose group the process at work cannot know of: its maker
// died before the pod's object told of it (or works beside it) and the list
// lied, or its maker is a leader of the past. It is left to the reaper, which
// finds it when the lists are true.
func (w *world) unseen(pod *corev1.Pod, groups []string) bool {
	r := w.pods[pod.UID]
	told := slices.Contains(groups, pod.Annotations[status.AnnotationInstanceID])
	return r.late || r.lied && (!told || len(w.nodes) > 1)
}

// checkDelete: nothing that ran is ended without a request. before are the
// groups that were live when the delete arrived.
func (w *world) checkDelete(before map[string]emulator.Brief, id string) {
	g, was := before[id]
	if !was || g.Status == eci.StatusTerminating {
		return
	}
	if now, is := w.liveGroups()[id]; is && now.Status != eci.StatusTerminating {
		return // the delete was refused
	}
	if pod := w.api.byUID(ownerOf(g)); pod != nil && pod.DeletionTimestamp == nil {
		w.fail("no kill without a request", "group %s of pod %s (%s) was deleted by us", id, pod.Name, pod.UID)
	}
}

// checkEviction: only a pod whose group the cloud takes back is deleted by us.
func (w *world) checkEviction(pod *corev1.Pod) {
	if !w.pods[pod.UID].touched {
		w.fail("no kill without a request", "pod %s (%s) is evicted, nobody touched it", pod.Name, pod.UID)
	}
}

// checkRemoval: no object disappears while its group runs, nor before its last
// status is written.
func (w *world) checkRemoval(pod *corev1.Pod) {
	if ids := w.liveOf(pod.UID); len(ids) > 0 && !w.unseen(pod, ids) {
		w.fail("no object leaves before its group", "pod %s (%s) is removed while %v runs", pod.Name, pod.UID, ids)
	}
	if !isTerminal(pod.Status.Phase) {
		w.fail("final status first", "pod %s (%s) is removed as %s", pod.Name, pod.UID, pod.Status.Phase)
	}
}

// checkStatus: an end is final, true, and the one that the containers reached.
func (w *world) checkStatus(before, after *corev1.Pod) {
	was, is := before.Status.Phase, after.Status.Phase
	if was == is {
		return
	}
	w.say("API   pod %s (%s): %s -> %s (%s)", after.Name, after.UID, was, is, after.Status.Reason)
	if isTerminal(was) {
		w.fail("ends are final", "pod %s (%s) goes from %s to %s", after.Name, after.UID, was, is)
	}
	if !isTerminal(is) {
		return
	}
	if ids := w.liveOf(after.UID); len(ids) > 0 && !w.unseen(before, ids) && !(w.pods[after.UID].kind.hasty && len(w.nodes) > 1) {
		w.fail("no end while the group runs", "pod %s (%s) becomes %s (%s) while %v runs", after.Name, after.UID, is, after.Status.Reason, ids)
	}
	r := w.pods[after.UID]
	if before.DeletionTimestamp != nil || r.touched || r.kind.hasty || r.kind.refused && is == corev1.PodFailed {
		return
	}
	if is != r.kind.ends {
		w.fail("true ends", "%s %s (%s) becomes %s (%s: %s), nobody touched it", r.kind.name, after.Name, after.UID, is, after.Status.Reason, after.Status.Message)
	}
}

// checkBudget: a process sends no more than it may.
func (w *world) checkBudget(i *instance, action string) {
	if !i.dead && !i.budget.take(action, w.clock.Now()) {
		w.fail("within the budget", "%s sends one %s too many", i.name, action)
	}
}

// checkText: no secret leaves in a log line, an event or a status.
func (w *world) checkText(where, text string) {
	for _, secret := range []string{accessKeySecret, registryPassword, secretValue, tokenValue} {
		if strings.Contains(text, secret) {
			w.fail("secrets stay secret", "a %s says %q", where, text)
		}
	}
}

// unsettled says what is not yet as it should be when all is calm, or "".
func (w *world) unsettled() string {
	live := map[types.UID]string{}
	for id, g := range w.liveGroups() {
		if w.api.byUID(ownerOf(g)) == nil {
			return fmt.Sprintf("group %s of pod %s is left, its pod is gone", id, ownerOf(g))
		}
		live[ownerOf(g)] = id
	}
	for _, pod := range w.api.list() {
		if problem := w.podUnsettled(pod, live[pod.UID]); problem != "" {
			return fmt.Sprintf("pod %s (%s, a %s): %s", pod.Name, pod.UID, w.pods[pod.UID].kind.name, problem)
		}
	}
	return ""
}

func (w *world) podUnsettled(pod *corev1.Pod, group string) string {
	r, phase := w.pods[pod.UID], pod.Status.Phase
	switch {
	case pod.DeletionTimestamp != nil:
		return "deleted and still there"
	case isTerminal(phase) && group != "":
		return fmt.Sprintf("%s and its group %s runs", phase, group)
	case isTerminal(phase):
		return ""
	case group == "" && r.touched && (r.kind.files || r.changed):
		return "" // its ClientToken is used up, and the request can never be the same again
	case r.kind.refused || r.kind.ends != "":
		return fmt.Sprintf("%s, never ended", phase)
	case group == "":
		return fmt.Sprintf("%s without a group", phase)
	case pod.Annotations[status.AnnotationInstanceID] != group:
		return fmt.Sprintf("says its group is %q, it is %s", pod.Annotations[status.AnnotationInstanceID], group)
	case phase != corev1.PodRunning && r.kind.name != "crasher":
		return fmt.Sprintf("%s, its group runs", phase)
	}
	return ""
}
