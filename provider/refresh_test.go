package provider

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// updating is a world whose provider sends changed files, on a cloud that
// restarts nothing for them.
func updating(t *testing.T) *world {
	w := newWorld(t, func(c *emulator.Config) { c.FilesInPlace = true })
	w.cfg.UpdateFiles = true
	return w
}

func withConfigVolume(p *corev1.Pod) {
	p.Spec.Volumes = []corev1.Volume{{Name: "settings", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "settings", MountPath: "/etc/settings"}}
}

// mustSet writes the ConfigMap settings; the version is the API server's in life.
func (w *world) mustSet(version, value string) {
	w.Helper()
	object := &corev1.ConfigMap{ObjectMeta: objectMeta("settings"), Data: map[string]string{"v": value}}
	object.UID, object.ResourceVersion = "uid-settings", version
	if _, err := w.kube.CoreV1().ConfigMaps("default").Get(w.Context(), "settings", metav1.GetOptions{}); err == nil {
		if err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("configmaps"), object, "default"); err != nil {
			w.Fatal(err)
		}
		return
	}
	if err := w.kube.Tracker().Add(object); err != nil {
		w.Fatal(err)
	}
}

// files shows the files of the only group, by path.
func (w *world) files() map[string]string {
	w.Helper()
	files := map[string]string{}
	for _, v := range w.emulator.Groups()[0].Request.Volumes {
		if v.ConfigFileVolume == nil {
			continue
		}
		for _, f := range v.ConfigFileVolume.Files {
			content, err := base64.StdEncoding.DecodeString(f.Content.Reveal())
			if err != nil {
				w.Fatal(err)
			}
			files[f.Path] = string(content)
		}
	}
	return files
}

func TestAChangedConfigMapReachesTheRunningGroup(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	pod := w.mustRun("web", withConfigVolume)
	w.refreshTurn(t.Context())
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 0 {
		t.Fatalf("%d updates before anything changed", n)
	}
	w.mustSet("2", "new")
	w.refreshTurn(t.Context())
	if got := w.files()["v"]; got != "new" {
		t.Errorf("the group has %q", got)
	}
	w.refreshTurn(t.Context())
	w.mustSet("3", "new") // a change of its labels, say
	w.refreshTurn(t.Context())
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 1 {
		t.Errorf("%d updates", n)
	}
	if n := w.recorded("FilesUpdated"); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.pass(time.Second)
	w.tick()
	if got := w.told[pod.UID].Status.ContainerStatuses[0].RestartCount; got != 0 {
		t.Errorf("%d restarts", got)
	}
}

func TestAChangeWhileWeWereDownReachesTheGroup(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	w.mustRun("web", withConfigVolume)
	w.start()
	w.cfg.UpdateFiles = true
	w.refreshTurn(t.Context())
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 0 {
		t.Errorf("%d updates for a restart alone", n)
	}
	w.mustSet("2", "new")
	w.start()
	w.cfg.UpdateFiles = true
	w.refreshTurn(t.Context())
	if got := w.files()["v"]; got != "new" {
		t.Errorf("the group has %q", got)
	}
}

func TestTheFilesOfAPodThatARestartDidNotReadAreLearnt(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	pod := w.mustRun("web", withConfigVolume)
	*pod = *w.told[pod.UID] // as the API server has it after our write: a restart finds nothing to read
	reads := w.calls(eci.ActionDescribeContainerGroups)
	w.mustSet("2", "new")
	w.start()
	if n := w.calls(eci.ActionDescribeContainerGroups) - reads; n != 0 {
		t.Fatalf("%d reads of groups at the restart", n)
	}
	w.cfg.UpdateFiles = true
	w.refreshTurn(t.Context())
	if got := w.files()["v"]; got != "new" {
		t.Errorf("the group has %q", got)
	}
}

func TestWhereAnUpdateWouldRestartTheUserIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.mustSet("1", "old")
	w.mustRun("web", withConfigVolume)
	w.mustSet("2", "new")
	w.refreshTurn(t.Context())
	w.refreshTurn(t.Context())
	if n := w.recorded("FilesOutdated"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := w.calls(eci.ActionUpdateContainerGroup); n != 0 {
		t.Errorf("%d updates", n)
	}
}

func TestADeletedConfigMapLeavesTheFilesAndATooLargeOneIsTold(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	w.mustRun("web", withConfigVolume)
	w.mustSet("2", strings.Repeat("x", eci.MaxConfigFile+1))
	w.refreshTurn(t.Context())
	if n := w.recorded("FilesOutdated"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if err := w.kube.CoreV1().ConfigMaps("default").Delete(t.Context(), "settings", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.refreshTurn(t.Context())
	if got := w.files()["v"]; got != "old" {
		t.Errorf("the group has %q", got)
	}
}

func TestAnUpdateThatFailsIsSentAgain(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	w.mustRun("web", withConfigVolume)
	w.mustSet("2", "new")
	w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionUpdateContainerGroup, Error: emulator.Throttled(), Times: 1})
	w.refreshTurn(t.Context())
	w.refreshTurn(t.Context())
	if got := w.files()["v"]; got != "new" {
		t.Errorf("the group has %q", got)
	}
}

