package campaign

import (
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// record is what the campaign knows of a pod that nobody tells the node.
type record struct {
	name string
	kind podKind
	// kept: a controller makes another of the same name when it has left.
	kept bool
	// deletedAt is when a user deleted it, counted in calls of the cloud.
	deletedAt int
	// endedAt is when the API server heard of its end, counted alike.
	endedAt int
	// excused: it was ended by a process that could not know of its group.
	excused bool
	// missed: its group ended while no process lived for an hour.
	missed bool
	// touched: its group was ended, reclaimed or removed by someone else.
	touched bool
	// misnamed: a user wrote another group's id on it, or took its own away.
	misnamed bool
}

// podKind is a pod by what its containers do.
type podKind struct {
	name    string
	command []string
	policy  corev1.RestartPolicy
	grace   int64
	// ends is the phase that its containers reach by themselves, if any.
	ends corev1.PodPhase
	// refused: ECI cannot do what it asks for.
	refused bool
	secrets bool
	// files: it has a ConfigMap and a token as files.
	files bool
	// hasty: it may fail when no group can be made.
	hasty       bool
	annotations map[string]string
}

var podKinds = []podKind{
	{name: "server", command: []string{"sleep", "infinity"}, policy: corev1.RestartPolicyAlways, grace: 30},
	{name: "server", command: []string{"sleep", "infinity"}, policy: corev1.RestartPolicyAlways, grace: 5, secrets: true},
	{name: "deaf", command: []string{"sh", "-c", "trap '' TERM; sleep infinity"}, policy: corev1.RestartPolicyAlways, grace: 20},
	{name: "job", command: []string{"sleep", "7"}, policy: corev1.RestartPolicyNever, grace: 30, ends: corev1.PodSucceeded},
	{name: "loser", command: []string{"sh", "-c", "sleep 20; exit 3"}, policy: corev1.RestartPolicyNever, grace: 30, ends: corev1.PodFailed},
	{name: "crasher", command: []string{"sh", "-c", "sleep 3; exit 1"}, policy: corev1.RestartPolicyAlways, grace: 1},
	{name: "reader", command: []string{"sleep", "infinity"}, policy: corev1.RestartPolicyAlways, grace: 2, files: true},
	{name: "spot", command: []string{"sleep", "infinity"}, policy: corev1.RestartPolicyAlways, grace: 10, annotations: map[string]string{
		"k8s.aliyun.com/eci-spot-strategy": "SpotAsPriceGo", "k8s.aliyun.com/eci-spot-fallback": "true",
	}},
	{name: "hasty", command: []string{"sleep", "15"}, policy: corev1.RestartPolicyNever, grace: 10, ends: corev1.PodSucceeded, hasty: true,
		annotations: map[string]string{"k8s.aliyun.com/pod-fail-on-create-err": "true"}},
	{name: "refused", command: []string{"true"}, policy: corev1.RestartPolicyNever, refused: true},
	{name: "bomb", command: []string{"true"}, policy: corev1.RestartPolicyNever, refused: true},
}

// makePod puts a pod into the API server; kept ones come again.
func (w *world) makePod(name string, kind podKind, kept bool) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: maps.Clone(kind.annotations)},
		Spec: corev1.PodSpec{
			NodeName: nodeName, DNSPolicy: corev1.DNSDefault, RestartPolicy: kind.policy, TerminationGracePeriodSeconds: &kind.grace,
			Containers: []corev1.Container{{Name: "app", Image: "busybox", Command: kind.command}},
		},
	}
	if kind.name == "bomb" {
		pod.Spec.Containers[0].Env = multiplying()
	} else if kind.refused {
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"},
		}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
	}
	if kind.secrets {
		pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "token"},
		}}}
	}
	if kind.files {
		pod.Spec.Volumes = []corev1.Volume{{Name: "files", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "files"}}},
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](600)}},
			},
		}}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "files", MountPath: "/files"}}
	}
	made := w.api.create(pod)
	w.pods[made.UID] = &record{name: name, kind: kind, kept: kept}
	w.say("user  creates %s (%s), a %s", name, made.UID, kind.name)
}

