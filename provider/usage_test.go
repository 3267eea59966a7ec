package provider

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

const metricCalls = eci.ActionDescribeMultiContainerGroupMetric

func (w *world) mustRunMany(n int) []*corev1.Pod {
	w.Helper()
	pods := make([]*corev1.Pod, n)
	for i := range pods {
		pods[i] = w.mustRun(fmt.Sprintf("web-%d", i))
	}
	return pods
}

// mustSummarize returns the answer of /stats/summary and the names of the pods
// that have figures in it.
func (w *world) mustSummarize() (*statsv1alpha1.Summary, map[string]bool) {
	w.Helper()
	summary, err := w.GetStatsSummary(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	measured := map[string]bool{}
	for _, pod := range summary.Pods {
		if pod.CPU != nil && *pod.CPU.UsageCoreNanoSeconds > 0 && *pod.Memory.WorkingSetBytes > 0 {
			measured[pod.PodRef.Name] = true
		}
	}
	return summary, measured
}

func (w *world) mustMeasure() map[string]*dto.MetricFamily {
	w.Helper()
	families, err := w.GetMetricsResource(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

func TestUsageIsReadTwentyGroupsACallWhoeverAsks(t *testing.T) {
	w := newWorld(t)
	w.mustRunMany(45)
	w.pass(time.Minute)
	expectCalls := func(what string, want int) {
		t.Helper()
		before := w.calls(metricCalls)
		summary, measured := w.mustSummarize()
		if len(summary.Pods) != len(w.pods.List()) || len(measured) != len(summary.Pods) {
			t.Errorf("%s: %d pods, %d with figures, want %d", what, len(summary.Pods), len(measured), len(w.pods.List()))
		}
		for range 10 {
			w.mustSummarize()
			w.mustMeasure()
		}
		if got := w.calls(metricCalls) - before; got != want {
			t.Errorf("%s: %d calls, want %d", what, got, want)
		}
	}
	expectCalls("at first", 3)
	w.pass(usageAge - time.Second)
	expectCalls("while the figures are young", 0)
	w.mustRun("late") // a second goes by
	w.emClock.Advance(time.Second)
	expectCalls("once they are old, with another pod", 3)
	w.mustRun("later")
	w.emClock.Advance(time.Second)
	expectCalls("for a pod that is new since", 1)
}

func TestOneBadPodHidesNoOther(t *testing.T) {
	for name, code := range map[string]struct {
		status int
		code   string
	}{
		"that the cloud does not know": {404, eci.CodeNotFound},
		"that the cloud does not like": {400, eci.CodeInvalidParameter},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pods := w.mustRunMany(45)
			w.pass(time.Minute)
			bad := w.store.all(func(e *entry) bool { return e.pod.UID == pods[7].UID })[0].groupID
			w.emulator.Faults().Inject(emulator.Fault{
				Action: metricCalls, Error: emulator.Refusal(code.status, code.code),
				When: func(_ string, params map[string]string) bool {
					return strings.Contains(params["ContainerGroupIds"], bad)
				},
			})
			summary, measured := w.mustSummarize()
			if len(summary.Pods) != 45 || len(measured) != 44 || measured["web-7"] {
				t.Errorf("%d pods, %d with figures, want 45 and all but web-7", len(summary.Pods), len(measured))
			}
			// 3 calls, and at most 2 more for each halving of the batch of 20.
			if calls := w.calls(metricCalls); calls > 3+2*5 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

func TestFiguresOutlastACloudThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.mustRunMany(25)
	w.pass(time.Minute)
	w.mustSummarize()
	fault := w.emulator.Faults().Inject(emulator.Fault{Action: metricCalls, Error: emulator.Unavailable()})
	w.pass(usageAge)
	for range 5 {
		if _, measured := w.mustSummarize(); len(measured) != 25 {
			t.Errorf("%d pods have figures, want the older ones of 25", len(measured))
		}
	}
	if fault.Hits() != 2 {
		t.Errorf("%d calls to a cloud that does not answer, want one for each batch", fault.Hits())
	}
}

func TestTheCPUOfTheNodeNeverFallsAndHasTheTimeOfItsFigures(t *testing.T) {
	w := newWorld(t)
	pods := w.mustRunMany(3)
	w.pass(time.Minute)
	node := func() *dto.Metric {
		t.Helper()
		return w.mustMeasure()["node_cpu_usage_seconds_total"].Metric[0]
	}
	first := node()
	w.pass(5 * time.Second)
	if again := node(); again.GetTimestampMs() != first.GetTimestampMs() || again.Counter.GetValue() != first.Counter.GetValue() {
		t.Errorf("young figures changed: %v to %v", first, again)
	}
	if err := w.DeletePod(t.Context(), w.deleting(pods[0], 0)); err != nil {
		t.Fatal(err)
	}
	w.mustRemovePod(pods[0])
	for range 3 { // one sighting of its absence may be stale
		w.pass(20 * time.Second)
		w.tick()
	}
	if summary, _ := w.mustSummarize(); len(summary.Pods) != 2 {
		t.Fatalf("%d pods, want 2", len(summary.Pods))
	}
	if later := node(); later.Counter.GetValue() <= first.Counter.GetValue() || later.GetTimestampMs() <= first.GetTimestampMs() {
		t.Errorf("the node's CPU went from %v to %v when a pod went", first, later)
	}
}

func TestAContainerTellsWhenItStarted(t *testing.T) {
	w := newWorld(t)
	pod := w.mustRun("web")
	w.pass(time.Minute)
	want := w.told[pod.UID].Status.ContainerStatuses[0].State.Running.StartedAt
	if got := w.mustMeasure()["container_start_time_seconds"].Metric[0].Gauge.GetValue(); int64(got) != want.Unix() {
		t.Errorf("it started at %v, want %d", got, want.Unix())
	}
	if summary, _ := w.mustSummarize(); !summary.Pods[0].Containers[0].StartTime.Equal(&want) {
		t.Errorf("it started at %s, want %s", summary.Pods[0].Containers[0].StartTime, want)
	}
}

// answerMetrics has the cloud answer with these records for every group.
type answerMetrics struct {
	Cloud
	records []eci.MetricRecord
}

func (c *answerMetrics) DescribeMultiContainerGroupMetric(_ context.Context, req *eci.DescribeMultiContainerGroupMetricRequest) (*eci.DescribeMultiContainerGroupMetricResponse, error) {
	resp := &eci.DescribeMultiContainerGroupMetricResponse{}
	for _, id := range req.ContainerGroupIDs {
		resp.MonitorDatas = append(resp.MonitorDatas, eci.MonitorData{ContainerGroupID: id, Records: c.records})
	}
	return resp, nil
}

// recordAt is a record of one container, taken that long after now.
func (w *world) recordAt(after time.Duration, spent int64) eci.MetricRecord {
	cpu := eci.CPUMetric{UsageCoreNanoSeconds: spent * 1e9}
	return eci.MetricRecord{Timestamp: w.clock.Now().Add(after).Format(time.RFC3339), CPU: cpu, Containers: []eci.ContainerMetric{{Name: "app", CPU: cpu}}}
}

func (w *world) measuredBy(records ...eci.MetricRecord) *answerMetrics {
	fake := &answerMetrics{Cloud: w.Provider.cloud.cloud, records: records}
	w.Provider.cloud.cloud = fake
	return fake
}

func TestUsage_APodWithoutARecordIsLeftOut(t *testing.T) {
	w := newWorld(t)
	for name, records := range map[string][]eci.MetricRecord{
		"no record":                    nil,
		"a record without a time":      {{CPU: eci.CPUMetric{UsageCoreNanoSeconds: 1}}},
		"a record of long ago":         {w.recordAt(-recordLife, 5)},
		"a record of no time and none": {{Timestamp: "yesterday"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustRun("web")
			w.measuredBy(records...)
			for metric, family := range w.mustMeasure() {
				if len(family.Metric) > 0 {
					t.Errorf("%s has %v", metric, family.Metric)
				}
			}
			summary, _ := w.mustSummarize()
			if len(summary.Pods) != 1 || summary.Pods[0].CPU != nil || summary.Pods[0].Memory != nil || summary.Node.CPU != nil {
				t.Errorf("the summary has %+v", summary)
			}
		})
	}
}

func TestUsage_OnePodWithARecordIsShownBesideOneWithout(t *testing.T) {
	w := newWorld(t)
	w.mustRun("web")
	fake := w.measuredBy(w.recordAt(0, 5))
	w.mustMeasure()
	fake.records = nil
	w.mustRun("other") // asked for alone
	families := w.mustMeasure()
	if pods := families["pod_cpu_usage_seconds_total"].Metric; len(pods) != 1 || pods[0].Counter.GetValue() != 5 {
		t.Errorf("pods: %v", pods)
	}
	if node := families["node_cpu_usage_seconds_total"].Metric; len(node) != 1 || node[0].Counter.GetValue() != 5 {
		t.Errorf("node: %v", node)
	}
}

func TestUsage_ANodeWithoutPodsUsesNothing(t *testing.T) {
	w := newWorld(t)
	if node := w.mustMeasure()["node_cpu_usage_seconds_total"].Metric; len(node) != 1 || node[0].Counter.GetValue() != 0 {
		t.Errorf("node: %v", node)
	}
}

func TestUsage_TheNodeStartedWhenItsProcessDid(t *testing.T) {
	w := newWorld(t)
	began := w.clock.Now()
	for range 2 {
		w.pass(time.Hour)
		if summary, _ := w.mustSummarize(); !summary.Node.StartTime.Time.Equal(began) {
			t.Errorf("it started at %s, want %s", summary.Node.StartTime, began)
		}
	}
}

func TestUsage_NoFigureIsOfTheFutureOrFallsBack(t *testing.T) {
	w := newWorld(t)
	w.mustRun("web")
	fake := w.measuredBy(w.recordAt(-time.Minute, 10), w.recordAt(time.Hour, 30), w.recordAt(0, 20))
	at := func(want float64) {
		t.Helper()
		for _, name := range []string{"pod_cpu_usage_seconds_total", "node_cpu_usage_seconds_total", "container_cpu_usage_seconds_total"} {
			m := w.mustMeasure()[name].Metric[0]
			if m.Counter.GetValue() != want || m.GetTimestampMs() > w.clock.Now().UnixMilli() {
				t.Errorf("%s is %v at %d, want %v at %d", name, m.Counter.GetValue(), m.GetTimestampMs(), want, w.clock.Now().UnixMilli())
			}
		}
	}
	at(30)
	fake.records = []eci.MetricRecord{w.recordAt(-time.Minute, 12)} // a replica that lags
	w.pass(usageAge)
	at(30)
	fake.records = []eci.MetricRecord{w.recordAt(0, 31)}
	w.pass(usageAge)
	at(31)
}

func TestUsage_FiguresBelowZeroAreNone(t *testing.T) {
	w := newWorld(t)
	w.mustRun("web")
	w.measuredBy(w.recordAt(0, -5))
	summary, _ := w.mustSummarize()
	if got := *summary.Pods[0].CPU.UsageCoreNanoSeconds; got != 0 {
		t.Errorf("%d nanoseconds", got)
	}
}

// TestUsage_NoSeriesTwice overlaps a pod that was forced away with its successor.
func TestUsage_NoSeriesTwice(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.Delays.Terminate = time.Hour })
	old := w.mustRun("web-0")
	w.pass(20 * time.Second)
	w.mustMeasure()
	w.mustDelete(old, 600)
	w.tick()
	w.mustRemovePod(old)
	w.mustRun("web-0", func(p *corev1.Pod) { p.UID = "uid-next" })
	w.pass(40 * time.Second)
	w.tick()
	for name, f := range w.mustMeasure() {
		seen := map[string]bool{}
		for _, m := range f.Metric {
			if key := fmt.Sprint(m.Label); seen[key] {
				t.Errorf("%s twice: %s", name, key)
			} else {
				seen[key] = true
			}
		}
		if strings.HasPrefix(name, "pod_") && len(seen) != 1 {
			t.Errorf("%s has %d series, want that of the successor", name, len(seen))
		}
	}
}

// TestUsage_OverlappingReadsCountNothingTwice has a reader that began before a pod was
// there, and waits while others read what the pod uses.
func TestUsage_OverlappingReadsCountNothingTwice(t *testing.T) {
	w := newWorld(t)
	w.mustRun("early")
	w.usage.mu.Lock()
	overlapped := make(chan error, 1)
	go func() {
		_, err := w.GetMetricsResource(w.Context())
		overlapped <- err
	}()
	w.eventually("a reader waits", func() bool {
		stacks := make([]byte, 1<<20)
		return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "provider.(*Provider).readUsage(")
	})
	w.mustRun("late")
	w.pass(time.Minute)
	w.usage.mu.Unlock()
	nodeCPU := func() float64 { return w.mustMeasure()["node_cpu_usage_seconds_total"].Metric[0].Counter.GetValue() }
	before := nodeCPU()
	if err := <-overlapped; err != nil {
		t.Fatal(err)
	}
	if after := nodeCPU(); after != before {
		t.Errorf("the node's CPU went from %v to %v s while no time passed", before, after)
	}
}
