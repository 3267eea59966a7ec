package emulator

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"path"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Simulated is a Runtime without processes. Command and arguments together are
// read as one command line:
//
//	sleep N       ends with 0 after N seconds (suffixes s, m, h; infinity)
//	exit N        ends with N
//	true, false   end with 0 and 1
//	echo, printf  print a line; date prints the time
//	sh -c '...'   the above joined by ; && || and line ends, with
//	              while true; do ...; done, until grep TEXT FILE; do ...; done on
//	              the files of the group, quotes and $VARIABLES, trap '' TERM
//	              (deaf until killed), trap 'exit N' TERM, and > to the
//	              termination message file
//
// Anything else prints one line and runs until it is stopped. Images of the host
// "invalid." or of the tag "missing" cannot be pulled; all others can. Network
// probes succeed; an exec probe succeeds unless its command line ends with
// another code than 0. A preStop exec hook takes as long as its sleeps.
type Simulated struct{}

// NewSimulated returns the runtime.
func NewSimulated() *Simulated { return &Simulated{} }

// Pull refuses the images that the doc of Simulated names.
func (*Simulated) Pull(pull Pull) { pull.Done(CheckImageName(pull.Image)) }

// Forget has nothing to forget.
func (*Simulated) Forget(string) {}

// CheckImageName refuses the images that show a failing pull: of the host
// "invalid.", or of the tag "missing".
func CheckImageName(image string) error {
	host, _, _ := strings.Cut(image, "/")
	if strings.HasPrefix(host, "invalid.") || strings.HasSuffix(image, ":missing") {
		return fmt.Errorf("failed to resolve reference %q: not found", image)
	}
	return nil
}

// Start runs the command line of the container.
func (*Simulated) Start(run Run) (Process, error) {
	spec := &run.Container
	p := &simulated{run: run, program: compile(append(append([]string(nil), spec.Command...), spec.Args...), environment(run), configFiles(run))}
	if p.program.opaque {
		run.Log(fmt.Sprintf("simulated: %s of %s runs until it is stopped\n", spec.Name, spec.Image))
	}
	p.started = run.Now()
	p.probe()
	p.step()
	return p, nil
}

// hostName is the name that the group was given, else that of the group.
func hostName(run Run) string { return cmp.Or(run.Group.HostName, run.Group.ContainerGroupName) }

// environment is what $NAME in a script gives.
func environment(run Run) map[string]string {
	env := map[string]string{"HOSTNAME": hostName(run)}
	for _, v := range run.Container.EnvironmentVars {
		env[v.Key] = v.Value
		if v.FieldRef != nil {
			env[v.Key] = run.PodIP
		}
	}
	return env
}

// simulated is one run. The emulator's lock guards it: Start, Stop and all that
// Run.After calls run under it.
type simulated struct {
	run     Run
	program program
	started time.Time
	next    int
	message string
	ended   bool

	cancelStep, cancelTerm, cancelKill func()
}

// step goes on until the program waits or ends.
func (p *simulated) step() {
	for p.next < len(p.program.steps) {
		s := p.program.steps[p.next]
		p.next++
		switch s.kind {
		case stepPrint:
			p.print(s)
		case stepSleep:
			p.cancelStep = p.run.After(s.pause, p.step)
			return
		case stepJump:
			p.next = s.target
		case stepForever:
			return
		}
	}
	p.end(Exit{Code: p.program.code})
}

func (p *simulated) print(s step) {
	text := strings.ReplaceAll(s.text, dateMark, p.run.Now().UTC().Format(time.UnixDate))
	switch s.file {
	case "":
		p.run.Log(text)
	case p.messageFile():
		p.message += text
	}
}

func (p *simulated) messageFile() string {
	if file := p.run.Container.TerminationMessagePath; file != "" {
		return path.Clean(file)
	}
	return "/dev/termination-log"
}

func (p *simulated) end(exit Exit) {
	if p.ended {
		return
	}
	p.ended = true
	for _, cancel := range []func(){p.cancelStep, p.cancelTerm, p.cancelKill} {
		if cancel != nil {
			cancel()
		}
	}
	exit.Message = p.message
	p.run.Report.Exited(exit)
}

// Stop sends TERM after the preStop hook and KILL after grace.
func (p *simulated) Stop(grace time.Duration) {
	if p.ended {
		return
	}
	if grace <= 0 {
		p.end(Exit{Code: 137, Signal: 9})
		return
	}
	if p.cancelKill != nil {
		p.cancelKill()
	}
	p.cancelKill = p.run.After(grace, func() { p.end(Exit{Code: 137, Signal: 9}) })
	if p.cancelTerm == nil {
		p.cancelTerm = p.run.After(min(p.hookTime(), grace), p.term)
	}
}

func (p *simulated) term() {
	switch {
	case p.program.deaf:
	case p.program.handled:
		p.end(Exit{Code: p.program.termCode})
	default:
		p.end(Exit{Code: 143, Signal: 15})
	}
}

func (p *simulated) hookTime() time.Duration {
	if len(p.run.Container.PreStopExec) == 0 {
		return 0
	}
	hook := compile(p.run.Container.PreStopExec, nil, nil)
	if hook.opaque {
		return 0
	}
	return hook.duration()
}

// probe foresees what the probes will find: it never changes.
func (p *simulated) probe() {
	if ready := p.run.Container.ReadinessProbe; ready != nil {
		delay := time.Duration(ready.InitialDelaySeconds) * time.Second
		if succeeds(ready) {
			p.run.After(delay, func() { p.run.Report.Ready(true) })
		} else {
			p.run.After(delay, func() { p.run.Report.Event(eventWarning, "Unhealthy", "Readiness probe failed: ") })
		}
	}
	if live := p.run.Container.LivenessProbe; live != nil && !succeeds(live) {
		period := time.Duration(orElse(live.PeriodSeconds, 10)) * time.Second
		delay := time.Duration(live.InitialDelaySeconds)*time.Second + period*time.Duration(orElse(live.FailureThreshold, 3)-1)
		p.run.After(delay, func() {
			p.run.Report.Event(eventWarning, "Unhealthy", "Liveness probe failed: ")
			p.run.Report.Event(eventNormal, "Killing", "Container "+p.run.Container.Name+" failed liveness probe, will be restarted")
			p.end(Exit{Code: 137, Signal: 9})
		})
	}
}

func succeeds(probe *eci.Probe) bool {
	if probe.Exec == nil {
		return true
	}
	line := compile(probe.Exec.Command, nil, nil)
	return line.opaque || line.code == 0
}

func orElse(v, fallback int32) int32 {
	if v == 0 {
		return fallback
	}
	return v
}

// Usage is steady: up to a twentieth of a core and some dozens of MiB, by the
// name of the container.
func (p *simulated) Usage() Usage {
	hash := fnv.New32a()
	hash.Write([]byte(p.run.GroupID + p.run.Container.Name))
	seed := int64(hash.Sum32())
	cores := 1_000_000 + seed%49_000_000
	return Usage{
		NanoCores:       cores,
		CoreNanoSeconds: int64(float64(cores) * p.run.Now().Sub(p.started).Seconds()),
		MemoryBytes:     8<<20 + seed%(56<<20),
	}
}
