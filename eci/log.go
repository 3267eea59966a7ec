package eci

// DescribeContainerLogRequest reads the log of one container, once: no stream,
// and no split of stdout and stderr.
type DescribeContainerLogRequest struct {
	RequestMeta
	ContainerGroupID string `json:"ContainerGroupId,omitempty"`
	ContainerName    string `json:"ContainerName,omitempty"`
	// StartTime is RFC 3339.
	StartTime    string `json:"StartTime,omitempty"`
	SinceSeconds int32  `json:"SinceSeconds,omitempty"`
	// Tail is in lines: 500 when unset, at most MaxLogLines.
	Tail int32 `json:"Tail,omitempty"`
	// LastTime asks for the container's previous run.
	LastTime *bool `json:"LastTime,omitempty"`
	// LimitBytes is 1 to MaxLogBytes.
	LimitBytes int64 `json:"LimitBytes,omitempty"`
	// Timestamps puts an RFC 3339 time before each line.
	Timestamps *bool `json:"Timestamps,omitempty"`
}

// DescribeContainerLogResponse has at most MaxLogBytes of Content.
type DescribeContainerLogResponse struct {
	ResponseMeta
	ContainerName string `json:"ContainerName"`
	Content       string `json:"Content"`
}
