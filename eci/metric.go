package eci

// MetricTypeSummary is the only MetricType of DescribeMultiContainerGroupMetric.
const MetricTypeSummary = "summary"

// DescribeMultiContainerGroupMetricRequest asks for the newest usage record of
// at most MaxGroupsPerPage groups.
type DescribeMultiContainerGroupMetricRequest struct {
	RequestMeta
	ResourceGroupID   string   `json:"ResourceGroupId,omitempty"`
	ContainerGroupIDs JSONList `json:"ContainerGroupIds,omitempty"`
	MetricType        string   `json:"MetricType,omitempty"`
}

// DescribeMultiContainerGroupMetricResponse holds the records by group.
type DescribeMultiContainerGroupMetricResponse struct {
	ResponseMeta
	MonitorDatas []MonitorData `json:"MonitorDatas"`
}

// MonitorData holds the records of one group.
type MonitorData struct {
	ContainerGroupID string         `json:"ContainerGroupId"`
	Records          []MetricRecord `json:"Records"`
}

// MetricRecord is the usage of a group at one time (RFC 3339).
type MetricRecord struct {
	Timestamp  string            `json:"Timestamp"`
	CPU        CPUMetric         `json:"CPU"`
	Memory     MemoryMetric      `json:"Memory"`
	Network    NetworkMetric     `json:"Network"`
	Containers []ContainerMetric `json:"Containers"`
}

// ContainerMetric is the usage of one container.
type ContainerMetric struct {
	Name   string       `json:"Name"`
	CPU    CPUMetric    `json:"CPU"`
	Memory MemoryMetric `json:"Memory"`
}

// CPUMetric: Limit is in thousandths of a vCPU, UsageNanoCores in billionths,
// UsageCoreNanoSeconds cumulative.
type CPUMetric struct {
	Limit                int64 `json:"Limit"`
	Load                 int64 `json:"Load"`
	UsageNanoCores       int64 `json:"UsageNanoCores"`
	UsageCoreNanoSeconds int64 `json:"UsageCoreNanoSeconds"`
}

// MemoryMetric is in bytes.
type MemoryMetric struct {
	AvailableBytes int64 `json:"AvailableBytes"`
	Cache          int64 `json:"Cache"`
	RSS            int64 `json:"Rss"`
	UsageBytes     int64 `json:"UsageBytes"`
	WorkingSet     int64 `json:"WorkingSet"`
}

// NetworkMetric counts by interface.
type NetworkMetric struct {
	Interfaces []InterfaceMetric `json:"Interfaces"`
}

// InterfaceMetric is cumulative.
type InterfaceMetric struct {
	Name      string `json:"Name"`
	RxBytes   int64  `json:"RxBytes"`
	RxPackets int64  `json:"RxPackets"`
	RxErrors  int64  `json:"RxErrors"`
	RxDrops   int64  `json:"RxDrops"`
	TxBytes   int64  `json:"TxBytes"`
	TxPackets int64  `json:"TxPackets"`
	TxErrors  int64  `json:"TxErrors"`
	TxDrops   int64  `json:"TxDrops"`
}
