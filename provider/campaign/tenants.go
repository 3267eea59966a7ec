package campaign

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// Tenants who lie: they write into their pods what only the node is to write there,
// copy pods with all that is on them, and ask for more than their share. A group that
// is not the pod's is never touched for it, nor shown.

// ownedAnnotations are annotations that the node writes and does not read as input.
var ownedAnnotations = []string{
	status.AnnotationInstanceID, status.AnnotationInstanceID, status.AnnotationInstanceID, status.AnnotationRequestID,
	"k8s.aliyun.com/eci-instance-spec", "k8s.aliyun.com/eni-instance-id", "k8s.aliyun.com/eci-instance-zone",
}

// lie writes another value into an annotation of the node, or takes it away.
func (w *world) lie() {
	pod := w.anyPod()
	if pod == nil {
		return
	}
	key, value := ownedAnnotations[w.rng.IntN(len(ownedAnnotations))], "eci-of-nobody"
	if groups := w.emulator.Briefs(); len(groups) > 0 && w.rng.IntN(4) > 0 {
		value = groups[w.rng.IntN(len(groups))].ID
	}
	w.say("user  writes %s=%s on %s (%s)", key, value, pod.Name, pod.UID)
	w.pods[pod.UID].misnamed = w.pods[pod.UID].misnamed || key == status.AnnotationInstanceID
	w.api.change(pod, func(pod *corev1.Pod) {
		pod.Annotations = maps.Clone(pod.Annotations)
		if w.rng.IntN(5) == 0 {
			delete(pod.Annotations, key)
			return
		}
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[key] = value
	})
}

// copyPod makes a pod of the annotations of another, as apply of a dump and a restore
// from a backup do; half of the time in the place of the other.
func (w *world) copyPod() {
	pod := w.anyPod()
	if pod == nil {
		return
	}
	w.names++
	name := fmt.Sprintf("pod-%d", w.names)
	if w.rng.IntN(2) == 0 {
		name = pod.Name
		w.api.askDelete(pod, 0)
	}
	if w.api.pods[name] != nil {
		return
	}
	kind := w.pods[pod.UID].kind
	kind.annotations = withoutInput(pod.Annotations)
	maps.Copy(kind.annotations, w.pods[pod.UID].kind.annotations)
	w.makePod(name, kind, false)
}

// withoutInput leaves out what the node writes and reads as a wish of the user too.
func withoutInput(annotations map[string]string) map[string]string {
	out := maps.Clone(annotations)
	if out == nil {
		out = map[string]string{}
	}
	delete(out, "k8s.aliyun.com/eci-vswitch")
	delete(out, "k8s.aliyun.com/eci-security-group")
	return out
}

// stranger makes a group of another cluster of the same account.
func (w *world) stranger() {
	w.strangers++
	who := request.Identity{ClusterID: "cluster-2", NodeName: nodeName, Namespace: namespace, PodName: "web", UID: types.UID(fmt.Sprintf("stranger-%d", w.strangers))}
	cfg := openapi.DefaultConfig(region)
	cfg.Endpoint, cfg.MaxAttempts = "http://127.0.0.1:1", 1
	client, err := openapi.New(cfg, openapi.Deps{
		Credentials: openapi.StaticCredentials(accessKeyID, accessKeySecret, securityToken),
		HTTPClient:  &http.Client{Transport: direct{w.emulator}}, Clock: strangerClock{w.clock},
	})
	if err == nil {
		_, err = client.CreateContainerGroup(context.Background(), &eci.CreateContainerGroupRequest{
			ContainerGroupName: "default-web", VSwitchID: "vsw-emulator-h", SecurityGroupID: "sg-emulator", CPU: 2, Memory: 4, Tags: who.Tags(),
			Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "app", Image: "busybox", Command: []string{"sleep", "infinity"}}}},
		})
	}
	w.say("cloud  another cluster makes a group: %v", errorOr(err, "ok"))
}

// direct carries a call to the emulator at once.
type direct struct{ emulator *emulator.Emulator }

func (d direct) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if cause := recover(); cause != nil { // a fault of the cloud cuts the connection
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	rec := httptest.NewRecorder()
	d.emulator.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// strangerClock never waits.
type strangerClock struct{ simClock }

func (strangerClock) Sleep(context.Context, time.Duration) error { return nil }

// multiplying returns variables each of which refers ten times to the one before it: a
// kilobyte of them stands for ten gigabytes.
func multiplying() []corev1.EnvVar {
	env := []corev1.EnvVar{{Name: "V0", Value: "0123456789"}}
	for n := 1; n < 10; n++ {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("V%d", n), Value: strings.Repeat(fmt.Sprintf("$(V%d)", n-1), 10)})
	}
	return env
}

