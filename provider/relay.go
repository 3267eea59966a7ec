package provider

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// restartOverlap is how far before our start an event of the cloud may lie
	// and still be passed on. It is shorter than the hour for which API servers
	// keep events by default: one that an earlier life of ours passed on is
	// still there under the same name, and is refused instead of repeated.
	restartOverlap = 30 * time.Minute
	// relayPeriod is the least time between two rounds of writes. Writes that go
	// out together share packets and wake-ups: each costs about half of the CPU time
	// that it costs alone.
	relayPeriod = time.Second
	// relayWorkers is how many pods have events written at the same time.
	relayWorkers = 50
	// relayRetry is the pause after events could not be written.
	relayRetry = 2 * time.Second
	// maxQueuedEvents bounds what waits for one pod: twice what the cloud keeps.
	maxQueuedEvents = 100
	// maxEventMessage is the API server's limit, in bytes.
	maxEventMessage = 1024
	// eventComponent tells these events from those of the node itself.
	eventComponent = "eci"
)

// cloudEvent is an event of a group, of whichever call it came from.
type cloudEvent struct {
	kind, reason, message string
	count                 int32
	first, last           time.Time
}

// eventRelay makes each event of the cloud one event of its pod, in order. The
// name of the latter follows from the former, so that the API server itself
// refuses a repetition after a restart.
type eventRelay struct {
	client typedcorev1.EventsGetter
	node   string
	clock  clock.WithTicker
	// rate is how many events are written in a round, at most.
	rate int
	// horizon: what happened before was passed on by an earlier life of ours.
	horizon time.Time
	// wake holds one request to write.
	wake chan struct{}

	mu   sync.Mutex
	pods map[types.UID]*relayedPod
}

// relayedPod is what was taken for one pod.
type relayedPod struct {
	// counts has the highest count taken of each event, by its key.
	counts map[uint64]int32
	queue  []*corev1.Event
}

func newEventRelay(client typedcorev1.EventsGetter, node string, rate int, clock clock.WithTicker) *eventRelay {
	return &eventRelay{client: client, node: node, clock: clock, rate: rate, horizon: clock.Now().Add(-restartOverlap),
		wake: make(chan struct{}, 1), pods: map[types.UID]*relayedPod{}}
}

// take queues those of the events that were not taken before or happened again.
func (r *eventRelay) take(pod *corev1.Pod, groupID string, events []cloudEvent) {
	slices.SortStableFunc(events, func(a, b cloudEvent) int { return cmp.Or(a.last.Compare(b.last), a.first.Compare(b.first)) })
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pods[pod.UID]
	if p == nil {
		p = &relayedPod{counts: map[uint64]int32{}}
		r.pods[pod.UID] = p
	}
	for _, event := range events {
		key := event.key(groupID)
		if event.count <= p.counts[key] || event.last.Before(r.horizon) {
			continue
		}
		p.counts[key] = event.count
		if len(p.queue) < maxQueuedEvents {
			p.queue = append(p.queue, event.forPod(pod, key, r.node))
		}
	}
	if len(p.queue) > 0 {
		r.poke()
	}
}

func (r *eventRelay) poke() {
	select {
	case r.wake <- struct{}{}:
	default: // one is waiting already
	}
}

// key is the same for the same event in every call that tells of it, and after
// a restart: the calls give it different names or none.
func (e cloudEvent) key(groupID string) uint64 {
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%s\x00%s\x00%s\x00%s\x00%d", groupID, e.kind, e.reason, e.message, e.first.Unix())
	return sum.Sum64()
}

func (e cloudEvent) forPod(pod *corev1.Pod, key uint64, node string) *corev1.Event {
	var id [8]byte
	for i := range id {
		id[i] = byte(key >> (8 * (7 - i)))
	}
	suffix := "." + hex.EncodeToString(id[:])
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name[:min(len(pod.Name), 253-len(suffix))] + suffix},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Type:           e.kind, Reason: e.reason, Message: e.message, Count: e.count,
		FirstTimestamp: metav1.NewTime(e.first), LastTimestamp: metav1.NewTime(e.last),
		Source:              corev1.EventSource{Component: eventComponent, Host: node},
		ReportingController: eventComponent, ReportingInstance: node,
	}
}

