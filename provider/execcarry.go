package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/clock"
	utilexec "k8s.io/utils/exec"

	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

const (
	// statusWait is how long a stream with an exit code of its own may go on
	// after the script has told one: stderr may lag behind.
	statusWait = 2 * time.Second
	// ctrlD ends stdin at a terminal.
	ctrlD = "\x04"
)

// errMarked ends the reading of a stream whose last mark has come.
var errMarked = errors.New("the command has ended")

// carrier moves bytes between a client and the stream of its command.
type carrier struct {
	session terminalSession
	plan    execPlan
	stream  *execstream.Stream
	marks   *markReader
	clock   clock.WithTicker

	// late closes a stream that goes on after its command; nil before the end.
	late *time.Timer
	// ready is closed when the command can take stdin.
	ready   chan struct{}
	endOnce sync.Once
	// sending keeps blocks of stdin and its end apart.
	sending sync.Mutex
}

func newCarrier(s terminalSession, plan execPlan, stream *execstream.Stream, clock clock.WithTicker) *carrier {
	c := &carrier{session: s, plan: plan, stream: stream, clock: clock, ready: make(chan struct{})}
	if plan.mark == "" {
		close(c.ready)
	} else {
		var stop error
		if !plan.framing.TellsExit() {
			stop = errMarked
		}
		c.marks = newMarkReader(s.stdout, plan.mark, func() { close(c.ready) }, c.marked, stop)
	}
	return c
}

// run returns when the command has ended or ctx. The reading of stdin ends later,
// when the client's connection does: nothing else can break it off.
func (c *carrier) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var passing sync.WaitGroup
	defer passing.Wait()
	defer cancel()
	defer c.stream.Close()
	if c.session.sizes != nil {
		passing.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx, c.broken)
			c.passSizes(ctx)
		})
	}
	if c.plan.preamble != "" {
		if _, err := c.stream.Write([]byte(c.plan.preamble)); err != nil {
			return err
		}
	}
	if c.session.stdin != nil {
		passing.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx, c.broken)
			c.passStdin(ctx)
		})
	}
	stdout := c.session.stdout
	if c.marks != nil {
		stdout = c.marks
	}
	exit, err := c.stream.Copy(ctx, stdout, c.session.stderr)
	if c.late != nil {
		c.late.Stop()
	}
	if c.marks != nil {
		return c.markedResult(ctx, exit, err)
	}
	if err == nil && !exit.Known && exit.Failure == "" {
		err = errors.New("it has run, and its exit code is not known: neither the cloud's stream nor a sh in the image told it")
	}
	return result(exit, err)
}

// marked is called in the middle of Copy, by the end mark.
func (c *carrier) marked() {
	if !c.plan.framing.TellsExit() {
		return
	}
	// First, as a block on its way holds up the end of stdin.
	c.late = time.AfterFunc(statusWait, func() {
		defer utilruntime.HandleCrash()
		_ = c.stream.Close()
	})
	c.endStdin()
}

// broken ends the stream of a command of which one part has panicked: what would
// be left of it looks whole and is not.
func (c *carrier) broken(context.Context, any) { _ = c.stream.Close() }

func (c *carrier) markedResult(ctx context.Context, exit execstream.Exit, err error) error {
	flushed := c.marks.flush()
	started, unable, ended, code, preface := c.marks.result()
	switch {
	case unable:
		return errors.New("stdin needs an image with a dd that knows iflag=fullblock")
	case ended:
		return result(execstream.Exit{Known: true, Code: code}, nil)
	case ctx.Err() != nil:
		return ctx.Err()
	case !started && (err == nil || exit.Known || exit.Failure != ""):
		return fmt.Errorf("%w: %s%s", errNoShell, preface, exit.Failure)
	case err == nil && flushed == nil && !exit.Known && exit.Failure == "":
		return errors.New("the stream ended before the command told its exit code")
	}
	return result(exit, errors.Join(err, flushed))
}

// result turns an exit into what the kubelet's handlers know.
func result(exit execstream.Exit, err error) error {
	switch {
	case err != nil:
		return err
	case exit.Failure != "":
		return errors.New(exit.Failure)
	case exit.Code != 0:
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", exit.Code), Code: exit.Code}
	}
	return nil
}

// passSizes follows the client's window. A terminal may have no size yet, and
// virtual-kubelet goes on with empty sizes when the client has left: what is sent
// without a size is passed over, after a pause.
func (c *carrier) passSizes(ctx context.Context) {
	for {
		select {
		case size := <-c.session.sizes:
			switch {
			case size.Width == 0 || size.Height == 0:
				select {
				case <-time.After(emptySizePause):
				case <-ctx.Done():
					return
				}
			case c.stream.Resize(size.Width, size.Height) != nil:
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// emptySizePause is the pause after an empty size.
const emptySizePause = 100 * time.Millisecond
