package process

import (
	"context"
	"fmt"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// postStart runs the hook; when it fails the container is killed.
func (p *running) postStart() bool {
	spec := &p.run.Container
	err := p.runHook(p.ctx, hook{
		command: spec.PostStartExec,
		host:    spec.PostStartHTTPGetHost, path: spec.PostStartHTTPGetPath, port: spec.PostStartHTTPGetPort,
		scheme: spec.PostStartHTTPGetScheme, headers: spec.PostStartHTTPHeaders,
		tcpHost: spec.PostStartTCPSocketHost, tcpPort: spec.PostStartTCPSocketPort,
	})
	if err == nil || p.ctx.Err() != nil {
		return err == nil
	}
	p.run.Report.Event(eventWarning, "FailedPostStartHook", "PostStartHook failed: "+err.Error())
	p.run.Report.Event(eventNormal, "Killing", "FailedPostStartHook")
	p.Stop(p.group.grace())
	return false
}

// preStop runs the hook for as long as grace at most.
func (p *running) preStop(grace time.Duration) {
	spec := &p.run.Container
	ctx, cancel := context.WithTimeout(p.ctx, grace)
	defer cancel()
	err := p.runHook(ctx, hook{
		command: spec.PreStopExec,
		host:    spec.PreStopHTTPGetHost, path: spec.PreStopHTTPGetPath, port: spec.PreStopHTTPGetPort,
		scheme: spec.PreStopHTTPGetScheme, headers: spec.PreStopHTTPHeaders,
		tcpHost: spec.PreStopTCPSocketHost, tcpPort: spec.PreStopTCPSocketPort,
	})
	if err != nil && p.ctx.Err() == nil {
		p.run.Report.Event(eventWarning, "FailedPreStopHook", "PreStopHook failed: "+err.Error())
	}
}

// hook is one hook, of which at most one action is set.
type hook struct {
	command            []string
	scheme, host, path string
	port               int32
	headers            []eci.NameValue
	tcpHost            string
	tcpPort            int32
}

func (p *running) runHook(ctx context.Context, h hook) error {
	switch {
	case len(h.command) > 0:
		output, code, err := p.execQuietly(ctx, h.command)
		if err == nil && code != 0 {
			err = fmt.Errorf("command exited with %d: %s", code, output[:min(len(output), maxProbeOutput)])
		}
		return err
	case h.port > 0:
		return p.checkHTTP(ctx, h.scheme, h.host, h.path, h.port, h.headers)
	case h.tcpPort > 0:
		return p.checkTCP(ctx, h.tcpHost, h.tcpPort)
	}
	return nil
}
