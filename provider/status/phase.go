package status

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Reasons of a pod that ended without its containers having ended by
// themselves. The first is the one of the managed product.
const (
	ReasonScheduleFailed = "ContainerInstanceScheduleFailed"
	ReasonExpired        = "ContainerInstanceExpired"
	ReasonGroupFailed    = "ContainerInstanceFailed"
)

// What the kubelet says of a pod that has run for too long.
const (
	reasonDeadlineExceeded = "DeadlineExceeded"
	deadlineMessage        = "Pod was active on the node longer than the specified deadline"
)

// state is the row of a state of a group.
type state struct {
	name  string
	phase corev1.PodPhase
	// order says which of two states is the later one.
	order int
}

// states is the lifecycle of a group. Source: product document "Lifecycle of an
// elastic container instance". Restarting and Updating show as Pending there;
// here a pod that ran stays Running, because Kubernetes knows no way back.
func states() []state {
	return []state{
		{eci.StatusScheduling, corev1.PodPending, 1},
		{eci.StatusPending, corev1.PodPending, 2},
		{eci.StatusRunning, corev1.PodRunning, 3},
		{eci.StatusRestarting, corev1.PodPending, 3},
		{eci.StatusUpdating, corev1.PodPending, 3},
		{eci.StatusTerminating, corev1.PodRunning, 4},
		{eci.StatusSucceeded, corev1.PodSucceeded, 5},
		{eci.StatusFailed, corev1.PodFailed, 5},
		{eci.StatusExpired, corev1.PodFailed, 5},
		{eci.StatusScheduleFailed, corev1.PodFailed, 5},
	}
}

// lookup returns the row of a state; a name that is not known has no phase.
func lookup(name string) state {
	for _, s := range states() {
		if s.name == name {
			return s
		}
	}
	return state{}
}

// laterState returns the state of the answer that is further on. Equal ones go
// to live, which is asked more often.
func laterState(group, live string) string {
	if lookup(live).order >= lookup(group).order && live != "" {
		return live
	}
	return group
}

func isTerminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// setPhase never moves a pod back.
func (v *view) setPhase(status *corev1.PodStatus) {
	if isTerminal(status.Phase) {
		return
	}
	next := lookup(v.state).phase
	switch {
	case next == "" && status.Phase == "":
		next = corev1.PodPending
	case next == "" || next == corev1.PodPending && status.Phase == corev1.PodRunning:
		next = status.Phase
	case v.state == eci.StatusTerminating && status.Phase != corev1.PodRunning && !v.hasRun():
		// It was deleted before a container started.
		next = corev1.PodPending
	}
	if next != status.Phase {
		status.Reason, status.Message = "", ""
	}
	status.Phase = next
	if next == corev1.PodFailed {
		status.Reason, status.Message = v.whyFailed()
	}
}

// hasRun says whether the cloud tells of a container that started.
func (v *view) hasRun() bool {
	for _, c := range v.group.Containers {
		if s := c.CurrentState; s != nil && s.State != eci.ContainerWaiting && s.State != "" {
			return true
		}
	}
	for _, c := range v.live.PodStatus.ContainerStatuses {
		if c.State.Running != nil || c.State.Terminated != nil {
			return true
		}
	}
	return false
}

// whyFailed is empty for a pod whose containers say it themselves, as with the
// kubelet.
func (v *view) whyFailed() (reason, message string) {
	event := v.lastWarning()
	switch v.state {
	case eci.StatusScheduleFailed:
		return ReasonScheduleFailed, orText(event.Message, "ECI could not make the container group")
	case eci.StatusExpired:
		return ReasonExpired, orText(event.Message, "ECI took the container group back")
	}
	if v.deadlinePassed() {
		return reasonDeadlineExceeded, deadlineMessage
	}
	for _, c := range v.group.Containers {
		if s := c.CurrentState; s != nil && s.State == eci.ContainerTerminated && s.ExitCode != 0 {
			return "", ""
		}
	}
	for _, c := range v.live.PodStatus.ContainerStatuses {
		if c.State.Terminated != nil && c.State.Terminated.ExitCode != 0 {
			return "", ""
		}
	}
	for _, c := range v.group.InitContainers {
		if s := c.CurrentState; s != nil && s.State == eci.ContainerTerminated && s.ExitCode != 0 {
			return "", ""
		}
	}
	return orText(event.Reason, ReasonGroupFailed), orText(event.Message, "the container group failed, and no container says why")
}

// deadlinePassed says whether the group was ended by activeDeadlineSeconds: an
// event says so, or the group ended that long after it was made.
func (v *view) deadlinePassed() bool {
	deadline := v.pod.Spec.ActiveDeadlineSeconds
	if deadline == nil {
		return false
	}
	for _, event := range v.group.Events {
		if event.Reason == reasonDeadlineExceeded {
			return true
		}
	}
	made, ended := parseTime(v.group.CreationTime), v.endTime()
	return !made.IsZero() && ended.Sub(made.Time) >= time.Duration(*deadline)*time.Second
}

// lastWarning is the newest warning among the events, or an empty one.
func (v *view) lastWarning() eci.GroupEvent {
	var newest eci.GroupEvent
	for _, event := range v.group.Events {
		at, best := parseTime(event.LastTimestamp), parseTime(newest.LastTimestamp)
		if event.Type == corev1.EventTypeWarning && !at.Before(&best) {
			newest = event
		}
	}
	return newest
}

func orText(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
