package campaign

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// mustWorld is a world without bad luck.
func mustWorld(t *testing.T, off Protection) *world {
	t.Helper()
	w, err := newWorld(off, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.rng = rand.New(rand.NewPCG(1, 1))
	w.quiet = true
	return w
}

// poison spoils a pod in one way.
var poison = map[string]func(*corev1.Pod){
	"a name of another place":  func(p *corev1.Pod) { p.Name = "../../" + p.Name + "/..%2f" },
	"a name that breaks lines": func(p *corev1.Pod) { p.Name += "\n\x00\"'`$(reboot)\u202e" },
	"a name without an end":    func(p *corev1.Pod) { p.Name = strings.Repeat("n", 100_000) },
	"a variable of a megabyte": func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("v", 1<<20)}}
	},
	"a thousand variables":   func(p *corev1.Pod) { p.Spec.Containers[0].Env = make([]corev1.EnvVar, 1_000) },
	"a hundred containers":   func(p *corev1.Pod) { p.Spec.Containers = make([]corev1.Container, 100) },
	"no container":           func(p *corev1.Pod) { p.Spec.Containers = nil },
	"no text":                func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"\xff\xfe\x00", ""} },
	"a label of another tag": func(p *corev1.Pod) { p.Labels = map[string]string{"k8s.aliyun.com/": "\x00", "": ""} },
	"annotations of no meaning": func(p *corev1.Pod) {
		p.Annotations = map[string]string{"k8s.aliyun.com/eci-use-specs": strings.Repeat("9,", 5_000), "k8s.aliyun.com/eci-custom-tags": "\x00:\xff"}
	},
	"a translation that panics": func(p *corev1.Pod) { p.Labels = map[string]string{panics: ""} },
	"calls that all fail":       func(p *corev1.Pod) { p.Name += failing },
}

const failing = "-fails"

func TestAPoisonedPodStopsNoOther(t *testing.T) {
	for name, spoil := range poison {
		t.Run(name, func(t *testing.T) {
			w := mustWorld(t, Poisoned)
			w.emulator.Faults().Inject(emulator.Fault{Error: &eci.Error{HTTPStatus: 500, Code: "InternalError"}, When: func(_ string, params map[string]string) bool {
				for _, value := range params {
					if strings.HasSuffix(value, failing) {
						return true
					}
				}
				return false
			}})
			bad := map[types.UID]bool{}
			for i := range 40 {
				w.makePod(fmt.Sprintf("pod-%d", i), podKinds[0], false)
				if i%2 == 0 { // half of them, before and between the others
					bad[w.spoil(fmt.Sprintf("pod-%d", i), spoil)] = true
				}
			}
			w.mustGoOn(t, "the others run", func(pod *corev1.Pod) bool { return bad[pod.UID] || pod.Status.Phase == corev1.PodRunning })
			for _, pod := range w.api.list() {
				if !bad[pod.UID] {
					w.askDelete(pod, 1)
				}
			}
			w.mustGoOn(t, "the others are gone", func(pod *corev1.Pod) bool { return bad[pod.UID] })
		})
	}
}

// spoil puts another pod in the place of one that was just made.
func (w *world) spoil(name string, how func(*corev1.Pod)) types.UID {
	pod := w.api.pods[name].DeepCopy()
	delete(w.api.pods, name)
	how(pod)
	w.pods[pod.UID].touched = true // it may fail
	w.api.log = w.api.log[:len(w.api.log)-1]
	w.api.store(pod)
	return pod.UID
}

// mustGoOn lets time pass until all pods are as they should be.
func (w *world) mustGoOn(t *testing.T, what string, good func(*corev1.Pod) bool) {
	t.Helper()
	for deadline := w.clock.Now().Add(calmAfter); ; {
		if w.turn() {
			continue
		}
		wrong := ""
		for _, pod := range w.api.list() {
			if !good(pod) {
				wrong = fmt.Sprintf("%.60q is %s", pod.Name, pod.Status.Phase)
			}
		}
		if w.violation != nil {
			t.Fatalf("breaks %q: %.300s", w.violation.Invariant, w.violation.What)
		}
		if wrong == "" {
			return
		}
		if w.clock.Now().After(deadline) {
			t.Fatalf("not after %s: %s: %s", calmAfter, what, wrong)
		}
		w.leap(5 * time.Second)
	}
}

func TestPodsThatCannotBeMadeTakeUpNoMoreWithEveryTry(t *testing.T) {
	w := mustWorld(t, NoneOff)
	w.emulator.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{}, Action: eci.ActionCreateContainerGroup})
	i, err := w.newInstance()
	if err != nil {
		t.Fatal(err)
	}
	i.drive(func() { i.recovered = i.pods.Recover(i.ctx) == nil })
	i.budget = newBudget(nil) // what waits for its turn in the budget is not waited for here
	for n := range *crowd {
		w.makePod(fmt.Sprintf("pod-%d", n), podKinds[n%3], false)
	}
	w.tryAll(i) // statuses are written with the second try
	first := w.tryAll(i)
	var after uint64
	for range 2 {
		after = w.tryAll(i)
	}
	t.Logf("%d pods: %d bytes each after the second try, %d after the fourth", *crowd, first/uint64(*crowd), after/uint64(*crowd))
	if after > first+first/10 {
		t.Errorf("%d bytes after the second try of all pods, %d after the fourth", first, after)
	}
	if len(w.emulator.Briefs()) > 0 || w.violation != nil {
		t.Errorf("%d groups, %+v", len(w.emulator.Briefs()), w.violation)
	}
}

// tryAll has every pod worked on once, and returns how many bytes the heap then
// holds.
func (w *world) tryAll(i *instance) uint64 {
	for i.cursor < len(w.api.log) {
		i.deliver()
	}
	w.advance(time.Minute) // longer than the longest pause of a queue
	for _, q := range i.queues() {
		q.settle()
		for n := len(q.ready); n > 0; n-- {
			i.drive(func() { i.pods.Work(i.ctx, q) })
		}
	}
	w.api.log, i.cursor = nil, 0 // the API server's memory is not ours
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

// drive runs a task to its end, whatever it waits for.
func (i *instance) drive(run func()) {
	t := newTask(run)
	for i.w.task = t; !t.over; {
		t.resume()
	}
}
