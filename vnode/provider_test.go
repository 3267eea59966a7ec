package vnode

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testProvider is a Provider keyed by UID, in memory. Pods do nothing by
// themselves: tests report their statuses.
type testProvider struct {
	mu     sync.Mutex
	pods   map[types.UID]*corev1.Pod
	calls  []string // "create uid", ...
	report func(*corev1.Pod)

	// Each answers a call if it returns an error.
	onCreate, onUpdate, onDelete, onGet func(*corev1.Pod) error
	created                             func(*corev1.Pod) // after a successful create
	deleted                             func(*corev1.Pod) // after a successful delete
}

var _ Provider = (*testProvider)(nil)

func newTestProvider() *testProvider {
	return &testProvider{pods: map[types.UID]*corev1.Pod{}}
}

func (p *testProvider) record(op string, pod *corev1.Pod, answer func(*corev1.Pod) error) error {
	p.mu.Lock()
	p.calls = append(p.calls, op+" "+string(pod.UID))
	p.mu.Unlock()
	if answer != nil {
		return answer(pod)
	}
	return nil
}

func (p *testProvider) CreatePod(_ context.Context, pod *corev1.Pod) error {
	if err := p.record("create", pod, p.onCreate); err != nil {
		return err
	}
	p.mu.Lock()
	p.pods[pod.UID] = pod.DeepCopy()
	p.mu.Unlock()
	if p.created != nil {
		p.created(pod)
	}
	return nil
}

func (p *testProvider) UpdatePod(_ context.Context, pod *corev1.Pod) error {
	if err := p.record("update", pod, p.onUpdate); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods[pod.UID] = pod.DeepCopy()
	return nil
}

func (p *testProvider) DeletePod(_ context.Context, pod *corev1.Pod) error {
	if err := p.record("delete", pod, p.onDelete); err != nil {
		return err
	}
	p.mu.Lock()
	_, ok := p.pods[pod.UID]
	p.mu.Unlock()
	if !ok {
		return errdefs.NotFoundf("pod %s", pod.UID)
	}
	if p.deleted != nil {
		p.deleted(pod)
	}
	return nil
}

func (p *testProvider) GetPod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	if p.onGet != nil {
		if err := p.onGet(nil); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pod := range p.pods {
		if pod.Namespace == namespace && pod.Name == name {
			return pod.DeepCopy(), nil
		}
	}
	return nil, errdefs.NotFoundf("pod %s/%s", namespace, name)
}

func (p *testProvider) GetPodStatus(ctx context.Context, namespace, name string) (*corev1.PodStatus, error) {
	pod, err := p.GetPod(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return &pod.Status, nil
}

func (p *testProvider) GetPods(context.Context) ([]*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pods []*corev1.Pod
	for _, pod := range p.pods {
		pods = append(pods, pod.DeepCopy())
	}
	return pods, nil
}

func (p *testProvider) NotifyPods(_ context.Context, report func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report = report
}

// tell reports a status for a pod.
func (p *testProvider) tell(pod *corev1.Pod, status corev1.PodStatus, annotations ...string) {
	report := &corev1.Pod{ObjectMeta: *pod.ObjectMeta.DeepCopy(), Status: status}
	report.Annotations = map[string]string{}
	for i := 0; i+1 < len(annotations); i += 2 {
		report.Annotations[annotations[i]] = annotations[i+1]
	}
	p.mu.Lock()
	callback := p.report
	p.mu.Unlock()
	callback(report)
}

func (p *testProvider) drop(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pods, uid)
}

func (p *testProvider) has(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods[pod.UID] = pod.DeepCopy()
}

// count says how often op was called for a pod.
func (p *testProvider) count(op string, pod *corev1.Pod) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, call := range p.calls {
		if call == fmt.Sprintf("%s %s", op, pod.UID) {
			n++
		}
	}
	return n
}

func (p *testProvider) allCalls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

func running(ip string) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip,
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}},
	}
}

func ended(phase corev1.PodPhase, exitCode int32) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: phase,
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: exitCode}},
		}},
	}
}
