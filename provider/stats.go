package provider

import (
	"context"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// GetStatsSummary is what /stats/summary answers: every pod with a live group,
// with its usage where the cloud has a record, and the node as their sum.
func (p *Provider) GetStatsSummary(ctx context.Context) (*statsv1alpha1.Summary, error) {
	pods, node, err := p.usageOf(ctx)
	if err != nil {
		log.G(ctx).WithError(err).Warn("reading the usage of container groups failed; older figures are shown")
	}
	summary := &statsv1alpha1.Summary{Node: statsv1alpha1.NodeStats{
		NodeName: p.cfg.Request.NodeName, StartTime: metav1.NewTime(p.usage.began),
	}}
	for _, u := range pods {
		summary.Pods = append(summary.Pods, podStats(u))
	}
	if node.unknown {
		return summary, nil
	}
	if node.at.IsZero() {
		node.at = metav1.NewTime(p.deps.Clock.Now()) // it uses nothing
	}
	summary.Node.CPU = cpuStats(node.at, node.cpu)
	summary.Node.Memory = memoryStats(node.at, node.memory)
	return summary, nil
}

func podStats(u podUsage) statsv1alpha1.PodStats {
	stats := statsv1alpha1.PodStats{
		PodRef:    statsv1alpha1.PodReference{Name: u.pod.Name, Namespace: u.pod.Namespace, UID: string(u.pod.UID)},
		StartTime: u.start(),
	}
	if u.record == nil {
		for _, c := range u.pod.Spec.Containers {
			stats.Containers = append(stats.Containers, statsv1alpha1.ContainerStats{Name: c.Name, StartTime: u.startOf(c.Name)})
		}
		return stats
	}
	at := metav1.NewTime(u.record.at)
	stats.CPU, stats.Memory = cpuStats(at, u.record.CPU), memoryStats(at, u.record.Memory)
	stats.Network = networkStats(at, u.record.Network)
	for _, c := range u.record.Containers {
		stats.Containers = append(stats.Containers, statsv1alpha1.ContainerStats{
			Name: c.Name, StartTime: u.startOf(c.Name), CPU: cpuStats(at, c.CPU), Memory: memoryStats(at, c.Memory),
		})
	}
	return stats
}

// start is when the pod started, or was made.
func (u podUsage) start() metav1.Time {
	if u.status != nil && u.status.StartTime != nil {
		return *u.status.StartTime
	}
	return u.pod.CreationTimestamp
}

// startOf is when a container started; while it does not run, when its pod did.
func (u podUsage) startOf(container string) metav1.Time {
	if u.status != nil {
		for i := range u.status.ContainerStatuses {
			if c := &u.status.ContainerStatuses[i]; c.Name == container && c.State.Running != nil && !c.State.Running.StartedAt.IsZero() {
				return c.State.Running.StartedAt
			}
		}
	}
	return u.start()
}

// count is a figure of the cloud as the kubelet shows it, which has none below zero.
func count(n int64) *uint64 { return ptr.To(uint64(max(n, 0))) }

func cpuStats(at metav1.Time, m eci.CPUMetric) *statsv1alpha1.CPUStats {
	return &statsv1alpha1.CPUStats{
		Time:                 at,
		UsageNanoCores:       count(m.UsageNanoCores),
		UsageCoreNanoSeconds: count(m.UsageCoreNanoSeconds),
	}
}

func memoryStats(at metav1.Time, m eci.MemoryMetric) *statsv1alpha1.MemoryStats {
	return &statsv1alpha1.MemoryStats{
		Time:            at,
		AvailableBytes:  count(m.AvailableBytes),
		UsageBytes:      count(m.UsageBytes),
		WorkingSetBytes: count(m.WorkingSet),
		RSSBytes:        count(m.RSS),
	}
}

func networkStats(at metav1.Time, m eci.NetworkMetric) *statsv1alpha1.NetworkStats {
	if len(m.Interfaces) == 0 {
		return nil
	}
	stats := &statsv1alpha1.NetworkStats{Time: at}
	for _, i := range m.Interfaces {
		stats.Interfaces = append(stats.Interfaces, statsv1alpha1.InterfaceStats{
			Name:     i.Name,
			RxBytes:  count(i.RxBytes),
			RxErrors: count(i.RxErrors),
			TxBytes:  count(i.TxBytes),
			TxErrors: count(i.TxErrors),
		})
	}
	stats.InterfaceStats = stats.Interfaces[0]
	return stats
}
