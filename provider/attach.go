package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// attachLookBack is how much of the past an attached client sees, so that
// `kubectl run --attach` misses nothing of a quick start.
const attachLookBack = 30 * time.Second

// errNoAttach is what a client with a stdin is told.
var errNoAttach = errors.New("ECI cannot attach to the stdin of a running container: leave out -i to see its output, or use kubectl exec -it to run a command in it")

// AttachToContainer shows the output of a container from attachLookBack ago until
// it ends. ECI has no attach, so that this is its log, stdout and stderr alike;
// a stdin is refused, and with it `kubectl run -it`.
func (p *Provider) AttachToContainer(ctx context.Context, namespace, podName, container string, attach api.AttachIO) error {
	at, err := p.target(ctx, namespace, podName, container)
	if err != nil {
		return err
	}
	if attach.Stdin() != nil {
		return errNoAttach
	}
	out := attach.Stdout()
	if out == nil {
		out = attach.Stderr()
	}
	log, err := p.streamLog(ctx, at, api.ContainerLogOpts{Follow: true, SinceTime: p.deps.Clock.Now().Add(-attachLookBack)})
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = io.Copy(out, log)
	return err
}
