package campaign

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// apiFault is what becomes of one call to the API server.
type apiFault int

const (
	apiFine apiFault = iota
	apiRefused
	apiConflict
	apiAnswerLost
)

// faults are those that wait for a call to the API server, and how long answers
// of the cloud take; all else of the cloud waits in the emulator.
type faults struct {
	api  []apiFault
	slow []time.Duration
}

func (f *faults) takeSlow() time.Duration {
	if len(f.slow) == 0 {
		return 0
	}
	d := f.slow[0]
	f.slow = f.slow[1:]
	return d
}

// slowAnswers lets the next answers of the cloud take long, some of them longer
// than the client waits.
func (w *world) slowAnswers() {
	d := pauses[w.rng.IntN(len(pauses))]
	w.say("cloud  answers take %s", d)
	w.faults.slow = slices.Repeat([]time.Duration{d}, 1+w.rng.IntN(4))
}

func (f *faults) takeAPI() apiFault {
	if len(f.api) == 0 {
		return apiFine
	}
	fault := f.api[0]
	f.api = f.api[1:]
	return fault
}

// lag is how many events a list is behind: mostly none.
func (w *world) lag() int {
	if w.quiet || w.rng.IntN(3) > 0 {
		return 0
	}
	return w.rng.IntN(6)
}

var (
	writes = []string{eci.ActionCreateContainerGroup, eci.ActionDeleteContainerGroup}
	reads  = []string{eci.ActionDescribeContainerGroups, eci.ActionDescribeContainerGroupStatus}
)

// failCalls makes some of the next calls to the cloud go wrong.
func (w *world) failCalls() {
	fault := emulator.Fault{Times: 1 + w.rng.IntN(4), Skip: w.rng.IntN(2)}
	if actions := append(append([]string{""}, writes...), reads...); w.rng.IntN(4) > 0 {
		fault.Action = actions[w.rng.IntN(len(actions))]
	}
	what := ""
	switch w.rng.IntN(6) {
	case 0, 1, 2:
		what, fault.DropAnswer = "lose their answer", true
	case 3:
		what, fault.DropRequest = "never arrive", true
	case 4:
		what, fault.Error = "break (503)", emulator.Unavailable()
	default:
		what, fault.Error = "are throttled", emulator.Throttled()
	}
	w.say("cloud  %d calls %s will %s", fault.Times, fault.Action, what)
	w.emulator.Faults().Inject(fault)
}

// staleReads makes some of the next lists show the past, or nothing.
func (w *world) staleReads() {
	if w.trusting() {
		return
	}
	fault := emulator.Fault{Times: 1 + w.rng.IntN(4)}
	if w.rng.IntN(2) > 0 {
		fault.Action = reads[w.rng.IntN(len(reads))]
	}
	if fault.Action == eci.ActionDescribeContainerGroupStatus && w.clock.Since(w.lastGap) > 4*provider.DefaultConfig().Repair {
		w.lastGap = w.clock.Now()
		fault.Times, fault.When = 1, isComplete
	}
	what := ""
	switch w.rng.IntN(3) {
	case 0:
		what, fault.Frozen = "show the cloud as it is now", true
	case 1:
		what, fault.HideYoung = "hide young groups", time.Duration(1+w.rng.IntN(60))*time.Second
		if fault.When != nil {
			fault.HideYoung *= 10 // one listing alone may lag a lot
		}
	default:
		what, fault.EmptyList = "be empty", true
	}
	hit := reads
	if fault.Action != "" {
		hit = []string{fault.Action}
	}
	for _, fault.Action = range hit {
		w.lies = append(w.lies, w.emulator.Faults().Inject(fault))
	}
	w.say("cloud  %d lists %v will %s", fault.Times, hit, what)
}

// lagReads lets a replica answer every read for a while: a group that was made
// less than a moment ago is in no list then, and asking for it by its name does
// not find it.
func (w *world) lagReads() {
	if w.trusting() {
		return
	}
	until := w.clock.Now().Add(pauses[3+w.rng.IntN(3)])
	fault := emulator.Fault{
		HideYoung: time.Duration(1+w.rng.IntN(9)) * time.Second,
		When:      func(string, map[string]string) bool { return w.clock.Now().Before(until) },
	}
	w.say("cloud  all reads lag by %s until %s", fault.HideYoung, until.Format(time.TimeOnly))
	for _, fault.Action = range append(reads, eci.ActionDescribeContainerLog) {
		w.lies = append(w.lies, w.emulator.Faults().Inject(fault))
	}
}

func (w *world) noStock() {
	late := w.rng.IntN(2) == 0
	w.say("cloud  no stock (late: %t)", late) // 0 times: until it is healed
	w.emulator.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{Late: late}, Times: w.rng.IntN(6), Action: eci.ActionCreateContainerGroup})
}

// denyLists takes the permission to list: the cloud answers with empty lists.
func (w *world) denyLists() {
	if w.trusting() {
		return
	}
	denied := [][]string{reads, reads[:1], reads[1:], {eci.ActionDescribeContainerLog}}[w.rng.IntN(4)]
	w.say("cloud  permission taken: %v", denied)
	w.emulator.SetCredentials(goodKey(denied...))
	w.denied = slices.Contains(denied, reads[0])
}

// isComplete says that a listing of states is one of all.
func isComplete(_ string, params map[string]string) bool { return params["SinceSecond"] == "" }

// trusting says that only a true list can tell a process that starts of some
// group: the cloud has forgotten its ClientToken, and its pod does not name it.
// That lists are true then is the one thing that the node cannot do without.
func (w *world) trusting() bool {
	for _, g := range w.emulator.Briefs() { // those that ended too, or a job would be run again
		pod := w.api.byUID(ownerOf(g))
		if pod != nil && pod.Annotations[status.AnnotationInstanceID] != g.ID && w.clock.Since(w.made[g.ID].time) > tokenLife {
			return true
		}
	}
	return false
}

