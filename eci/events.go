package eci

// Sources of events: the values of EventSource.
const (
	EventSourceService = "EciService"
	EventSourceAgent   = "K8sAgent"
)

// DescribeContainerGroupEventsRequest reads the newest 50 events of each group.
// POST only.
type DescribeContainerGroupEventsRequest struct {
	RequestMeta
	ZoneID            string   `json:"ZoneId,omitempty"`
	VSwitchID         string   `json:"VSwitchId,omitempty"`
	ResourceGroupID   string   `json:"ResourceGroupId,omitempty"`
	ContainerGroupIDs JSONList `json:"ContainerGroupIds,omitempty"`
	Tags              []Tag    `json:"Tag,omitempty"`
	// SinceSecond is MinSinceSecond to MaxSinceSecond.
	SinceSecond int32 `json:"SinceSecond,omitempty"`
	// EventSource is EventSourceService, EventSourceAgent or empty for both.
	EventSource string `json:"EventSource,omitempty"`
	Limit       int32  `json:"Limit,omitempty"`
	NextToken   string `json:"NextToken,omitempty"`
}

// DescribeContainerGroupEventsResponse has no NextToken although the request
// takes one.
type DescribeContainerGroupEventsResponse struct {
	ResponseMeta
	TotalCount int32                  `json:"TotalCount"`
	Data       []ContainerGroupEvents `json:"Data"`
}

// ContainerGroupEvents are the events of one group.
type ContainerGroupEvents struct {
	ContainerGroupID string  `json:"ContainerGroupId"`
	Name             string  `json:"Name"`
	Namespace        string  `json:"Namespace"`
	UUID             string  `json:"uuid"`
	Annotations      string  `json:"Annotations,omitempty"`
	Events           []Event `json:"Events"`
}

// Event is one event. The documents show lower-case keys on the wire and the
// SDK capital ones; encoding/json matches both.
type Event struct {
	Type               string         `json:"Type"`
	Reason             string         `json:"Reason"`
	Message            string         `json:"Message"`
	Count              int32          `json:"Count"`
	FirstTimestamp     string         `json:"FirstTimestamp"`
	LastTimestamp      string         `json:"LastTimestamp"`
	ReportingComponent string         `json:"ReportingComponent,omitempty"`
	ReportingInstance  string         `json:"ReportingInstance,omitempty"`
	Source             EventSource    `json:"Source"`
	Metadata           EventMetadata  `json:"Metadata"`
	InvolvedObject     InvolvedObject `json:"involvedObject"`
}

// EventSource tells who wrote an event.
type EventSource struct {
	Component string `json:"Component"`
	Host      string `json:"Host,omitempty"`
}

// EventMetadata names an event.
type EventMetadata struct {
	Name      string `json:"Name"`
	Namespace string `json:"Namespace"`
}

// InvolvedObject is what an event speaks of; UID is the id of the group.
type InvolvedObject struct {
	APIVersion string `json:"ApiVersion"`
	Kind       string `json:"Kind"`
	Name       string `json:"Name"`
	Namespace  string `json:"Namespace"`
	UID        string `json:"Uid"`
}
