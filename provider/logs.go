package provider

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"

	"github.com/eci-vnode/eci-vnode/eci"
)

// GetContainerLogs returns the log of a container, init containers included and
// for as long after its end as the cloud keeps it. Of what was printed before the
// call ECI gives the newest eci.MaxLogLines lines, and none for a negative
// opts.Tail, since 0 stands for no wish; with opts.Follow the reader
// goes on until this run of the container has ended or it is closed.
func (p *Provider) GetContainerLogs(ctx context.Context, namespace, podName, containerName string, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	at, err := p.target(ctx, namespace, podName, containerName)
	if err != nil {
		return nil, err
	}
	if err := at.readable(opts.Previous); err != nil {
		return nil, err
	}
	return p.streamLog(ctx, at, opts)
}

// readable refuses, as the kubelet does, the log of a run that never was.
func (at place) readable(previous bool) error {
	status := at.status()
	if status == nil {
		return nil // the cloud knows more than we do
	}
	ran := status.LastTerminationState.Terminated != nil || status.RestartCount > 0
	switch {
	case previous && !ran:
		return errdefs.InvalidInputf("previous terminated container %q in pod %q not found", at.container, at.entry.pod.Name)
	case !previous && !ran && status.State.Waiting != nil:
		return errdefs.InvalidInputf("container %q in pod %q is waiting to start: %s", at.container, at.entry.pod.Name, status.State.Waiting.Reason)
	}
	return nil
}

// streamLog reads once, so that an error is an answer of its own, and goes on
// beside the reader. The cursor takes part in the reads of others from here until
// the reader has ended, whichever of the two ends first.
func (p *Provider) streamLog(ctx context.Context, at place, opts api.ContainerLogOpts) (io.ReadCloser, error) {
	ctx = eci.WithPriority(ctx, eci.PriorityUser)
	log := newLogCursor(p, at, opts)
	log.join(opts.Follow && !opts.Previous)
	reader, err := p.beginLog(ctx, log)
	if reader != nil || err != nil {
		log.leave()
	}
	switch {
	case eci.IsNotFound(err):
		return nil, errdefs.AsNotFound(at.failed("reading the log", err))
	case err != nil:
		return nil, at.failed("reading the log", err)
	case reader != nil:
		return reader, nil
	}
	return p.startFollower(ctx, log), nil
}

// beginLog makes the first read. The reader is nil if there is more to come.
func (p *Provider) beginLog(ctx context.Context, log *logCursor) (io.ReadCloser, error) {
	log.turn.over = !log.shared() || p.runOver(log.at)
	lines, err := log.next(ctx)
	if err != nil {
		return nil, err
	}
	if log.ended() {
		return io.NopCloser(strings.NewReader(joinLines(log.show(lines)))), nil
	}
	log.pending = lines
	return nil, nil
}

func joinLines(lines []string) string {
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(line)
	}
	return out.String()
}

// runOver says whether the run of the container whose log is followed has ended:
// no more lines can come.
func (p *Provider) runOver(at place) bool {
	e, ok := p.store.get(at.entry.pod.UID)
	if !ok || e.stage == stageEnded || e.groupID != at.entry.groupID {
		return true
	}
	status := place{entry: e, container: at.container}.status()
	if status == nil {
		return false
	}
	return status.State.Terminated != nil || status.State.Waiting != nil && status.LastTerminationState.Terminated != nil ||
		status.RestartCount != at.restarts()
}

// replaced says whether a new run has taken the place of the followed one, so
// that the end of its log is that of the previous run.
func (p *Provider) replaced(at place) bool {
	e, ok := p.store.get(at.entry.pod.UID)
	if !ok {
		return false
	}
	status := place{entry: e, container: at.container}.status()
	return status != nil && status.RestartCount > at.restarts() && status.State.Running != nil
}

func (at place) restarts() int32 {
	if status := at.status(); status != nil {
		return status.RestartCount
	}
	return 0
}

// missingLines is what a reader sees where lines were lost.
func missingLines(container string) string {
	return fmt.Sprintf("[eci-vnode: lines of container %s are missing here: it printed more than the %d lines or %d bytes that ECI gives at once]",
		container, eci.MaxLogLines, eci.MaxLogBytes)
}
