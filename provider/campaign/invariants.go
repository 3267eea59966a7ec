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
	"github.com/eci-vnode/eci-vnode/provider/status"
)

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

// checkRefused: a pod that ECI cannot run costs no call, but for the look that
// precedes the end of every pod which is deleted.
func (w *world) checkRefused(params url.Values) {
	uid := podOf(params)
	r, pod := w.pods[uid], w.api.byUID(uid)
	if r == nil || !r.kind.refused {
		return
	}
	if params.Get("Action") == eci.ActionCreateContainerGroup || pod != nil && pod.DeletionTimestamp == nil {
		w.fail("refused pods are free", "%s was sent for %s", params.Get("Action"), r.name)
	}
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
func (i *instance) checkRemoval(pod *corev1.Pod) {
	w := i.w
	r := w.pods[pod.UID]
	// What another leader makes of a pod that has ended by then is not its group.
	ids := slices.DeleteFunc(w.liveOf(pod.UID), func(id string) bool { return isTerminal(pod.Status.Phase) && w.made[id].at > r.endedAt })
	if !r.excused && !i.mayNotKnow(pod.UID, ids) {
		w.fail("no object leaves before its group", "pod %s (%s) is removed while %v runs", pod.Name, pod.UID, ids)
	}
	if !isTerminal(pod.Status.Phase) {
		w.fail("final status first", "pod %s (%s) is removed as %s", pod.Name, pod.UID, pod.Status.Phase)
	}
}

// checkStatus: an end is final, true, and the one that the containers reached.
func (i *instance) checkStatus(before, after *corev1.Pod) {
	w := i.w
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
	ids := w.liveOf(after.UID)
	w.pods[after.UID].excused, w.pods[after.UID].endedAt = len(ids) > 0, w.calls
	if !i.mayNotKnow(after.UID, ids) {
		w.fail("no end while the group runs", "pod %s (%s) becomes %s (%s) while %v runs", after.Name, after.UID, is, after.Status.Reason, ids)
	}
	r := w.pods[after.UID]
	if before.DeletionTimestamp != nil || r.touched || w.forgotten(after) || r.kind.hasty || r.kind.refused && is == corev1.PodFailed {
		return
	}
	if is != r.kind.ends {
		w.fail("true ends", "%s %s (%s) becomes %s (%s: %s), nobody touched it", r.kind.name, after.Name, after.UID, is, after.Status.Reason, after.Status.Message)
	}
}

// noteMissed notes whose group has ended while no process lived for so long that
// the cloud may forget it before anybody looks.
func (w *world) noteMissed() {
	for _, made := range w.made {
		if r := w.pods[made.of]; r != nil && len(w.liveOf(made.of)) == 0 {
			r.missed = true
		}
	}
}

// forgotten says that a pod is told as lost whose group has ended unseen, and
// that the cloud has no record of it but of those that never ran: nobody can know
// how it ended.
func (w *world) forgotten(pod *corev1.Pod) bool {
	return w.pods[pod.UID].missed && strings.Contains(pod.Status.Message, "its exit codes are not known") &&
		!slices.ContainsFunc(w.emulator.Briefs(), func(g emulator.Brief) bool {
			return ownerOf(g) == pod.UID && g.Status != eci.StatusScheduleFailed
		})
}

// checkBudget: a process sends no more than it may. Of the reads of logs many wait at the
// same time, and clientClock lets all come late together.
func (w *world) checkBudget(i *instance, action string) {
	if !i.dead && action != eci.ActionDescribeContainerLog && !i.budget.take(action, w.clock.Now()) {
		w.fail("within the budget", "%s sends one %s too many", i.name, action)
	}
}

// checkText: no secret leaves in a log line, an event or a status.
func (w *world) checkText(where, text string) {
	for _, secret := range []string{accessKeySecret, securityToken, registryPassword, secretValue, tokenValue} {
		if strings.Contains(text, secret) {
			w.fail("secrets stay secret", "a %s says %q", where, text)
		}
	}
}

// unsettled says what is not yet as it should be when all is calm, or "".
func (w *world) unsettled() string {
	live := map[types.UID]string{}
	for id, g := range w.liveGroups() {
		if w.isStranger(g) {
			continue
		}
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
