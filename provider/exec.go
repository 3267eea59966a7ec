package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// errNoShell is that sh did not come up to run the command for us.
var errNoShell = errors.New("the image has no sh that works")

// terminalSession is one command of a client.
type terminalSession struct {
	argv           []string
	stdin          io.Reader // nil without
	stdout, stderr io.Writer // nil without
	tty            bool
	sizes          <-chan api.TermSize
}

// RunInContainer executes cmd in a container and returns when it has ended, or
// ctx. A code other than 0 is a utilexec.CodeExitError, which virtual-kubelet
// asks for by type and which therefore is never wrapped.
//
// What the API lacks is made up for by a shell script around the command, where
// one is needed: more than 20 parts or 256 characters, an exit code with the raw
// framing, the end of stdin with all framings but the newest. That takes sh in
// the image, and for stdin dd. Without sh a command runs if it fits into the
// API, and its exit code is an error where the framing has none. With a terminal
// a command has at most about 4,000 characters.
func (p *Provider) RunInContainer(ctx context.Context, namespace, podName, container string, cmd []string, attach api.AttachIO) error {
	at, err := p.target(ctx, namespace, podName, container)
	if err != nil {
		return err
	}
	s := terminalSession{argv: cmd, stdin: attach.Stdin(), tty: attach.TTY()}
	// A nil *stream in an io.WriteCloser would not be a nil io.Writer.
	if out := attach.Stdout(); out != nil {
		s.stdout = out
	}
	if errOut := attach.Stderr(); errOut != nil {
		s.stderr = errOut
	}
	if s.tty {
		s.sizes = attach.Resize()
	}
	return p.exec(ctx, at, s)
}

// exec runs s with what framing and image allow.
func (p *Provider) exec(ctx context.Context, at place, s terminalSession) error {
	ctx = eci.WithPriority(ctx, eci.PriorityUser)
	framing, err := p.framing(ctx, at)
	if err != nil {
		return at.failed("exec", err)
	}
	plan, err := planExec(framing, s)
	if err != nil {
		return at.failed("exec", err)
	}
	err = p.carry(ctx, at, s, plan)
	if errors.Is(err, errNoShell) {
		if direct, fits := planDirect(framing, s); fits {
			err = p.carry(ctx, at, s, direct)
		}
	}
	return at.failed("exec", err)
}

// open announces a command and opens its stream, with which it begins.
func (p *Provider) open(ctx context.Context, at place, plan execPlan, tty bool) (*execstream.Stream, error) {
	at, err := p.current(at)
	if err != nil {
		return nil, err
	}
	resp, err := p.cloud.ExecContainerCommand(ctx, &eci.ExecContainerCommandRequest{
		ContainerGroupID: at.entry.groupID, ContainerName: at.container,
		Command: plan.command, TTY: ptr.To(tty), Stdin: ptr.To(plan.stdin),
	})
	if err != nil {
		return nil, err
	}
	return p.deps.Streams.Dial(ctx, resp.WebSocketURI, p.offer(plan))
}

// offer asks for the framing in the handshake where it was learned there.
func (p *Provider) offer(plan execPlan) execstream.Framing {
	if p.cfg.ExecFraming == execstream.Auto && plan.framing != execstream.Raw {
		return execstream.Auto
	}
	return plan.framing
}

// carry runs one plan to its end.
func (p *Provider) carry(ctx context.Context, at place, s terminalSession, plan execPlan) error {
	plan.size(p.firstSize(ctx, s, plan))
	stream, err := p.open(ctx, at, plan, s.tty)
	if err != nil {
		return err
	}
	if stream.Framing() != plan.framing {
		p.framings.forget()
		return errors.Join(fmt.Errorf("the cloud speaks %s now instead of %s: try again", stream.Framing(), plan.framing), stream.Close())
	}
	c := newCarrier(s, plan, stream, p.deps.Clock)
	err = c.run(ctx)
	if ctx.Err() != nil && c.marks != nil && c.marks.running() > 0 {
		p.interrupt(ctx, at, c.marks.running())
	}
	return err
}

// interruptWait is how long the end of a command may take whose client has left.
const interruptWait = 10 * time.Second

// interrupt kills what a script runs whose client has left: the end of its stream
// may end the shell alone. What a container executes leads a group of processes.
func (p *Provider) interrupt(ctx context.Context, at place, pid int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptWait)
	defer cancel()
	_, err := p.cloud.ExecContainerCommand(ctx, &eci.ExecContainerCommandRequest{
		ContainerGroupID: at.entry.groupID, ContainerName: at.container,
		Command: []string{"sh", "-c", interruptScript(pid)}, Stdin: ptr.To(false), Sync: ptr.To(true),
	})
	if err != nil {
		groupLogger(ctx, at.entry.pod, at.entry.groupID).WithError(err).Debug("a command whose client has left may go on")
	}
}

func interruptScript(pid int) string { return fmt.Sprintf("kill -9 -%d", pid) }
