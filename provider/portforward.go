package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

const (
	// dialTimeout is how long a pod on the same network takes at most.
	dialTimeout = 2 * time.Second
	// halfClosedIdle ends a connection whose client sends no more and whose pod was
	// silent for so long.
	halfClosedIdle = 10 * time.Minute
)

// PortForward connects stream with a port of a pod until the pod closes: by TCP
// to the pod's address where a route leads there, else by a command in one of its
// containers, which takes socat, nc or bash in the image. A half-close of the
// client reaches the pod with TCP.
func (p *Provider) PortForward(ctx context.Context, namespace, podName string, port int32, stream io.ReadWriteCloser) error {
	at, err := p.target(ctx, namespace, podName, "")
	if err != nil {
		return err
	}
	if at, err = p.current(at); err != nil {
		return err
	}
	conn, dialErr := p.dialPod(ctx, at, port)
	if dialErr == nil {
		return splice(ctx, conn, stream)
	}
	if err := p.forwardByExec(ctx, at, port, stream); err != nil {
		return fmt.Errorf("port %d of pod %s/%s: by TCP: %w; by a command in the pod: %w", port, namespace, podName, dialErr, err)
	}
	return nil
}

// podConn is a connection with a pod; TCP has one that can be closed by halves.
type podConn interface {
	net.Conn
	CloseWrite() error
}

// dialPod connects to the address of the pod, if it is certainly its own.
func (p *Provider) dialPod(ctx context.Context, at place, port int32) (podConn, error) {
	if !at.entry.addressIsOwn() {
		return nil, errors.New("the pod is not running, so that its address may be another's")
	}
	ip := at.entry.status.PodIP
	address := net.JoinHostPort(ip, strconv.Itoa(int(port)))
	if err := p.routes.closed(ip, address); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := p.deps.Dial(within, "tcp", address)
	if err != nil {
		if ctx.Err() == nil {
			p.routes.note(ip, address, err, within.Err() != nil || os.IsTimeout(err))
		}
		return nil, err
	}
	halves, ok := conn.(podConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T cannot be closed by halves", conn), conn.Close())
	}
	return halves, nil
}

// splice copies both ways and hands an end of one side on to the other. It is
// over when the pod has closed.
func splice(ctx context.Context, conn podConn, stream io.ReadWriteCloser) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() {
		defer utilruntime.HandleCrashWithContext(ctx)
		_ = conn.Close()
	})
	defer stop()
	pod := &halfClosable{podConn: conn, now: time.Now}
	// Nothing can break off a read of the client's stream but its end: nobody waits
	// for this, which holds one buffer until the client's connection is closed.
	go func() {
		defer utilruntime.HandleCrashWithContext(ctx, func(context.Context, any) { _ = conn.Close() })
		_, _ = io.Copy(pod, stream)
		pod.endWrite()
	}()
	_, err := io.Copy(stream, pod)
	if errors.Is(err, net.ErrClosed) {
		return ctx.Err()
	}
	return err
}

// halfClosable is a connection that may be silent for as long as both sides are
// open, and for halfClosedIdle once the client sends no more.
type halfClosable struct {
	podConn
	now   func() time.Time
	ended atomic.Bool
}

// Read renews the time that the pod has.
func (c *halfClosable) Read(p []byte) (int, error) {
	if c.ended.Load() {
		_ = c.SetReadDeadline(c.now().Add(halfClosedIdle))
	}
	return c.podConn.Read(p)
}

// endWrite tells the pod that no more comes.
func (c *halfClosable) endWrite() {
	c.ended.Store(true)
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(c.now().Add(halfClosedIdle)) // for a read that is under way
}

// declares says whether a container names the port.
func declares(c *corev1.Container, port int32) bool {
	for _, declared := range c.Ports {
		if declared.ContainerPort == port {
			return true
		}
	}
	return false
}
