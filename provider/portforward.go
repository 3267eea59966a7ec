package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// dialTimeout is how long a pod on the same network takes at most.
	dialTimeout = 2 * time.Second
	// noRouteMemory is how long no pod is dialled after one did not answer: every
	// connection would wait for dialTimeout.
	noRouteMemory = time.Minute
	// halfClosedTimeout ends a connection whose client sends no more and whose
	// pod is silent.
	halfClosedTimeout = 10 * time.Minute
)

// PortForward connects stream with a port of a pod until the pod closes: by TCP
// to the pod's address where a route leads there, else by a command in one of its
// containers, which takes socat, nc or bash in the image. A half-close of the
// client reaches the pod with TCP.
func (p *Provider) PortForward(ctx context.Context, namespace, podName string, port int32, stream io.ReadWriteCloser) error {
	at, err := p.place(namespace, podName, "")
	if err != nil {
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

// dialPod connects to the address of the pod.
func (p *Provider) dialPod(ctx context.Context, at place, port int32) (podConn, error) {
	if at.entry.status == nil || at.entry.status.PodIP == "" {
		return nil, errors.New("the pod has no address yet")
	}
	if !p.routes.open(p.deps.Clock.Now()) {
		return nil, errors.New("no pod can be reached from here")
	}
	within, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := p.deps.Dial(within, "tcp", net.JoinHostPort(at.entry.status.PodIP, strconv.Itoa(int(port))))
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		p.routes.close(p.deps.Clock.Now().Add(noRouteMemory))
	}
	if err != nil {
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
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	// This ends with the client's stream, which is closed after we return.
	go func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(halfClosedTimeout))
	}()
	_, err := io.Copy(stream, conn)
	if errors.Is(err, net.ErrClosed) {
		return ctx.Err()
	}
	return err
}

// routes remembers that pods cannot be reached, and what forwards in which group.
type routes struct {
	mu     sync.Mutex
	closed time.Time
	tools  map[string]forwarder
}

func (r *routes) open(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !now.Before(r.closed)
}

func (r *routes) close(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = until
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
