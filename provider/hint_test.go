package provider

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

func (w *world) groupOf(pod *corev1.Pod) string {
	e, _ := w.store.get(pod.UID)
	return e.groupID
}

func (w *world) expectAlive(id string) {
	w.Helper()
	for _, g := range w.groups() {
		if g.ContainerGroupID == id && !eci.IsTerminal(g.Status) && g.Status != eci.StatusTerminating {
			return
		}
	}
	w.Errorf("group %s has been ended", id)
}

// mustMakeStranger makes a group of another cluster.
func (w *world) mustMakeStranger() string {
	w.Helper()
	tags := []eci.Tag{{Key: "eci-vnode/cluster", Value: "cluster-2"}, {Key: "eci-vnode/node", Value: "virtual-kubelet"}, {Key: "eci-vnode/uid", Value: "uid-theirs"}}
	resp, err := w.cloud.CreateContainerGroup(w.Context(), &eci.CreateContainerGroupRequest{
		ContainerGroupName: "theirs", VSwitchID: "vsw-emulator-h", SecurityGroupID: "sg-emulator", CPU: 2, Memory: 4, Tags: tags,
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "app", Image: "nginx", Command: []string{"sleep", "100000"}}}},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.pass(time.Second)
	return resp.ContainerGroupID
}

// retagged shows one group with the tags of another pod.
type retagged struct {
	Cloud
	id  string
	uid types.UID
}

func (w *world) retag(id string, uid types.UID) {
	w.Provider.cloud.cloud = retagged{w.Provider.cloud.cloud, id, uid}
}

func (c retagged) DescribeContainerGroups(ctx context.Context, req *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error) {
	resp, err := c.Cloud.DescribeContainerGroups(ctx, req)
	if err == nil {
		for i := range resp.ContainerGroups {
			if resp.ContainerGroups[i].ContainerGroupID == c.id {
				resp.ContainerGroups[i].Tags = ourTags(c.uid, "virtual-kubelet")
			}
		}
	}
	return resp, err
}

func TestCreate_CopiedAnnotationsHandOverNoGroup(t *testing.T) {
	w := newWorld(t)
	victim := w.mustRun("victim")
	id := w.groupOf(victim)
	for name, annotations := range map[string]map[string]string{
		"copy":     w.told[victim.UID].Annotations,
		"stranger": {status.AnnotationInstanceID: w.mustMakeStranger()},
		"nobody":   {status.AnnotationInstanceID: "eci-of-nobody"},
	} {
		thief := w.mustRun(name, func(p *corev1.Pod) { p.Annotations = annotations })
		own := w.groupOf(thief)
		if own == annotations[status.AnnotationInstanceID] || w.told[thief.UID].Annotations[status.AnnotationInstanceID] != own {
			t.Errorf("%s: its group is %s, it shows %s", name, own, w.told[thief.UID].Annotations[status.AnnotationInstanceID])
		}
		if n := w.recorded(reasonForeignGroup); n != 1 {
			t.Errorf("%s: the user was told %d times that the id is ignored", name, n)
		}
		if err := w.DeletePod(t.Context(), w.deleting(thief, 30)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.pass(readLag)
		w.tick()
		w.tick()
		w.expectAlive(id)
	}
}

func TestDelete_AnnotatedPodThatWaitsEndsNoGroupOfOthers(t *testing.T) {
	w := newWorld(t)
	victim := w.groupOf(w.mustRun("victim"))
	stranger := w.mustMakeStranger()
	for _, id := range []string{victim, stranger} {
		for _, restarted := range []bool{false, true} {
			w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{}})
			thief := w.mustAddPod("thief-" + id + map[bool]string{true: "-2"}[restarted])
			if err := w.CreatePod(t.Context(), thief); err == nil {
				t.Fatal("there is stock")
			}
			*thief = *w.told[thief.UID].DeepCopy() // as the API server has it after our write
			thief.Annotations = map[string]string{status.AnnotationInstanceID: id}
			if _, err := w.kube.CoreV1().Pods(thief.Namespace).Update(t.Context(), thief, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if restarted {
				w.start()
			}
			err := w.DeletePod(t.Context(), w.deleting(thief, 30))
			if restarted { // one list that shows no group of the pod proves nothing
				if errdefs.IsNotFound(err) {
					t.Error("the pod leaves after one list that may be old")
				}
				w.pass(readLag)
				err = w.DeletePod(t.Context(), w.deleting(thief, 30))
			}
			if !errdefs.IsNotFound(err) {
				t.Errorf("there is nothing to end, got %v", err)
			}
			if w.recorded(reasonForeignGroup) == 0 {
				t.Error("the user was not told that the id is ignored")
			}
			w.expectAlive(victim)
			w.expectAlive(stranger)
			w.emulator.Faults().Clear()
		}
	}
}

