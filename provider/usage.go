package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// usageAge is how old the records may become: the cloud's finest period is 15
	// seconds, and metrics-server asks every 15 to 60.
	usageAge = 15 * time.Second
	// usageReaders is how many calls are under way at once: 5,000 pods are 250
	// calls, and a scrape has ten seconds.
	usageReaders = 5
	// recordLife is how old a record may be that is shown. Without a newer one nothing
	// is known of the pod any more, and it is left out as the kubelet would.
	recordLife = 5 * time.Minute
)

// usageCache holds the latest usage by pod, so that any number of readers costs
// one read.
type usageCache struct {
	// began is when counting began: what the node has spent is counted from then.
	began time.Time

	mu sync.Mutex
	// readAt is when all pods were read.
	readAt time.Time
	// tried are the pods that were asked for, with or without a record.
	tried   map[types.UID]bool
	records map[types.UID]usageRecord
	// spent is the CPU that all pods have ever used, in core nanoseconds: unlike
	// their sum it does not fall when one goes.
	spent int64
}

// podUsage is a pod that runs with its latest usage, nil when there is none.
type podUsage struct {
	entry
	record *usageRecord
}

// usageRecord is a record with the time when it was taken, by our clock no later than
// now.
type usageRecord struct {
	eci.MetricRecord
	at time.Time
}

// newestRecord returns the record that was taken last. One whose time cannot be read
// is none: it could be of any time.
func newestRecord(records []eci.MetricRecord, now time.Time) (newest usageRecord, ok bool) {
	for i := range records {
		at, err := time.Parse(time.RFC3339, records[i].Timestamp)
		if err != nil || ok && !at.After(newest.at) {
			continue
		}
		newest, ok = usageRecord{MetricRecord: records[i], at: at}, true
	}
	if newest.at.After(now) {
		newest.at = now // the clock of the cloud is ahead of ours
	}
	return newest, ok
}

// nodeUsage is what all pods use together.
type nodeUsage struct {
	// unknown says that pods run and none of them has a record.
	unknown bool
	at      metav1.Time // of the newest record; zero without one
	cpu     eci.CPUMetric
	memory  eci.MemoryMetric
}

// usageOf returns every pod with a live group and what it uses, and their sum.
// Where the cloud gives no record the pod is still listed; err tells why, and the
// pods are good all the same.
func (p *Provider) usageOf(ctx context.Context) ([]podUsage, nodeUsage, error) {
	entries, records, spent, err := p.readUsage(ctx)
	pods := make([]podUsage, 0, len(entries))
	var node nodeUsage
	now := p.deps.Clock.Now()
	for _, e := range entries {
		u := podUsage{entry: e}
		if r, ok := records[e.pod.UID]; ok && now.Sub(r.at) < recordLife {
			u.record = &r
			node.add(&r)
		}
		node.unknown = node.unknown || u.record == nil && e.status != nil && e.status.Phase == corev1.PodRunning
		pods = append(pods, u)
	}
	node.unknown = node.unknown && node.at.IsZero()
	node.cpu.UsageCoreNanoSeconds = spent
	return pods, node, err
}

func (n *nodeUsage) add(r *usageRecord) {
	if r.at.After(n.at.Time) {
		n.at = metav1.NewTime(r.at)
	}
	n.cpu.UsageNanoCores += r.CPU.UsageNanoCores
	n.memory.UsageBytes += r.Memory.UsageBytes
	n.memory.WorkingSet += r.Memory.WorkingSet
	n.memory.RSS += r.Memory.RSS
	n.memory.AvailableBytes += r.Memory.AvailableBytes
}

// readUsage returns the pods with a live group, their records, and what they have spent.
// It lists the pods under the lock: a reader with an older list would drop the record of
// a newer pod, whose whole counter would then be added again. Once in
// usageAge it reads all of them; in between only those that were never asked for.
// Records that could not be read now are the older ones. A reader that leaves
// does not keep the others from its answer.
func (p *Provider) readUsage(ctx context.Context) ([]entry, map[types.UID]usageRecord, int64, error) {
	cache := &p.usage
	cache.mu.Lock()
	defer cache.mu.Unlock()
	entries := p.store.all((*entry).running)
	now := p.deps.Clock.Now()
	all := now.Sub(cache.readAt) >= usageAge
	if all {
		cache.readAt = now
	}
	owners := map[string]types.UID{}
	tried, records := map[types.UID]bool{}, map[types.UID]usageRecord{}
	for _, e := range entries {
		uid := e.pod.UID
		if all || !cache.tried[uid] {
			owners[e.groupID] = uid
		}
		tried[uid] = true
		if r, had := cache.records[uid]; had {
			records[uid] = r
		}
	}
	read, err := p.readMetrics(context.WithoutCancel(ctx), slices.Sorted(maps.Keys(owners)))
	for _, data := range read {
		uid, ours := owners[data.ContainerGroupID]
		newest, ok := newestRecord(data.Records, now)
		if !ours || !ok || newest.at.Before(records[uid].at) { // an answer may be older than the last one
			continue
		}
		cache.spend(newest.CPU.UsageCoreNanoSeconds, records[uid].CPU.UsageCoreNanoSeconds)
		records[uid] = newest
	}
	cache.tried, cache.records = tried, records
	return entries, maps.Clone(records), cache.spent, err
}

// spend adds what a counter has grown by; one that has fallen began again.
func (c *usageCache) spend(now, before int64) {
	if now < before {
		before = 0
	}
	c.spent += now - before
}

// readMetrics asks for groups, eci.MaxGroupsPerPage at a time. What it returns is
// good whatever the error says of others.
func (p *Provider) readMetrics(ctx context.Context, ids []string) ([]eci.MonitorData, error) {
	var mu sync.Mutex
	var read []eci.MonitorData
	var problems []error
	var group errgroup.Group
	group.SetLimit(usageReaders)
	for batch := range slices.Chunk(ids, eci.MaxGroupsPerPage) {
		group.Go(func() error {
			defer utilruntime.HandleCrashWithContext(ctx)
			var data []eci.MonitorData
			err := catchPanic(ctx, func() (err error) {
				data, err = p.readMetricsOf(ctx, batch)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			read, problems = append(read, data...), append(problems, err)
			return nil
		})
	}
	_ = group.Wait() // the problems are collected
	return read, errors.Join(problems...)
}

// readMetricsOf asks for groups in one call. Where the cloud refuses them for one that
// it does not know or like, the halves are asked for, so that one bad pod hides
// nothing but itself.
func (p *Provider) readMetricsOf(ctx context.Context, ids []string) ([]eci.MonitorData, error) {
	resp, err := p.cloud.DescribeMultiContainerGroupMetric(eci.WithPriority(ctx, eci.PriorityUser), &eci.DescribeMultiContainerGroupMetricRequest{
		ContainerGroupIDs: ids, MetricType: eci.MetricTypeSummary,
	})
	if err == nil {
		return resp.MonitorDatas, nil
	}
	if len(ids) == 1 || !eci.IsNotFound(err) && !eci.IsInvalid(err) {
		return nil, err
	}
	half := len(ids) / 2
	first, firstErr := p.readMetricsOf(ctx, ids[:half])
	second, secondErr := p.readMetricsOf(ctx, ids[half:])
	return append(first, second...), errors.Join(firstErr, secondErr)
}
