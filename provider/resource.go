package provider

import (
	"context"

	dto "github.com/prometheus/client_model/go"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// GetMetricsResource is what /metrics/resource answers, under the names and
// labels of the kubelet: metrics-server reads it.
func (p *Provider) GetMetricsResource(ctx context.Context) ([]*dto.MetricFamily, error) {
	pods, node, err := p.usageOf(ctx)
	if err != nil {
		log.G(ctx).WithError(err).Warn("reading the usage of container groups failed; older figures are shown")
	}
	cpu := family("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", dto.MetricType_COUNTER)
	memory := family("container_memory_working_set_bytes", "Current working set of the container in bytes", dto.MetricType_GAUGE)
	podCPU := family("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", dto.MetricType_COUNTER)
	podMemory := family("pod_memory_working_set_bytes", "Current working set of the pod in bytes", dto.MetricType_GAUGE)
	nodeCPU := family("node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds", dto.MetricType_COUNTER)
	nodeMemory := family("node_memory_working_set_bytes", "Current working set of the node in bytes", dto.MetricType_GAUGE)
	starts := family("container_start_time_seconds", "Start time of the container since unix epoch in seconds", dto.MetricType_GAUGE)
	for _, u := range newestOfName(pods) {
		if u.record == nil {
			continue // 0 would be a figure: the pod is idle, and its counter fell
		}
		record, at := u.record, metav1.NewTime(u.record.at)
		for _, c := range record.Containers {
			add(cpu, cpuSeconds(c.CPU), at, containerLabels(u.pod, c.Name))
			add(memory, float64(c.Memory.WorkingSet), at, containerLabels(u.pod, c.Name))
			// A start has no other time than itself.
			add(starts, float64(u.startOf(c.Name).UnixNano())/1e9, metav1.Time{}, containerLabels(u.pod, c.Name))
		}
		add(podCPU, cpuSeconds(record.CPU), at, podLabels(u.pod))
		add(podMemory, float64(record.Memory.WorkingSet), at, podLabels(u.pod))
	}
	if !node.unknown {
		add(nodeCPU, cpuSeconds(node.cpu), node.at, nil)
		add(nodeMemory, float64(node.memory.WorkingSet), node.at, nil)
	}
	return []*dto.MetricFamily{nodeCPU, nodeMemory, podCPU, podMemory, cpu, memory, starts}, nil
}

// newestOfName leaves out the pods that have a newer namesake: one that was forced away
// ends while its successor runs, and a series must not be there twice.
func newestOfName(pods []podUsage) []podUsage {
	newest := map[types.NamespacedName]*entry{}
	for i := range pods {
		e := &pods[i].entry
		if other := newest[nameOf(e.pod)]; other == nil || e.newerThan(other) {
			newest[nameOf(e.pod)] = e
		}
	}
	var kept []podUsage
	for i := range pods {
		if newest[nameOf(pods[i].pod)] == &pods[i].entry {
			kept = append(kept, pods[i])
		}
	}
	return kept
}

func cpuSeconds(m eci.CPUMetric) float64 { return float64(m.UsageCoreNanoSeconds) / 1e9 }

func family(name, help string, kind dto.MetricType) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: &kind}
}

// add appends one metric, stamped with a time unless that is zero: a counter
// where the family counts, else a gauge.
func add(f *dto.MetricFamily, value float64, at metav1.Time, labels []*dto.LabelPair) {
	m := &dto.Metric{Label: labels}
	if !at.IsZero() {
		m.TimestampMs = ptr.To(at.UnixMilli())
	}
	if f.GetType() == dto.MetricType_COUNTER {
		m.Counter = &dto.Counter{Value: &value}
	} else {
		m.Gauge = &dto.Gauge{Value: &value}
	}
	f.Metric = append(f.Metric, m)
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func podLabels(pod *corev1.Pod) []*dto.LabelPair {
	return []*dto.LabelPair{label("namespace", pod.Namespace), label("pod", pod.Name)}
}

// containerLabels has the pod second, where virtual-kubelet's own test suite
// looks for it; the order of labels means nothing to any other reader.
func containerLabels(pod *corev1.Pod, container string) []*dto.LabelPair {
	return []*dto.LabelPair{label("container", container), label("pod", pod.Name), label("namespace", pod.Namespace)}
}
