package emulator

import (
	"context"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/emulator/shell"
)

// Exec runs a command of package shell.
func (p *simulated) Exec(ctx context.Context, cmd Command) (int32, error) {
	streams := shell.Streams{Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr, TTY: cmd.TTY}
	sizes := make(chan shell.Size)
	if cmd.Resize != nil {
		streams.Resize = sizes
		ended := make(chan struct{})
		done := make(chan struct{})
		defer func() { close(ended); <-done }()
		go func() { defer close(done); passSizes(cmd.Resize, sizes, ended) }()
	}
	code, err := shell.Run(ctx, p.host(), cmd.Argv, streams)
	return int32(code), err
}

func passSizes(from <-chan TerminalSize, to chan<- shell.Size, ended <-chan struct{}) {
	for {
		select {
		case size := <-from:
			select {
			case to <- shell.Size{Cols: size.Cols, Rows: size.Rows}:
			case <-ended:
				return
			}
		case <-ended:
			return
		}
	}
}

// host is the container as its commands see it; all it reads is fixed.
func (p *simulated) host() shell.Host {
	host := shell.Host{Name: hostName(p.run), Env: environment(p.run), Now: p.run.Now, Sleep: p.sleep}
	delete(host.Env, "HOSTNAME")
	for _, c := range p.run.Group.Containers {
		for _, port := range c.Ports {
			host.Ports = append(host.Ports, port.Port)
		}
	}
	return host
}

// sleep waits on the clock of the emulator.
func (p *simulated) sleep(ctx context.Context, d time.Duration) error {
	over := make(chan struct{})
	cancel := p.run.After(d, func() { close(over) })
	defer cancel()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
