package provider

import (
	"context"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
)

// usageAge is how old a usage record may be: the cloud's finest period is 15
// seconds, and metrics-server asks every 15 to 60.
const usageAge = 15 * time.Second

// usageCache holds the latest usage by pod, so that several readers cost one
// read.
type usageCache struct {
	mu      sync.Mutex
	records map[types.UID]usageRecord
}

// usageRecord is a record with the time at which it was read.
type usageRecord struct {
	eci.MetricRecord
	readAt time.Time
}

// podUsage is a pod that runs with its latest usage, nil when there is none.
type podUsage struct {
	entry
	record *eci.MetricRecord
}

// usageOf returns every pod with a live group and what it uses. Where the cloud
// gives no record the pod is still listed; err tells why, and the pods are good
// all the same.
func (p *Provider) usageOf(ctx context.Context) ([]podUsage, error) {
	entries := p.store.all((*entry).running)
	records, err := p.readUsage(ctx, entries)
	pods := make([]podUsage, 0, len(entries))
	for _, e := range entries {
		u := podUsage{entry: e}
		if r, ok := records[e.pod.UID]; ok {
			u.record = &r.MetricRecord
		}
		pods = append(pods, u)
	}
	return pods, err
}

// readUsage returns the records of entries, reading those that are missing or
// old, eci.MaxGroupsPerPage at a time. On an error the older ones are returned
// with it.
func (p *Provider) readUsage(ctx context.Context, entries []entry) (map[types.UID]usageRecord, error) {
	p.usage.mu.Lock()
	defer p.usage.mu.Unlock()
	now := p.deps.Clock.Now()
	owners := map[string]types.UID{}
	records := map[types.UID]usageRecord{}
	var ids eci.JSONList
	for _, e := range entries {
		record, had := p.usage.records[e.pod.UID]
		if had {
			records[e.pod.UID] = record
		}
		if !had || now.Sub(record.readAt) >= usageAge {
			owners[e.groupID] = e.pod.UID
			ids = append(ids, e.groupID)
		}
	}
	p.usage.records = records
	for len(ids) > 0 {
		n := min(len(ids), eci.MaxGroupsPerPage)
		resp, err := p.cloud.DescribeMultiContainerGroupMetric(ctx, &eci.DescribeMultiContainerGroupMetricRequest{
			ContainerGroupIDs: ids[:n], MetricType: eci.MetricTypeSummary,
		})
		if err != nil {
			return maps.Clone(records), err
		}
		for _, data := range resp.MonitorDatas {
			if len(data.Records) > 0 {
				records[owners[data.ContainerGroupID]] = usageRecord{data.Records[len(data.Records)-1], now}
			}
		}
		ids = ids[n:]
	}
	return maps.Clone(records), nil
}