func TestDelete_OneEmptyListAndAnEditedAnnotationDoNotHideTheGroup(t *testing.T) {
	for name, edited := range map[string]map[string]string{"foreign": {status.AnnotationInstanceID: "eci-victim"}, "removed": nil} {
		w := newWorld(t)
		victim, pod := w.mustRun("victim"), w.mustRun("web")
		id, victims := w.groupOf(pod), w.groupOf(victim)
		if edited != nil {
			edited[status.AnnotationInstanceID] = victims
		}
		*pod = *w.told[pod.UID].DeepCopy()
		pod.Annotations = edited
		w.emulator.Faults().Inject(emulator.Fault{EmptyList: true})
		w.start()
		deleting := w.deleting(pod, 30)
		if err := w.DeletePod(t.Context(), deleting); err == nil || errdefs.IsNotFound(err) {
			t.Errorf("%s: the pod leaves after one empty list: %v", name, err)
		}
		w.emulator.Faults().Clear()
		if err := w.DeletePod(t.Context(), deleting); err != nil {
			t.Errorf("%s: deleting it when the lists work again: %v", name, err)
		}
		w.pass(time.Minute)
		for _, g := range w.groups() {
			if g.ContainerGroupID == id && !eci.IsTerminal(g.Status) {
				t.Errorf("%s: its group is %s", name, g.Status)
			}
		}
		w.expectAlive(victims)
	}
}

func TestRecover_GroupThatIsGoneBeforeItRanIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	settings := &corev1.ConfigMap{ObjectMeta: objectMeta("settings"), Data: map[string]string{"v": "1"}}
	if err := w.kube.Tracker().Add(settings); err != nil {
		t.Fatal(err)
	}
	pod := w.mustAddPod("web", func(p *corev1.Pod) {
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
	})
	w.mustRun("other")
	w.mustCreatePod(pod)
	first := w.groupOf(pod)
	*pod = *w.told[pod.UID] // as the API server has it after our write
	w.emulator.RemoveGroup(first)
	settings.Data["v"] = "2" // the parameters that the ClientToken stands for are others now
	if _, err := w.kube.CoreV1().ConfigMaps("default").Update(t.Context(), settings, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.start()
	for range 3 + w.cfg.Sightings {
		w.pass(w.cfg.LostGrace / 2)
		w.tick()
	}
	w.expectPhase(pod, corev1.PodRunning)
	if second := w.groupOf(pod); second == "" || second == first {
		t.Errorf("its group is %q, the one that is gone was %q", second, first)
	}
	w.expectLive(2)
}

func TestRecover_EditedAnnotationOfARunningPodIsPutRight(t *testing.T) {
	w := newWorld(t)
	victim, pod := w.mustRun("victim"), w.mustRun("web")
	own := w.groupOf(pod)
	*victim, *pod = *w.told[victim.UID], *w.told[pod.UID].DeepCopy()
	pod.Annotations[status.AnnotationInstanceID] = w.groupOf(victim)
	w.start()
	w.refreshTurn(t.Context())
	w.mustRepair(newReaper(w.Provider))
	if got := w.groupOf(pod); got != own {
		t.Errorf("its group is %s, want %s", got, own)
	}
	shown, err := w.GetPod(t.Context(), pod.Namespace, pod.Name)
	if err != nil || shown.Annotations[status.AnnotationInstanceID] != own {
		t.Errorf("it shows %v, %v", shown.Annotations, err)
	}
}