// expireKey lets the STS token end, or takes the access key away.
func (w *world) expireKey() {
	key := goodKey()
	if key[0].Expires = w.clock.Now(); w.rng.IntN(3) == 0 {
		key[0].AccessKeyID = "another"
	}
	w.say("cloud  the key is now %s, until now", key[0].AccessKeyID)
	w.emulator.SetCredentials(key)
}

// heal gives the key and its permissions back and ends the faults.
func (w *world) heal() {
	w.say("cloud  healed")
	w.emulator.SetCredentials(goodKey())
	w.emulator.Faults().Clear()
	w.faults, w.lies, w.denied = faults{}, nil, false
}

// touchByHand ends a group from outside: deleted in the console, reclaimed as a
// spot instance, crashed.
func (w *world) touchByHand() {
	groups := w.ours(w.emulator.Briefs())
	if len(groups) == 0 {
		return
	}
	g := groups[w.rng.IntN(len(groups))]
	if r := w.pods[ownerOf(g)]; r != nil {
		r.touched = true
	}
	switch w.rng.IntN(4) {
	case 0:
		w.say("cloud  %s is deleted in the console", g.ID)
		w.emulator.RemoveGroup(g.ID)
	case 1:
		w.say("cloud  %s is reclaimed", g.ID)
		w.emulator.ExpireGroup(g.ID)
	case 2:
		w.say("cloud  %s will be reclaimed", g.ID)
		w.emulator.ReclaimGroup(g.ID, pauses[w.rng.IntN(len(pauses))])
	default:
		w.say("cloud  %s crashes", g.ID)
		w.emulator.FailGroup(g.ID, 9)
	}
}

func (w *world) failAPI() {
	fault := []apiFault{apiRefused, apiConflict, apiAnswerLost}[w.rng.IntN(3)]
	w.faults.api = append(w.faults.api, slices.Repeat([]apiFault{fault}, 1+w.rng.IntN(4))...)
}

// anyNode picks a living process, or nil.
func (w *world) anyNode() *instance {
	if len(w.nodes) == 0 {
		return nil
	}
	return w.nodes[w.rng.IntN(len(w.nodes))]
}

// breakWatch lets a process miss events, or hear them late.
func (w *world) breakWatch() {
	i := w.anyNode()
	if i == nil {
		return
	}
	if w.rng.IntN(2) == 0 {
		w.say("%s  its watch broke (410 Gone): it lists anew", i.name)
		i.relist(w.lag())
		return
	}
	i.stalled = w.clock.Now().Add(pauses[w.rng.IntN(len(pauses))])
	w.say("%s  its watch is silent until %s", i.name, i.stalled.Format(time.TimeOnly))
}

// crash kills a process, at once or in some call to come.
func (w *world) crash() {
	i := w.anyNode()
	if i == nil {
		return
	}
	w.startAt = w.clock.Now().Add([]time.Duration{0, 2 * time.Second, time.Minute, 6 * time.Minute, 70 * time.Minute, 25 * time.Hour}[w.rng.IntN(6)])
	if i.crashIn = w.rng.IntN(12); i.crashIn == 0 {
		i.die("kill -9")
		w.bury()
	}
}

// second starts a process beside the first, or ends one of two.
func (w *world) second() {
	switch len(w.nodes) {
	case 1:
		w.boot()
	case 2:
		w.anyNode().die("kill -9")
		w.bury()
	}
}

// pause stops a process in whatever it does, in the midst of a call too. Half of
// the time another has the lease by then, and works while the first wakes up.
func (w *world) pause() {
	i := w.anyNode()
	if i == nil {
		return
	}
	i.paused = w.clock.Now().Add(pauses[w.rng.IntN(len(pauses))])
	w.say("%s  SIGSTOP until %s", i.name, i.paused.Format(time.TimeOnly))
	if len(w.nodes) == 1 && w.rng.IntN(2) == 0 {
		w.boot()
	}
}

// partition cuts a process off from the API server, but not from the cloud. Half
// of the time another has the lease by then, and both work.
func (w *world) partition() {
	i := w.anyNode()
	if i == nil {
		return
	}
	i.cut = w.clock.Now().Add(pauses[w.rng.IntN(len(pauses))])
	i.stalled = i.cut
	w.say("%s  cut off from the API server until %s", i.name, i.cut.Format(time.TimeOnly))
	if len(w.nodes) == 1 && w.rng.IntN(2) == 0 {
		w.boot()
	}
}

// skewClock sets the machine's clock wrong. A process that runs does not notice:
// Go measures by a clock of its own.
func (w *world) skewClock() {
	w.skew = []time.Duration{-9 * time.Minute, -40 * time.Second, -2 * time.Second, 0, 2 * time.Second, 40 * time.Second, 9 * time.Minute}[w.rng.IntN(7)]
	w.say("the clock is wrong by %s", w.skew)
}

// endFaults leaves nothing that could go wrong, and one process: of two that
// work, the lease has one leader.
func (w *world) endFaults() {
	w.heal()
	w.quiet, w.startAt = true, w.clock.Now()
	if len(w.nodes) == 2 {
		w.anyNode().die("ends: another has the lease")
		w.bury()
	}
	for _, i := range w.nodes {
		i.crashIn, i.paused, i.stalled, i.cut = 0, time.Time{}, time.Time{}, time.Time{}
	}
	for _, pod := range w.api.list() {
		if pod.Status.Phase == corev1.PodUnknown {
			w.fail("status", "pod %s is Unknown", pod.Name)
		}
	}
}
