package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

var podResource = schema.GroupResource{Resource: "pods"}

// apiServer holds pods as the real one does, as far as a node can tell: UIDs,
// resource versions, generations, graceful deletion, preconditions, and a log
// of events that watches read at their own pace.
type apiServer struct {
	now     func() time.Time
	version int
	made    int
	pods    map[string]*corev1.Pod // by name; never changed in place
	log     []podEvent
	// filesVersion is that of the ConfigMap, tokens counts those made, events are
	// the names of the events written.
	filesVersion, tokens int
	events               map[string]bool
	// removed hears of every pod that has left.
	removed func(*corev1.Pod)
}

// podEvent is one line of the watch.
type podEvent struct {
	deleted bool
	pod     *corev1.Pod
	at      time.Time
}

func newAPIServer(now func() time.Time, removed func(*corev1.Pod)) *apiServer {
	return &apiServer{now: now, removed: removed, pods: map[string]*corev1.Pod{}, events: map[string]bool{}}
}

// store writes a pod with the next resource version.
func (s *apiServer) store(pod *corev1.Pod) *corev1.Pod {
	s.version++
	pod.ResourceVersion = strconv.Itoa(s.version)
	s.pods[pod.Name] = pod
	s.log = append(s.log, podEvent{pod: pod, at: s.now()})
	return pod
}

func (s *apiServer) remove(pod *corev1.Pod) {
	s.version++
	last := pod.DeepCopy()
	last.ResourceVersion = strconv.Itoa(s.version)
	delete(s.pods, pod.Name)
	s.log = append(s.log, podEvent{deleted: true, pod: last, at: s.now()})
	s.removed(last)
}

// create gives pod its identity and keeps it.
func (s *apiServer) create(pod *corev1.Pod) *corev1.Pod {
	s.made++
	pod.UID = types.UID(fmt.Sprintf("uid-%d", s.made))
	pod.Generation = 1
	pod.CreationTimestamp = metav1.NewTime(s.now().Truncate(time.Second))
	pod.Status.Phase, pod.Status.QOSClass = corev1.PodPending, corev1.PodQOSBestEffort
	return s.store(pod)
}

// byUID returns the pod of that UID, or nil.
func (s *apiServer) byUID(uid types.UID) *corev1.Pod {
	for _, pod := range s.pods {
		if pod.UID == uid {
			return pod
		}
	}
	return nil
}

// behind is how far in its log the server is that is lag events behind: it may
// be late, but not by more than an hour.
func (s *apiServer) behind(lag int) int {
	n := max(0, len(s.log)-lag)
	for n < len(s.log) && s.now().Sub(s.log[n].at) > time.Hour {
		n++
	}
	return n
}

// listAt returns the pods by name as they were after the first n lines of the log.
func (s *apiServer) listAt(n int) []*corev1.Pod {
	pods := map[string]*corev1.Pod{}
	for _, event := range s.log[:n] {
		if event.deleted {
			delete(pods, event.pod.Name)
		} else {
			pods[event.pod.Name] = event.pod
		}
	}
	return sorted(pods)
}

// list returns the pods by name.
func (s *apiServer) list() []*corev1.Pod { return sorted(s.pods) }

func sorted(byName map[string]*corev1.Pod) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		pods = append(pods, byName[name])
	}
	return pods
}

// askDelete is a delete by a user: at once for a grace of 0 and for a pod that
// has ended, else a mark that the node acts on.
func (s *apiServer) askDelete(pod *corev1.Pod, grace int64) {
	if grace == 0 || isTerminal(pod.Status.Phase) {
		s.remove(pod)
		return
	}
	if pod.DeletionTimestamp != nil && *pod.DeletionGracePeriodSeconds <= grace {
		return
	}
	marked := pod.DeepCopy()
	at := metav1.NewTime(s.now().Add(time.Duration(grace) * time.Second).Truncate(time.Second))
	marked.DeletionTimestamp, marked.DeletionGracePeriodSeconds = &at, ptr.To(grace)
	marked.Generation++
	s.store(marked)
}

// change is a write by a user.
func (s *apiServer) change(pod *corev1.Pod, f func(*corev1.Pod)) {
	changed := pod.DeepCopy()
	f(changed)
	s.store(changed)
}

func (s *apiServer) get(name string) (*corev1.Pod, error) {
	pod := s.pods[name]
	if pod == nil {
		return nil, apierrors.NewNotFound(podResource, name)
	}
	return pod.DeepCopy(), nil
}

// patched is what a strategic merge patch of the status subresource would leave.
func (s *apiServer) patched(name string, patch []byte) (*corev1.Pod, error) {
	pod, err := s.get(name)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
	if err != nil {
		return nil, err
	}
	var after corev1.Pod
	if err := json.Unmarshal(merged, &after); err != nil {
		return nil, err
	}
	if after.UID != pod.UID {
		return nil, apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "uid"), after.UID, "field is immutable"),
		})
	}
	if after.ResourceVersion != pod.ResourceVersion {
		return nil, apierrors.NewConflict(podResource, name, errors.New("the object has been modified"))
	}
	pod.Status, pod.Annotations = after.Status, after.Annotations
	return pod, nil
}

func isTerminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}