func TestRecover_SettledPodIsUsedOnlyAfterItsTagsWereRead(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	id := w.groupOf(pod)
	*pod = *w.told[pod.UID]
	w.start()
	if e, _ := w.store.get(pod.UID); e.groupID != id || e.proven {
		t.Fatalf("the pod was not taken over by its state: %s, %t", e.groupID, e.proven)
	}
	// Its tags are another's: whoever wrote the object, the group is not the pod's.
	w.retag(id, "uid-of-another")
	if err := w.DeletePod(t.Context(), w.deleting(pod, 30)); err == nil {
		t.Error("a group was ended whose tags do not name the pod")
	}
	w.expectAlive(id)
}

func TestLogs_OfAGroupThatIsNotProvenAreNotShown(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web", func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"sh", "-c", "echo secret; sleep 1000"} })
	id := w.groupOf(pod)
	*pod = *w.told[pod.UID]
	w.start()
	w.retag(id, "uid-of-another")
	log, err := w.GetContainerLogs(t.Context(), pod.Namespace, pod.Name, "app", api.ContainerLogOpts{})
	if err == nil {
		text, _ := io.ReadAll(log)
		t.Errorf("the log of a group of another pod was shown: %q", text)
	}
}

func TestRecover_GroupThatNoListShowsIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	w.mustRun("other")
	*pod = *w.told[pod.UID]
	w.emulator.Faults().Inject(emulator.Fault{HideYoung: time.Hour})
	w.start()
	creates := w.calls(eci.ActionCreateContainerGroup)
	for range 12 {
		w.pass(hintPause)
		w.tick()
	}
	if w.calls(eci.ActionCreateContainerGroup) != creates {
		t.Fatal("a second group was asked for")
	}
	w.emulator.Faults().Clear()
	w.pass(hintPause)
	w.tick()
	w.expectPhase(pod, corev1.PodRunning)
	w.expectLive(2)
}

// The pod ran and its object does not name its group any more, so that nothing can be asked
// for by name: a list without its group counts once another list shows any group at all.
func TestRecover_PodThatRanWithoutANameIsLostOnceAListShowsAnyGroup(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	w.emulator.RemoveGroup(w.groupOf(pod))
	*pod = *w.told[pod.UID]
	delete(pod.Annotations, status.AnnotationInstanceID)
	w.start()
	look := func() {
		for range 2 * w.cfg.Sightings {
			w.pass(w.cfg.LostGrace)
			w.tick()
		}
	}
	look()
	if told := w.told[pod.UID]; told != nil {
		t.Errorf("the pod is %s without any proof", told.Status.Phase)
	}
	if n := w.calls(eci.ActionCreateContainerGroup); n != 1 {
		t.Errorf("%d groups were asked for", n)
	}
	stranger := w.mustMakeStranger()
	look()
	w.expectPhase(pod, corev1.PodFailed)
	w.expectAlive(stranger)
}

func TestHintOf_CountsOnlyWithAStatusOfThisNode(t *testing.T) {
	named := corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID("u"), Annotations: map[string]string{status.AnnotationInstanceID: "eci-1"}}}
	named.Status.Phase = corev1.PodPending
	named.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
	if h := hintOf(&named); h.given() {
		t.Errorf("a pod that only the scheduler has seen has the hint %+v", h)
	}
	named.Status.Conditions = append(named.Status.Conditions, corev1.PodCondition{Type: status.ConditionInstanceCreated, Status: corev1.ConditionFalse})
	if h := hintOf(&named); h.id != "eci-1" || h.ran {
		t.Errorf("got %+v", h)
	}
	named.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if h := hintOf(&named); !h.ran {
		t.Errorf("got %+v", h)
	}
	named.Status.Phase = corev1.PodFailed
	if h := hintOf(&named); h.given() {
		t.Errorf("a pod that has ended has the hint %+v", h)
	}
}

func TestEvent_ForeignGroupNamesTheAnnotation(t *testing.T) {
	w := newWorld(t)
	pod := w.mustAddPod("web", func(p *corev1.Pod) { p.Annotations = map[string]string{status.AnnotationInstanceID: "eci-x"} })
	w.mustCreatePod(pod)
	if got := <-w.events.Events; !strings.Contains(got, status.AnnotationInstanceID) || !strings.Contains(got, "eci-x") {
		t.Errorf("event %q", got)
	}
}