func (w *world) createPod() {
	w.names++
	kind := w.anyKind()
	w.makePod(fmt.Sprintf("pod-%d", w.names), kind, w.rng.IntN(4) == 0)
}

func (w *world) anyKind() podKind { return podKinds[w.rng.IntN(len(podKinds))] }

// podRemoved lets the controller of a StatefulSet put the next pod of the same
// name into the place of the last.
func (w *world) podRemoved(pod *corev1.Pod) {
	if r := w.pods[pod.UID]; r.kept {
		w.makePod(pod.Name, r.kind, true)
	}
}

// changeFiles writes the ConfigMap that pods have files of.
func (w *world) changeFiles() { w.api.filesVersion++ }

// drain deletes every pod, as kubectl drain does.
func (w *world) drain() {
	for _, pod := range w.api.list() {
		w.say("user  drains %s (%s)", pod.Name, pod.UID)
		w.askDelete(pod, *pod.Spec.TerminationGracePeriodSeconds)
	}
}

// anyPod picks one, or nil.
func (w *world) anyPod() *corev1.Pod {
	pods := w.api.list()
	if len(pods) == 0 {
		return nil
	}
	return pods[w.rng.IntN(len(pods))]
}

func (w *world) deletePod() {
	if pod := w.anyPod(); pod != nil {
		grace := *pod.Spec.TerminationGracePeriodSeconds
		if w.rng.IntN(3) == 0 {
			grace = 1
		}
		w.say("user  deletes %s (%s) with grace %d", pod.Name, pod.UID, grace)
		w.askDelete(pod, max(grace, 1))
	}
}

func (w *world) askDelete(pod *corev1.Pod, grace int64) {
	if pod.DeletionTimestamp == nil {
		w.pods[pod.UID].deletedAt = w.calls
	}
	w.api.askDelete(pod, grace)
}

// forcePod takes the object away at once, whatever runs.
func (w *world) forcePod() {
	if pod := w.anyPod(); pod != nil {
		w.say("user  forces %s (%s) away", pod.Name, pod.UID)
		w.api.askDelete(pod, 0)
	}
}

// replacePod makes another pod of the same name.
func (w *world) replacePod() {
	if pod := w.anyPod(); pod != nil {
		w.say("user  replaces %s (%s)", pod.Name, pod.UID)
		w.api.askDelete(pod, 0)
		if w.api.pods[pod.Name] == nil {
			w.makePod(pod.Name, w.anyKind(), false)
		}
	}
}

func (w *world) updatePod() {
	pod := w.anyPod()
	if pod == nil {
		return
	}
	w.say("user  updates %s (%s)", pod.Name, pod.UID)
	w.api.change(pod, func(pod *corev1.Pod) {
		switch w.rng.IntN(3) {
		case 0:
			pod.Spec.Containers[0].Image = "busybox:1.37"
			pod.Generation++
		case 1:
			pod.Labels = map[string]string{"updated": fmt.Sprint(w.rng.IntN(100))}
		default:
			pod.Spec.ActiveDeadlineSeconds = ptr.To[int64](30 * 24 * 3600)
			pod.Generation++
		}
	})
}

// run gives turns; where nobody wants one the clock leaps.
func (w *world) run() {
	for range 1 + w.rng.IntN(24) {
		if !w.turn() {
			w.leap(w.patience())
		}
		if w.violation != nil {
			return
		}
	}
}

// patience is how far the clock may leap: while no process lives, half of the
// time to the start of the next.
func (w *world) patience() time.Duration {
	if len(w.nodes) == 0 && w.rng.IntN(2) == 0 {
		return 48 * time.Hour
	}
	return 10 * time.Second
}

var pauses = []time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second, 12 * time.Second, 45 * time.Second, 4 * time.Minute}

func (w *world) wait() { w.advance(pauses[w.rng.IntN(len(pauses))]) }
