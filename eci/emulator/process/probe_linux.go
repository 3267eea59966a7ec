package process

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// The kubelet's defaults of a probe, in seconds and in times.
const (
	defaultPeriod    = 10
	defaultTimeout   = 1
	defaultThreshold = 3
)

// startProbes runs the postStart hook and then both probes, until the run ends.
func (p *running) startProbes() {
	spec := &p.run.Container
	p.probes.Go(func() {
		if !p.postStart() {
			return
		}
		if spec.ReadinessProbe != nil {
			p.probes.Go(func() { p.keepReady(spec.ReadinessProbe) })
		}
		if spec.LivenessProbe != nil {
			p.probes.Go(func() { p.keepAlive(spec.LivenessProbe) })
		}
	})
}

// keepReady reports each change of the readiness.
func (p *running) keepReady(probe *eci.Probe) {
	ready, failures := false, 0
	p.eachPeriod(probe, func(err error) bool {
		switch {
		case err == nil:
			failures = 0
			if !ready {
				ready = true
				p.run.Report.Ready(true)
			}
		default:
			failures++
			p.unhealthy("Readiness", err)
			if ready && failures >= threshold(probe) {
				ready = false
				p.run.Report.Ready(false)
			}
		}
		return true
	})
}

// keepAlive ends the container when it fails its liveness probe.
func (p *running) keepAlive(probe *eci.Probe) {
	failures := 0
	p.eachPeriod(probe, func(err error) bool {
		if err == nil {
			failures = 0
			return true
		}
		failures++
		p.unhealthy("Liveness", err)
		if failures < threshold(probe) {
			return true
		}
		p.run.Report.Event(eventNormal, "Killing", "Container "+p.run.Container.Name+" failed liveness probe, will be restarted")
		p.Stop(p.group.grace())
		return false
	})
}

func threshold(probe *eci.Probe) int { return int(cmp.Or(probe.FailureThreshold, defaultThreshold)) }

func (p *running) unhealthy(kind string, err error) {
	p.run.Report.Event(eventWarning, "Unhealthy", kind+" probe failed: "+err.Error())
}

// eachPeriod probes until the run ends, is being stopped, or use says false.
func (p *running) eachPeriod(probe *eci.Probe, use func(error) bool) {
	timer := time.NewTimer(time.Duration(probe.InitialDelaySeconds) * time.Second)
	defer timer.Stop()
	period := time.Duration(cmp.Or(probe.PeriodSeconds, defaultPeriod)) * time.Second
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(period)
		err := p.probeOnce(probe)
		if p.ctx.Err() != nil || p.isStopping() || !use(err) {
			return
		}
	}
}

func (p *running) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping || p.process == nil
}

func (p *running) probeOnce(probe *eci.Probe) error {
	timeout := time.Duration(cmp.Or(probe.TimeoutSeconds, defaultTimeout)) * time.Second
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	switch {
	case probe.Exec != nil:
		return p.checkExec(ctx, probe.Exec.Command)
	case probe.HTTPGet != nil:
		get := probe.HTTPGet
		return p.checkHTTP(ctx, get.Scheme, "", get.Path, get.Port, nil)
	case probe.TCPSocket != nil:
		return p.checkTCP(ctx, "", probe.TCPSocket.Port)
	}
	return errors.New("the probe has no action")
}

// maxProbeOutput is what an event shows of a failed command, in bytes.
const maxProbeOutput = 1024

func (p *running) checkExec(ctx context.Context, command []string) error {
	output, code, err := p.execQuietly(ctx, command)
	if ctx.Err() != nil {
		return fmt.Errorf("command %q timed out", command)
	}
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("%scommand exited with %d", output[:min(len(output), maxProbeOutput)], code)
	}
	return nil
}

// checkHTTP takes every answer from 200 to 399, as the kubelet does.
func (p *running) checkHTTP(ctx context.Context, scheme, host, path string, port int32, headers []eci.NameValue) error {
	url := fmt.Sprintf("%s://%s/%s", strings.ToLower(cmp.Or(scheme, "http")), p.endpoint(host, port), strings.TrimPrefix(path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "kube-probe/eci-emulator")
	for _, header := range headers {
		request.Header.Set(header.Name, header.Value)
	}
	response, err := probeClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 10<<10)
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return nil
}

// probeClient keeps no connection and trusts every certificate, as the kubelet's.
func probeClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, Proxy: nil, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
}

func (p *running) checkTCP(ctx context.Context, host string, port int32) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.endpoint(host, port))
	if err != nil {
		return err
	}
	return connection.Close()
}

// endpoint is a port of the group, unless another host is named.
func (p *running) endpoint(host string, port int32) string {
	if _, err := netip.ParseAddr(host); host == "" || err == nil && host == "0.0.0.0" {
		host = p.run.PodIP
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
