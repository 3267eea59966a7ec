package emulator

import (
	"github.com/eci-vnode/eci-vnode/eci"
)

// namespace of groups that the public API made (inferred).
const namespace = "default"

func (e *Emulator) describeContainerGroupStatus(c *call, r *eci.DescribeContainerGroupStatusRequest) (*eci.DescribeContainerGroupStatusResponse, *eci.Error) {
	check := &checker{}
	check.optional("Limit", int64(r.Limit), 1, eci.MaxStatusesPerPage)
	if check.err != nil {
		return nil, check.err
	}
	found, err := e.find(c, filter{
		ids: r.ContainerGroupIDs, tags: r.Tags, zone: r.ZoneID, vSwitch: r.VSwitchID,
		resourceGroup: r.ResourceGroupID, sinceSecond: r.SinceSecond,
	})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(found, r.NextToken, int(orElse(r.Limit, defaultStatuses)))
	if err != nil {
		return nil, err
	}
	resp := &eci.DescribeContainerGroupStatusResponse{TotalCount: int32(len(found)), NextToken: next, Data: []eci.ContainerGroupStatus{}}
	for _, g := range shown {
		resp.Data = append(resp.Data, showStatus(g))
	}
	return resp, nil
}

// defaultStatuses is the smaller of the two documented defaults (50 and 200), so
// that a client that does not send its Limit has to follow the pages.
const defaultStatuses = 50

// showStatus has no init containers: the cloud leaves them out.
func showStatus(g *group) eci.ContainerGroupStatus {
	pod := eci.PodStatus{Phase: phaseOf(g.status), QOSClass: qosOf(g)}
	if !g.placed.IsZero() {
		ip := g.address.String()
		pod.PodIP, pod.HostIP, pod.PodIPs = ip, ip, []eci.PodIP{{IP: ip}}
		pod.StartTime = wireTime(g.placed)
	}
	for _, cond := range g.conditions {
		pod.Conditions = append(pod.Conditions, eci.PodCondition{
			Type: cond.kind, Status: cond.status, Reason: cond.reason, Message: cond.message, LastTransitionTime: wireTime(cond.since),
		})
	}
	for _, c := range g.apps {
		pod.ContainerStatuses = append(pod.ContainerStatuses, showContainerStatus(c))
	}
	return eci.ContainerGroupStatus{
		ContainerGroupID: g.id, Name: g.request.ContainerGroupName, Namespace: namespace, UUID: g.uuid,
		Annotations: "{}", Status: g.status, PodStatus: pod,
	}
}

func showContainerStatus(c *container) eci.ContainerStatus {
	out := eci.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, Ready: c.ready, RestartCount: c.restarts,
		Started: c.state.state == eci.ContainerRunning, State: showPodState(c.state), LastState: showPodState(c.last),
	}
	if c.created {
		out.ImageID = imageID(c.spec.Image)
	}
	return out
}

func showPodState(s containerState) eci.ContainerStatusState {
	switch s.state {
	case eci.ContainerWaiting:
		return eci.ContainerStatusState{Waiting: &eci.StateWaiting{Reason: s.reason, Message: s.message}}
	case eci.ContainerRunning:
		return eci.ContainerStatusState{Running: &eci.StateRunning{StartedAt: wireTime(s.start)}}
	case eci.ContainerTerminated:
		return eci.ContainerStatusState{Terminated: &eci.StateTerminated{
			ContainerID: s.containerID, ExitCode: s.exitCode, Signal: s.signal, Reason: s.reason, Message: s.message,
			StartedAt: wireTime(s.start), FinishedAt: wireTime(s.finish),
		}}
	}
	return eci.ContainerStatusState{}
}

// phaseOf follows the table of the managed product.
func phaseOf(status string) string {
	switch status {
	case eci.StatusRunning, eci.StatusTerminating:
		return "Running"
	case eci.StatusSucceeded:
		return "Succeeded"
	case eci.StatusFailed, eci.StatusExpired, eci.StatusScheduleFailed:
		return "Failed"
	}
	return "Pending"
}

// qosOf: sizes act as limits, so that only full ones guarantee.
func qosOf(g *group) string {
	all, some := true, false
	for _, c := range g.apps {
		all = all && c.spec.CPU > 0 && c.spec.Memory > 0
		some = some || c.spec.CPU > 0 || c.spec.Memory > 0
	}
	switch {
	case all:
		return "Guaranteed"
	case some:
		return "Burstable"
	}
	return "BestEffort"
}
