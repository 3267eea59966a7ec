package provider

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// learnTimeout bounds the command by which the framing is learned.
const learnTimeout = 30 * time.Second

// framings remembers what the streams of commands speak.
type framings struct {
	mu      sync.Mutex
	learned execstream.Framing // empty until it is
	// learning has one command for each container at a time: one that hangs holds
	// up nobody who asks for another.
	learning singleflight.Group
}

func (f *framings) known() execstream.Framing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.learned
}

func (f *framings) remember(framing execstream.Framing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.learned = framing
}

// forget makes the next session learn the framing anew.
func (f *framings) forget() { f.remember("") }

// framing is what the cloud speaks. Unless it is set, it is learned once, from
// the handshake of a command that does nothing: how to run the real one depends
// on it. Nothing is locked meanwhile, and who waits goes when ctx ends.
func (p *Provider) framing(ctx context.Context, at place) (execstream.Framing, error) {
	if p.cfg.ExecFraming != execstream.Auto {
		return p.cfg.ExecFraming, nil
	}
	if known := p.framings.known(); known != "" {
		return known, nil
	}
	// The caller who asks first may leave before the others.
	shared := context.WithoutCancel(ctx)
	result := p.framings.learning.DoChan(at.entry.groupID+"/"+at.container, func() (learned any, err error) {
		defer utilruntime.HandleCrashWithContext(shared, func(context.Context, any) { err = errLearningBroken })
		return p.learnFraming(shared, at)
	})
	select {
	case r := <-result:
		learned, _ := r.Val.(execstream.Framing)
		return learned, r.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

var errLearningBroken = errors.New("learning what the streams of the cloud speak broke off by an error of this node: try again")

func (p *Provider) learnFraming(ctx context.Context, at place) (execstream.Framing, error) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	stream, err := p.open(ctx, at, execPlan{command: []string{"true"}, framing: execstream.Auto}, false)
	if err != nil {
		return "", err
	}
	p.framings.remember(stream.Framing())
	_ = stream.Close() // the command has nothing to say
	return stream.Framing(), nil
}