func TestChangedLabelsReachTheFilesOfTheDownwardAPI(t *testing.T) {
	w := updating(t)
	pod := w.mustRun("web", func(p *corev1.Pod) {
		p.Labels = map[string]string{"tier": "a"}
		p.Spec.Volumes = []corev1.Volume{{Name: "info", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
			Items: []corev1.DownwardAPIVolumeFile{{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}}}}
	})
	changed := pod.DeepCopy()
	changed.Labels["tier"] = "b"
	if err := w.UpdatePod(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	w.refreshTurn(t.Context())
	if got := w.files()["labels"]; got != `tier="b"` {
		t.Errorf("the group has %q", got)
	}
}

// TestWhatThisNodeWritesOnAPodIsNoChangeOfItsFiles restarts the node under pods
// whose files show their annotations, among them those that were written back.
func TestWhatThisNodeWritesOnAPodIsNoChangeOfItsFiles(t *testing.T) {
	w := newWorld(t, slowEIPs)
	pods := []*corev1.Pod{
		w.mustRun("plain", wanting("owner", "me"), withPodinfo),
		w.mustRun("address", wanting("network.alibabacloud.com/pod-with-eip", "true"), withPodinfo),
	}
	w.turnEIPs()
	for _, pod := range pods {
		*pod = *w.told[pod.UID]
	}
	w.start()
	for range 2 {
		w.pass(time.Minute)
		w.tick()
		w.refreshTurn(t.Context())
	}
	if n := w.recorded("FilesOutdated"); n != 0 {
		t.Errorf("%d events tell of files that nobody changed", n)
	}
	pods[0].Annotations["team"] = "a"
	if err := w.UpdatePod(t.Context(), pods[0].DeepCopy()); err != nil {
		t.Fatal(err)
	}
	w.refreshTurn(t.Context())
	if n := w.recorded("FilesOutdated"); n != 1 {
		t.Errorf("%d events tell of an annotation that a user added", n)
	}
}

// withToken gives a pod a token that lives that many seconds.
func withToken(seconds int64) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
				Path: "token", ExpirationSeconds: ptr.To(seconds)}}}}}}}
	}
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	w := updating(t)
	w.serveTokens()
	w.mustRun("web", withToken(3600))
	first := w.files()["token"]
	w.pass(40 * time.Minute)
	w.refreshTurn(t.Context())
	if got := w.files()["token"]; got != first || first == "" {
		t.Fatalf("token %q became %q", first, got)
	}
	w.pass(10 * time.Minute)
	w.refreshTurn(t.Context())
	second := w.files()["token"]
	if second == first {
		t.Error("it was not renewed")
	}
	w.pass(time.Minute)
	w.refreshTurn(t.Context())
	if w.files()["token"] != second {
		t.Error("it was renewed again")
	}
}

// TestToken_LongestLifeIsNotDueAtOnce gives a pod the longest life that the API server
// allows a token.
func TestToken_LongestLifeIsNotDueAtOnce(t *testing.T) {
	w := newWorld(t)
	w.serveTokens()
	w.mustRun("web", withToken(1<<32))
	w.pass(time.Hour)
	w.refreshTurn(t.Context())
	if n := w.recorded("FilesOutdated"); n != 0 {
		t.Errorf("%d events after an hour tell of a token that lives 136 years", n)
	}
	w.pass(24 * time.Hour)
	w.refreshTurn(t.Context())
	if n := w.recorded("FilesOutdated"); n != 1 {
		t.Errorf("%d events after a day, want 1", n)
	}
}

func TestATokenThatCannotBeRenewedIsToldOnceUnlessTheServerExtendsIt(t *testing.T) {
	for seconds, want := range map[int64]int{3600: 1, extendedTokenSeconds: 0} {
		w := newWorld(t)
		w.serveTokens()
		w.mustRun("web", withToken(seconds))
		w.pass(50 * time.Minute)
		w.refreshTurn(t.Context())
		w.refreshTurn(t.Context())
		if n := w.recorded("FilesOutdated"); n != want {
			t.Errorf("%d seconds: told %d times, want %d", seconds, n, want)
		}
	}
}

func TestAnObjectIsReadOnceForAllPodsThatNameIt(t *testing.T) {
	w := newWorld(t)
	w.mustSet("1", "old")
	for i := range 20 {
		w.mustRun(fmt.Sprintf("web-%d", i), withConfigVolume)
	}
	w.kube.ClearActions()
	w.refreshTurn(t.Context())
	if n := len(w.kube.Actions()); n != 1 {
		t.Errorf("%d reads", n)
	}
	for _, a := range w.kube.Actions() {
		if a.GetVerb() != "get" {
			t.Errorf("%s needs a right that is not granted", a.GetVerb())
		}
	}
}

// serveTokens has the API server make a new token at each request.
func (w *world) serveTokens() {
	made := 0
	w.kube.PrependReactor("create", "serviceaccounts", func(k8stesting.Action) (bool, runtime.Object, error) {
		made++
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: fmt.Sprintf("token-%d", made)}}, nil
	})
}

// TestRefresh_PodsThatChangeAllTheTimeKeepNobodyFromTheirTurn changes a label of a
// hundred pods in every round.
func TestRefresh_PodsThatChangeAllTheTimeKeepNobodyFromTheirTurn(t *testing.T) {
	w := updating(t)
	w.mustSet("1", "old")
	var pods []*corev1.Pod
	for i := range refreshChecks {
		pods = append(pods, w.mustRun(fmt.Sprintf("a-%03d", i), withConfigVolume))
	}
	victim := w.mustRun("z-victim", withConfigVolume)
	w.mustSet("2", "new")
	for round := range 3 {
		for _, pod := range pods {
			changed := pod.DeepCopy()
			changed.Labels = map[string]string{"round": fmt.Sprint(round)}
			if err := w.UpdatePod(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
		}
		w.refreshTurn(t.Context())
	}
	id := w.groupOf(victim)
	for _, g := range w.emulator.Groups() {
		if g.ContainerGroupID != id {
			continue
		}
		if got := g.Request.Volumes[0].ConfigFileVolume.Files[0].Content.Reveal(); got != base64.StdEncoding.EncodeToString([]byte("new")) {
			t.Errorf("its file is still %q", got)
		}
	}
}
