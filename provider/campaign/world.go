package campaign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// What the processes of a world are configured with.
const (
	// repairEvery is shorter than the default, so that a short history has some.
	repairEvery = 30 * time.Second
	// massOrphanGrace is, too: with few pods they are often all orphans.
	massOrphanGrace = 5 * time.Minute

	region    = "cn-hangzhou"
	clusterID = "cluster-1"
	nodeName  = "virtual-kubelet"
	namespace = "default"

	accessKeyID      = "emulator"
	accessKeySecret  = "key-secret-of-the-account"
	securityToken    = "token-of-the-role"
	registryPassword = "password-of-the-registry"
	secretValue      = "value-of-a-secret"
	tokenValue       = "token-of-a-service-account"
)

const (
	// calmAfter is how long everything may take to converge once the faults
	// have stopped: two passes of the reaper around its grace, after the longest
	// pause of a pod that found no stock.
	calmAfter = 20 * time.Minute
	// doubtAfter is the same where nothing shows that lists work until the last pod is
	// made: for a pod whose ClientToken is used up by a group that is gone before anybody
	// learnt its name, and in an account without any group for one whose user overwrote
	// the name.
	doubtAfter = 40 * time.Minute
	// lastPodAfter is when one more pod is made while something is still missing: a
	// list that shows its group is known to work.
	lastPodAfter = 26 * time.Minute
	// recordLife and tokenLife are how long the cloud remembers groups that have
	// ended, and ClientTokens.
	recordLife, tokenLife = time.Hour, 24 * time.Hour
	// stuckAfter is how many turns in a row the clock may stand still.
	stuckAfter = 5000
)

// Violation is an invariant that did not hold.
type Violation struct {
	Invariant string
	What      string
}

// Result is what a run came to.
type Result struct {
	// Violation is nil when every invariant held.
	Violation *Violation
	// Trace is what happened, line by line, when it was asked for.
	Trace []string
	// Turns is how often a task was picked; Calls what the cloud was asked.
	Turns, Calls int
	// Virtual is the time that passed.
	Virtual time.Duration
}

// world is one run: a cloud, an API server, processes, users and bad luck.
type world struct {
	clock    simClock
	emulator *emulator.Emulator
	api      *apiServer
	faults   faults
	lies     []*emulator.Injected // those that make lists wrong
	lastGap  time.Time            // when a complete listing was last to lie
	denied   bool                 // lists are empty
	off      Protection
	rng      *rand.Rand

	nodes   []*instance // the living; there may be two
	births  int
	skew    time.Duration // how much the clock of a process that starts is ahead
	startAt time.Time     // when a process that died is started again
	diedAt  time.Time
	task    *task

	pods      map[types.UID]*record
	made      map[string]making // groups, by id
	calls     int               // of the cloud
	names     int
	strangers int  // groups of another cluster
	quiet     bool // the faults have stopped
	doubts    bool // a ClientToken was refused since
	violation *Violation
	began     time.Time
	tracing   bool
	trace     []string
	turns     int
}

// Run plays a history with one protection off, or none, and checks every
// invariant after every turn.
func Run(h History, off Protection, trace bool) Result {
	w, err := newWorld(off, trace)
	if err != nil {
		return Result{Violation: &Violation{"setup", err.Error()}}
	}
	defer w.close()
	for _, op := range h {
		w.rng = rand.New(rand.NewPCG(uint64(op.Arg), 1))
		w.say("--- %s:%d", op.Kind, op.Arg)
		doer(op.Kind)(w)
		if w.violation != nil {
			break
		}
	}
	if w.violation == nil {
		w.rng = rand.New(rand.NewPCG(0, 2))
		w.calm()
	}
	return Result{Violation: w.violation, Trace: w.trace, Turns: w.turns, Calls: w.calls, Virtual: w.clock.Since(w.began)}
}

func newWorld(off Protection, trace bool) (*world, error) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &world{off: off, tracing: trace, pods: map[types.UID]*record{}, made: map[string]making{}, began: start, startAt: start, diedAt: start}
	w.clock.cloud = emulator.NewFakeClock(start)
	w.api = newAPIServer(w.clock.Now, w.podRemoved)
	cfg := emulator.DefaultConfig()
	cfg.Seed, cfg.Credentials = 1, goodKey()
	cfg.Retention = emulator.Retention{Records: recordLife, Newest: 0, ScheduleFailed: tokenLife}
	cfg.Delays.Scheduling, cfg.Delays.ImagePull, cfg.Delays.Start, cfg.Delays.Terminate =
		2*time.Second, time.Second, 500*time.Millisecond, time.Second
	var err error
	w.emulator, err = emulator.New(cfg, emulator.WithClock(w.clock.cloud), emulator.WithSignatureTime(w.clock.Now))
	return w, err
}