// crowdReads lets many users read logs at the same time.
func (w *world) crowdReads() {
	i, pod := w.anyNode(), w.anyPod()
	if i == nil || pod == nil || i.dead || w.clock.Now().Before(i.paused) || !i.recovered {
		return
	}
	readers := 1 + w.rng.IntN(150)
	w.say("user  %d times reads the log of %s (%s)", readers, pod.Name, pod.UID)
	for n := 0; n < readers && !i.dead; n++ {
		i.start(func() { i.readLog(pod) })
	}
	w.bury()
}

// readLog reads the log of a pod once, as kubectl logs does.
func (i *instance) readLog(pod *corev1.Pod) {
	i.w.task.user = true
	log, err := i.provider.GetContainerLogs(i.ctx, pod.Namespace, pod.Name, "app", api.ContainerLogOpts{Tail: 10})
	if err != nil {
		return
	}
	defer log.Close()
	if _, err := io.ReadAll(log); err != nil {
		i.w.say("%s  reading a log: %v", i.name, err)
	}
}

// checkTarget: what is done to a group, or shown of it, is for the pod that it was made
// for. before are the groups that were live when the call arrived.
func (w *world) checkTarget(params url.Values) {
	id := params.Get("ContainerGroupId")
	made, known := w.made[id]
	if !known {
		return
	}
	stranger := w.pods[made.of] == nil
	switch action := params.Get("Action"); {
	case !stranger:
	case action == eci.ActionDeleteContainerGroup, action == eci.ActionUpdateContainerGroup, action == eci.ActionExecContainerCommand,
		action == eci.ActionDescribeContainerLog && w.task.user:
		w.fail("strangers are left alone", "%s of %s, a group of %s", action, id, made.of)
	}
}

// checkForce: no container is killed before its grace is over, unless its user forces
// it. The API server cuts times to seconds.
func (w *world) checkForce(before map[string]emulator.Brief, params url.Values) {
	g, was := before[params.Get("ContainerGroupId")]
	if !was || params.Get("Force") != "true" {
		return
	}
	pod := w.api.byUID(ownerOf(g))
	if pod == nil || pod.DeletionTimestamp == nil {
		return // checkDelete asks whether it may be ended at all
	}
	if early := pod.DeletionTimestamp.Sub(w.clock.Now()) - time.Second; early > 0 {
		w.fail("the whole grace", "group %s of pod %s (%s) is forced %s before its grace is over", g.ID, pod.Name, pod.UID, early)
	}
}

// checkShown: the group that the node writes on a pod is the pod's.
func (w *world) checkShown(before, after *corev1.Pod) {
	id := after.Annotations[status.AnnotationInstanceID]
	if id == before.Annotations[status.AnnotationInstanceID] {
		return
	}
	if made, known := w.made[id]; known && made.of != after.UID {
		w.fail("own groups only", "pod %s (%s) is told that %s of %s is its group", after.Name, after.UID, id, made.of)
	}
}

// syncPatience is how long a turn of the sync loop may wait for the budget: two ticks of
// a node in motion.
var syncPatience = 2 * provider.DefaultConfig().FastSync

// checkWait: neither users nor pods without stock stand in the way of the sync loop. A
// cloud that throttles does.
func (i *instance) checkWait(a openapi.Attempt) {
	if eci.IsThrottled(a.Err) {
		i.throttled = i.w.clock.Now()
	}
	if i.dead || i.w.task != i.sync.task || !i.throttled.IsZero() {
		return
	}
	if i.sync.waited += a.BudgetWait; i.sync.waited > syncPatience {
		i.w.fail("sync keeps its pace", "a turn of %s waited %s for the budget, at last of %s", i.name, i.sync.waited, a.Action)
	}
}

// isStranger reports whether a group is of another cluster.
func (w *world) isStranger(g emulator.Brief) bool { return w.pods[ownerOf(g)] == nil }

// ours leaves out the groups of other clusters.
func (w *world) ours(groups []emulator.Brief) []emulator.Brief {
	return slices.DeleteFunc(groups, w.isStranger)
}