// newCloudEvent makes what the cloud tells fit for Kubernetes; it is false for
// an event without a time, which could not be told from its repetition.
func newCloudEvent(kind, reason, message string, count int32, first, last string) (cloudEvent, bool) {
	e := cloudEvent{kind: kind, reason: bareReason(reason), message: message[:min(len(message), maxEventMessage)], count: max(count, 1)}
	e.message = strings.ToValidUTF8(e.message, "")
	if kind != corev1.EventTypeWarning {
		e.kind = corev1.EventTypeNormal
	}
	var err1, err2 error
	e.first, err1 = time.Parse(time.RFC3339, cmp.Or(first, last))
	e.last, err2 = time.Parse(time.RFC3339, cmp.Or(last, first))
	return e, err1 == nil && err2 == nil && e.reason != ""
}

// bareReason takes off the prefix that some answers put before a reason.
func bareReason(reason string) string { return strings.TrimPrefix(reason, "ContainerGroup.") }

func eventsOfGroup(group *eci.ContainerGroup) []cloudEvent {
	var out []cloudEvent
	for _, e := range group.Events {
		if event, ok := newCloudEvent(e.Type, e.Reason, e.Message, e.Count, e.FirstTimestamp, e.LastTimestamp); ok {
			out = append(out, event)
		}
	}
	return out
}

// run writes what was taken until ctx ends, in rounds.
func (r *eventRelay) run(ctx context.Context) {
	for {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return
		}
		pause := relayPeriod
		if !r.flush(ctx) {
			pause = relayRetry
		}
		select {
		case <-r.clock.After(pause):
		case <-ctx.Done():
			return
		}
		if len(r.waiting()) > 0 {
			r.poke()
		}
	}
}

// flush writes one round of what waits, pod by pod in order, many pods at the same
// time. It is false when something has to be tried again.
func (r *eventRelay) flush(ctx context.Context) bool {
	var group errgroup.Group
	group.SetLimit(relayWorkers)
	left := r.rate
	for _, pod := range r.waiting() {
		if left <= 0 {
			break
		}
		most := min(left, pod.events)
		left -= most
		group.Go(func() (err error) {
			defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
			return r.write(ctx, pod.uid, most)
		})
	}
	err := group.Wait()
	if err != nil && ctx.Err() == nil {
		log.G(ctx).WithError(err).Warn("events of container groups not written; will try again")
	}
	return err == nil
}

// waitingPod is a pod with so many events to be written, of which the oldest is of
// since.
type waitingPod struct {
	uid    types.UID
	events int
	since  time.Time
}

// waiting are the pods that have events to be written, those with the oldest first.
func (r *eventRelay) waiting() []waitingPod {
	r.mu.Lock()
	defer r.mu.Unlock()
	var pods []waitingPod
	for uid, p := range r.pods {
		if len(p.queue) > 0 {
			pods = append(pods, waitingPod{uid: uid, events: len(p.queue), since: p.queue[0].LastTimestamp.Time})
		}
	}
	slices.SortFunc(pods, func(a, b waitingPod) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.uid, b.uid)) })
	return pods
}

// write writes events of one pod, most at most, and stops at the first that has to
// be tried again. Only one goroutine flushes, so that nobody else takes from the
// front of the queue.
func (r *eventRelay) write(ctx context.Context, uid types.UID, most int) error {
	for range most {
		r.mu.Lock()
		var event *corev1.Event
		p := r.pods[uid]
		if p != nil && len(p.queue) > 0 {
			event = p.queue[0]
		}
		r.mu.Unlock()
		if event == nil {
			return nil
		}
		if err := r.put(ctx, event); err != nil {
			return err
		}
		r.mu.Lock()
		p.queue[0] = nil // or the slice would keep it
		if p.queue = p.queue[1:]; len(p.queue) == 0 {
			p.queue = nil
		}
		r.mu.Unlock()
	}
	return nil
}

// put creates the event, or counts up the one that is there. What the API server
// will never take (the namespace ends, the right is missing) is dropped.
func (r *eventRelay) put(ctx context.Context, event *corev1.Event) error {
	events := r.client.Events(event.Namespace)
	_, err := events.Create(ctx, event, metav1.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		err = nil
		if event.Count > 1 {
			patch, _ := json.Marshal(map[string]any{"count": event.Count, "lastTimestamp": event.LastTimestamp})
			_, err = events.Patch(ctx, event.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		}
	}
	if errors.IsForbidden(err) || errors.IsInvalid(err) || errors.IsNotFound(err) {
		log.G(ctx).WithError(err).WithField("reason", event.Reason).Debug("event of a container group refused")
		return nil
	}
	return err
}

// keep forgets the pods that are not present, once all of theirs is written.
func (r *eventRelay) keep(present func(types.UID) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for uid, p := range r.pods {
		if len(p.queue) == 0 && !present(uid) {
			delete(r.pods, uid)
		}
	}
}
