package eci

// Version is the OpenAPI version that every call names.
const Version = "2018-08-08"

// Actions of the OpenAPI that this project calls and emulates.
const (
	ActionCreateContainerGroup              = "CreateContainerGroup"
	ActionDeleteContainerGroup              = "DeleteContainerGroup"
	ActionUpdateContainerGroup              = "UpdateContainerGroup"
	ActionRestartContainerGroup             = "RestartContainerGroup"
	ActionDescribeContainerGroups           = "DescribeContainerGroups"
	ActionDescribeContainerGroupStatus      = "DescribeContainerGroupStatus"
	ActionDescribeContainerGroupEvents      = "DescribeContainerGroupEvents"
	ActionDescribeContainerLog              = "DescribeContainerLog"
	ActionExecContainerCommand              = "ExecContainerCommand"
	ActionDescribeContainerGroupPrice       = "DescribeContainerGroupPrice"
	ActionDescribeMultiContainerGroupMetric = "DescribeMultiContainerGroupMetric"
	ActionDescribeRegions                   = "DescribeRegions"
	ActionListUsage                         = "ListUsage"
	ActionDescribeImageCaches               = "DescribeImageCaches"
)

// Page sizes and windows of the reads.
// Source: parameter metadata of the named actions.
const (
	// MaxGroupsPerPage is the largest Limit of DescribeContainerGroups, and
	// also the most ids that one ContainerGroupIds may name in any action.
	MaxGroupsPerPage = 20
	// MaxStatusesPerPage is the largest Limit of DescribeContainerGroupStatus.
	MaxStatusesPerPage = 200
	// MinSinceSecond and MaxSinceSecond bound SinceSecond, in seconds.
	MinSinceSecond = 60
	MaxSinceSecond = 3600
	// MaxLogLines is the largest Tail of DescribeContainerLog.
	MaxLogLines = 2000
	// MaxLogBytes is the largest LimitBytes of DescribeContainerLog.
	MaxLogBytes = 1 << 20
	// MaxTags is how many tags a group may carry.
	MaxTags = 20
	// MaxClientToken is the length of the longest ClientToken, in ASCII
	// characters.
	MaxClientToken = 64
)

// RequestMeta is the part that all requests share.
type RequestMeta struct {
	// RegionID names the region; the client fills in its own when empty.
	RegionID string `json:"RegionId,omitempty"`
}

// ResponseMeta is the part that all answers share.
type ResponseMeta struct {
	// RequestID identifies the call for the cloud's support.
	RequestID string `json:"RequestId"`
}

// Tag is a key and value on a group. Keys have at most 64 characters and do not
// start with "acs:" or "aliyun"; values at most 128 and may be empty.
type Tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}
