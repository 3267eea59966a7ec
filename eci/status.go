package eci

import (
	"cmp"
	"encoding/json"
)

// DescribeContainerGroupStatusRequest reads the states of many groups at once:
// the call to poll with. POST only.
type DescribeContainerGroupStatusRequest struct {
	RequestMeta
	ZoneID          string `json:"ZoneId,omitempty"`
	VSwitchID       string `json:"VSwitchId,omitempty"`
	ResourceGroupID string `json:"ResourceGroupId,omitempty"`
	// ContainerGroupIDs holds at most 20 ids.
	ContainerGroupIDs JSONList `json:"ContainerGroupIds,omitempty"`
	Tags              []Tag    `json:"Tag,omitempty"`
	// SinceSecond keeps the groups whose status changed in the last N seconds,
	// MinSinceSecond to MaxSinceSecond. Deleted groups are not told (inferred).
	SinceSecond int32 `json:"SinceSecond,omitempty"`
	// Limit is 1 to MaxStatusesPerPage; send it always, its default is disputed.
	Limit     int32  `json:"Limit,omitempty"`
	NextToken string `json:"NextToken,omitempty"`
}

// DescribeContainerGroupStatusResponse is one page. Unknown ids are absent.
type DescribeContainerGroupStatusResponse struct {
	ResponseMeta
	TotalCount int32                  `json:"TotalCount"`
	NextToken  string                 `json:"NextToken,omitempty"`
	Data       []ContainerGroupStatus `json:"Data"`
}

// ContainerGroupStatus is the state of a group in the shape of a pod status.
type ContainerGroupStatus struct {
	ContainerGroupID string `json:"ContainerGroupId"`
	Name             string `json:"Name"`
	// Namespace is "default" and UUID the cloud's own for groups made by the
	// public API (inferred): identity lives in tags.
	Namespace string `json:"Namespace"`
	UUID      string `json:"uuid"`
	// Annotations is a JSON object inside a text.
	Annotations string    `json:"Annotations,omitempty"`
	Status      string    `json:"Status"`
	PodStatus   PodStatus `json:"PodStatus"`
}

// PodStatus has no statuses of init containers; see ContainerGroup for them.
type PodStatus struct {
	Phase             string            `json:"Phase"`
	PodIP             string            `json:"PodIp,omitempty"`
	PodIPs            []PodIP           `json:"PodIps,omitempty"`
	HostIP            string            `json:"HostIp,omitempty"`
	QOSClass          string            `json:"QosClass,omitempty"`
	StartTime         string            `json:"StartTime,omitempty"`
	Conditions        []PodCondition    `json:"Conditions,omitempty"`
	ContainerStatuses []ContainerStatus `json:"ContainerStatuses,omitempty"`
}

// PodIP is one address of the group.
type PodIP struct {
	IP string `json:"Ip"`
}

// PodCondition mixes letter cases on the wire.
type PodCondition struct {
	Type               string `json:"type"`
	Status             string `json:"status"`
	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
	Reason             string `json:"Reason,omitempty"`
	Message            string `json:"Message,omitempty"`
}

// ContainerStatus is the state of one app container.
type ContainerStatus struct {
	Name         string               `json:"Name"`
	Image        string               `json:"Image"`
	ImageID      string               `json:"ImageID,omitempty"`
	Ready        bool                 `json:"Ready"`
	Started      bool                 `json:"Started"`
	RestartCount int32                `json:"RestartCount"`
	State        ContainerStatusState `json:"State"`
	LastState    ContainerStatusState `json:"LastState,omitzero"`
}

// ContainerStatusState has at most one of its parts.
type ContainerStatusState struct {
	Waiting    *StateWaiting    `json:"Waiting,omitempty"`
	Running    *StateRunning    `json:"Running,omitempty"`
	Terminated *StateTerminated `json:"Terminated,omitempty"`
}

// StateWaiting says why a container does not run.
type StateWaiting struct {
	Reason  string `json:"Reason,omitempty"`
	Message string `json:"Message,omitempty"`
}

// StateRunning says since when a container runs. The metadata and the official
// SDK name the key StartedAtstartedAt; whether the wire does is unproved, so
// that a client has to take StartedAt and startedAt too.
type StateRunning struct {
	StartedAt string `json:"StartedAtstartedAt,omitempty"`
}

// StateTerminated says how a container ended.
type StateTerminated struct {
	ContainerID string `json:"ContainerID,omitempty"`
	ExitCode    int32  `json:"ExitCode"`
	Signal      int32  `json:"Signal,omitempty"`
	Reason      string `json:"Reason,omitempty"`
	Message     string `json:"Message,omitempty"`
	StartedAt   string `json:"StartedAt,omitempty"`
	FinishedAt  string `json:"FinishedAt,omitempty"`
}

// UnmarshalJSON takes all three spellings of the start time.
func (s *StateRunning) UnmarshalJSON(data []byte) error {
	var wire struct {
		Generated string `json:"StartedAtstartedAt"`
		// encoding/json matches startedAt to this name as well.
		StartedAt string `json:"StartedAt"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	s.StartedAt = cmp.Or(wire.Generated, wire.StartedAt)
	return nil
}