// goodKey is that of the account, without permission for some actions.
func goodKey(denied ...string) []emulator.Credential {
	return []emulator.Credential{{AccessKeyID: accessKeyID, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, Denied: denied}}
}

func (w *world) close() {
	for _, i := range w.nodes {
		i.die("end of the run")
		i.unwind()
	}
	w.emulator.Close()
}

// say adds a line to the trace.
func (w *world) say(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf("%8.2fs  ", w.clock.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
	}
}

// fail notes the first violation; the run ends with it.
func (w *world) fail(invariant, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{invariant, fmt.Sprintf(format, args...)}
		w.say("VIOLATION of %q: %s", w.violation.Invariant, w.violation.What)
	}
}

// turn lets one task go on to its next call, and says whether one could.
func (w *world) turn() bool {
	if len(w.nodes) == 0 && !w.clock.Now().Before(w.startAt) {
		w.boot()
	}
	var turns []func()
	for _, i := range w.nodes {
		turns = append(turns, i.turns()...)
	}
	if len(turns) == 0 {
		return false
	}
	w.turns++
	turns[w.rng.IntN(len(turns))]()
	w.bury()
	return true
}

// boot starts a process that knows nothing but the API server and the cloud.
func (w *world) boot() {
	i, err := w.newInstance()
	if err != nil {
		w.fail("setup", "%v", err)
		return
	}
	w.say("%s  started", i.name)
	if len(w.nodes) == 0 && w.clock.Since(w.diedAt) > recordLife {
		w.noteMissed()
	}
	if w.trusting() {
		w.heal()
	}
	w.nodes = append(w.nodes, i)
}

// bury takes away the processes that have died.
func (w *world) bury() {
	for _, i := range w.nodes {
		if i.dead {
			i.unwind()
		}
	}
	w.nodes = slices.DeleteFunc(w.nodes, func(i *instance) bool { return i.dead })
}

// advance lets time pass in the cloud and everywhere else.
func (w *world) advance(d time.Duration) {
	w.clock.cloud.Advance(d)
	w.checkGroups()
}

// leap moves the clock to the next time at which somebody wants a turn, but not
// by more than limit.
func (w *world) leap(limit time.Duration) {
	now := w.clock.Now()
	next := now.Add(limit)
	for _, i := range w.nodes {
		if at, wants := i.nextDue(); wants && at.Before(next) {
			next = at
		}
	}
	if len(w.nodes) == 0 && w.startAt.Before(next) {
		next = w.startAt
	}
	w.advance(max(next.Sub(now), time.Millisecond))
}

// calm ends all faults and waits until everything is as it should be.
func (w *world) calm() {
	w.say("--- the faults stop")
	w.endFaults()
	began, last := w.clock.Now(), false
	for still := 0; w.violation == nil; {
		if w.turn() {
			if still++; still > stuckAfter {
				w.fail("progress", "%d turns without a pause", still)
			}
			continue
		}
		still = 0
		missing := w.unsettled()
		if missing == "" {
			return
		}
		if !last && w.clock.Since(began) > lastPodAfter {
			last = true
			w.names++
			w.makePod(fmt.Sprintf("pod-%d", w.names), podKinds[0], false)
		}
		w.doubts = w.doubts || len(w.emulator.Briefs()) == 0 && w.isMisnamed()
		if w.clock.Since(began) > calmAfter && !w.doubts || w.clock.Since(began) > doubtAfter {
			w.fail("convergence", "%s after the faults stopped: %s", w.clock.Since(began), missing)
			return
		}
		w.leap(5 * time.Second)
	}
}

// isMisnamed reports whether a user overwrote the name of the group of a pod that is not
// as it should be.
func (w *world) isMisnamed() bool {
	return slices.ContainsFunc(w.api.list(), func(pod *corev1.Pod) bool {
		return w.pods[pod.UID].misnamed && w.podUnsettled(pod, "") != ""
	})
}

// liveGroups are the groups that cost money, by id.
func (w *world) liveGroups() map[string]emulator.Brief {
	live := map[string]emulator.Brief{}
	for _, g := range w.emulator.Briefs() {
		if !eci.IsTerminal(g.Status) {
			live[g.ID] = g
		}
	}
	return live
}
