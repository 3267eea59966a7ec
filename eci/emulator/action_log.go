package emulator

import (
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// defaultLogLines is the Tail when none is sent.
const defaultLogLines = 500

func (e *Emulator) describeContainerLog(c *call, r *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, *eci.Error) {
	from, err := e.checkLog(r)
	if err != nil {
		return nil, err
	}
	g := e.groups.byID[r.ContainerGroupID]
	if g == nil || g.created.After(e.bornBefore(c)) {
		return nil, notFound(r.ContainerGroupID)
	}
	for c := range g.all() {
		if c.spec.Name != r.ContainerName {
			continue
		}
		log := c.log
		if value(r.LastTime) {
			log = c.lastLog
			if c.state.state == eci.ContainerWaiting && c.log != nil {
				log = c.log
			}
		}
		return &eci.DescribeContainerLogResponse{ContainerName: r.ContainerName, Content: logContent(log, r, from)}, nil
	}
	return nil, invalid("ContainerName", "the group has no container %q", r.ContainerName)
}

// checkLog returns the time from which lines are wanted.
func (e *Emulator) checkLog(r *eci.DescribeContainerLogRequest) (time.Time, *eci.Error) {
	c := &checker{}
	c.required("ContainerGroupId", r.ContainerGroupID)
	c.required("ContainerName", r.ContainerName)
	c.optional("Tail", int64(r.Tail), 1, eci.MaxLogLines)
	c.optional("LimitBytes", r.LimitBytes, 1, eci.MaxLogBytes)
	c.optional("SinceSeconds", int64(r.SinceSeconds), 1, 1<<31-1)
	var from time.Time
	if r.StartTime != "" {
		at, err := time.Parse(time.RFC3339Nano, r.StartTime)
		c.that(err == nil, "StartTime", "it is not RFC 3339")
		from = at
	}
	if r.SinceSeconds > 0 {
		if since := e.clock.Now().Add(-time.Duration(r.SinceSeconds) * time.Second); since.After(from) {
			from = since
		}
	}
	return from, c.err
}

// logContent takes the last lines of those wanted, then cuts to the bytes from
// the front, as the kubelet does.
func logContent(log *runLog, r *eci.DescribeContainerLogRequest, from time.Time) string {
	if log == nil {
		return ""
	}
	lines := log.since(from)
	if tail := int(orElse(r.Tail, defaultLogLines)); len(lines) > tail {
		lines = lines[len(lines)-tail:]
	}
	var out strings.Builder
	for _, line := range lines {
		if value(r.Timestamps) {
			out.WriteString(line.at.UTC().Format("2006-01-02T15:04:05.000000000Z") + " ")
		}
		out.WriteString(line.text + "\n")
	}
	limit := int64(eci.MaxLogBytes)
	if r.LimitBytes > 0 {
		limit = r.LimitBytes
	}
	return out.String()[:min(int64(out.Len()), limit)]
}
