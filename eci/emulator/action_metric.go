package emulator

import (
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const gib = 1 << 30

func (e *Emulator) describeMultiContainerGroupMetric(c *call, r *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, *eci.Error) {
	check := &checker{}
	if len(r.ContainerGroupIDs) == 0 {
		check.fail(missing("ContainerGroupIds"))
	}
	check.oneOf("MetricType", r.MetricType, eci.MetricTypeSummary)
	if check.err != nil {
		return nil, check.err
	}
	found, err := e.find(c, filter{ids: r.ContainerGroupIDs, resourceGroup: r.ResourceGroupID})
	if err != nil {
		return nil, err
	}
	resp := &eci.DescribeMultiContainerGroupMetricResponse{MonitorDatas: []eci.MonitorData{}}
	for _, g := range found {
		data := eci.MonitorData{ContainerGroupID: g.id, Records: []eci.MetricRecord{}}
		if record := e.measure(g); len(record.Containers) > 0 {
			data.Records = append(data.Records, record)
		}
		resp.MonitorDatas = append(resp.MonitorDatas, data)
	}
	return resp, nil
}

// measure sums what the running containers use. The time has the offset of the
// documented example.
func (e *Emulator) measure(g *group) eci.MetricRecord {
	now := e.clock.Now()
	record := eci.MetricRecord{Timestamp: now.In(time.FixedZone("", 8*3600)).Format(time.RFC3339)}
	var sum Usage
	for c := range g.all() {
		if c.process == nil {
			continue
		}
		u := c.process.Usage()
		sum.NanoCores += u.NanoCores
		sum.CoreNanoSeconds += u.CoreNanoSeconds
		sum.MemoryBytes += u.MemoryBytes
		record.Containers = append(record.Containers, eci.ContainerMetric{
			Name: c.spec.Name, CPU: cpuMetric(u, orSize(c.spec.CPU, g.cpu)), Memory: memoryMetric(u, orSize(c.spec.Memory, g.memory)),
		})
	}
	record.CPU, record.Memory = cpuMetric(sum, g.cpu), memoryMetric(sum, g.memory)
	kib := int64(now.Sub(g.placed) / time.Second)
	record.Network.Interfaces = []eci.InterfaceMetric{{
		Name: "eth0", RxBytes: kib << 10, RxPackets: 2 * kib, TxBytes: kib << 9, TxPackets: kib,
	}}
	return record
}

func cpuMetric(u Usage, cores float64) eci.CPUMetric {
	return eci.CPUMetric{
		Limit: int64(cores * 1000), Load: u.NanoCores / 1_000_000,
		UsageNanoCores: u.NanoCores, UsageCoreNanoSeconds: u.CoreNanoSeconds,
	}
}

func memoryMetric(u Usage, limit float64) eci.MemoryMetric {
	cache := u.MemoryBytes / 4
	return eci.MemoryMetric{
		AvailableBytes: max(int64(limit*gib)-u.MemoryBytes, 0), Cache: cache, RSS: u.MemoryBytes - cache,
		UsageBytes: u.MemoryBytes + cache, WorkingSet: u.MemoryBytes,
	}
}

func orSize(own, group float64) float64 {
	if own > 0 {
		return own
	}
	return group
}
