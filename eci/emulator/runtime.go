package emulator

import (
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Runtime runs the containers of groups: the part of the cloud that is inside
// the sandbox, its kubelet included. The lifecycle calls it under its own lock,
// so that no method may block; what happens later is told through Run.Report,
// from any goroutine.
type Runtime interface {
	// Pull gets the image of a container, and calls pull.Done once.
	Pull(pull Pull)
	// Start begins one run of a container. An error is a container that could
	// not be started (reason RunContainerError).
	Start(run Run) (Process, error)
	// Forget is called once for each group that was placed, when it has ended
	// for good: its address may be another group's from here.
	Forget(groupID string)
}

// Pull asks for one image of a group.
type Pull struct {
	GroupID string
	// Group has the credentials and the registries' settings, read only.
	Group *eci.CreateContainerGroupRequest
	Image string
	// Done is called once, from any goroutine, during Pull too. The error is
	// shown as the message of ErrImagePull.
	Done func(error)
	// Event records an event of the group, before Done.
	Event func(kind, reason, message string)
}

// Run is one run of one container.
type Run struct {
	GroupID string
	PodIP   string
	// Group holds what the containers of a group share, read only.
	Group *eci.CreateContainerGroupRequest
	// Container has the probes and hooks too; an init container has none.
	Container eci.Container
	Init      bool
	// After runs a function later on the clock of the emulator; the returned
	// function takes it back.
	After func(d time.Duration, fn func()) (cancel func())
	// Now is the time of the emulator.
	Now func() time.Time
	// Log takes what the container prints, stdout and stderr alike, in pieces
	// of any size.
	Log    func(text string)
	Report Reports
}

// Reports are what a runtime tells about a run. All may be called from any
// goroutine, during Start too.
type Reports struct {
	// Exited is called once, last.
	Exited func(Exit)
	// Ready is called by a container with a readiness probe when its result
	// changes; one without a probe is ready while it runs.
	Ready func(bool)
	// Event records an event of the kubelet, such as Unhealthy.
	Event func(kind, reason, message string)
}

// Exit is how a run ended.
type Exit struct {
	Code   int32
	Signal int32
	// Message is what the container left in its termination message file.
	Message string
	// Reason is empty for Completed or Error by the code.
	Reason string
}

// Process is a run that has started.
type Process interface {
	// Stop runs the preStop hook, asks the container to end (SIGTERM) and kills
	// it after grace; zero kills it now. It may be called again with a shorter
	// grace. Exited reports the end.
	Stop(grace time.Duration)
	// Usage is what the run uses.
	Usage() Usage
}

// Usage of a run: CPU in billionths of a core and as a sum in core
// nanoseconds, memory in bytes.
type Usage struct {
	NanoCores       int64
	CoreNanoSeconds int64
	MemoryBytes     int64
}
