package provider

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// followEvery is the time between two reads of a followed log: the account has
// 500 of them a minute.
const followEvery = 2 * time.Second

// follow streams a log by asking again and again with timestamps and passing on
// only what is new.
func (p *Provider) follow(ctx context.Context, e entry, container string, opts api.ContainerLogOpts) io.ReadCloser {
	out, in := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.CloseWithError(p.copyLog(ctx, in, e, container, opts))
	}()
	return &followReader{PipeReader: out, stop: func() { cancel(); out.Close(); <-done }}
}

// followReader ends its writer when it is closed.
type followReader struct {
	*io.PipeReader
	stop func()
}

func (r *followReader) Close() error {
	r.stop()
	return nil
}

// copyLog writes new lines to w until the pod's container has ended, one last
// read after that included.
func (p *Provider) copyLog(ctx context.Context, w io.Writer, e entry, container string, opts api.ContainerLogOpts) error {
	var seen logMark
	req := logRequest(e.groupID, container, opts)
	req.Timestamps = ptr.To(true)
	for {
		ended := p.containerEnded(e, container)
		content, err := p.readLog(ctx, req)
		if err != nil && ctx.Err() == nil && !eci.IsRetryable(err) {
			return err
		}
		for _, line := range seen.fresh(content) {
			if !opts.Timestamps {
				_, line, _ = strings.Cut(line, " ")
			}
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return nil // the reader has left
			}
		}
		if ended && err == nil {
			return nil
		}
		req.Tail, req.SinceSeconds, req.StartTime = eci.MaxLogLines, 0, seen.since(req.StartTime)
		if !p.sleep(ctx, followEvery) {
			return nil
		}
	}
}

// containerEnded says whether no more lines can come.
func (p *Provider) containerEnded(was entry, container string) bool {
	e, ok := p.store.get(was.pod.UID)
	if !ok || e.stage == stageEnded {
		return true
	}
	if e.status == nil {
		return false
	}
	for _, statuses := range append(e.status.InitContainerStatuses[:len(e.status.InitContainerStatuses):len(e.status.InitContainerStatuses)], e.status.ContainerStatuses...) {
		if statuses.Name == container {
			return statuses.State.Terminated != nil
		}
	}
	return false
}

func (p *Provider) sleep(ctx context.Context, d time.Duration) bool {
	timer := p.deps.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// logMark remembers where a followed log stands: the newest timestamp and how
// many lines with it were passed on, since several lines may share one.
type logMark struct {
	stamp time.Time
	count int
}

// fresh returns the lines of content, each with its timestamp, that were not
// returned before. A line without a timestamp has that of the line before it.
func (m *logMark) fresh(content string) []string {
	var fresh []string
	was := *m
	stamp, same := was.stamp, 0 // same counts the lines met that carry was.stamp
	for line := range strings.Lines(content) {
		line = strings.TrimSuffix(line, "\n")
		text, _, _ := strings.Cut(line, " ")
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			stamp = t
		}
		if stamp.Equal(was.stamp) {
			same++
		}
		if stamp.Before(was.stamp) || stamp.Equal(was.stamp) && same <= was.count {
			continue
		}
		fresh = append(fresh, line)
		if !stamp.Equal(m.stamp) {
			m.stamp, m.count = stamp, 0
		}
		m.count++
	}
	return fresh
}

// since is the StartTime of the next read, in whole seconds as the API takes
// it; before the first line it stays what it was.
func (m *logMark) since(before string) string {
	if m.stamp.IsZero() {
		return before
	}
	return m.stamp.UTC().Truncate(time.Second).Format(time.RFC3339)
}
