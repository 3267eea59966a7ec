package vnode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/vnode/connlimit"
)

// Pauses before the kubelet API is listened for again.
const (
	acceptRetryMin = 100 * time.Millisecond
	acceptRetryMax = 10 * time.Second
)

// kubeletServer serves the kubelet's HTTPS API.
type kubeletServer struct {
	cfg       KubeletConfig
	creds     *credentials
	handler   http.Handler
	listener  net.Listener
	displaced prometheus.Counter // connections without an authorized request
}

func newKubeletServer(cfg Config, d Deps) (*kubeletServer, error) {
	creds, err := newCredentials(cfg, d.Client)
	if err != nil {
		return nil, err
	}
	auth, err := newAuth(cfg.Kubelet, d.Client, creds.clientCA)
	if err != nil {
		return nil, err
	}
	s := &kubeletServer{cfg: cfg.Kubelet, creds: creds, handler: newKubeletHandler(auth, cfg, d)}
	s.displaced = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: metricsNamespace, Name: "kubelet_connections_displaced_total",
		Help: "Connections to the kubelet API that were closed for another before a request on them was authorized.",
	})
	if d.Registry != nil {
		if err := d.Registry.Register(s.displaced); err != nil {
			return nil, fmt.Errorf("register metrics of the kubelet API: %w", err)
		}
	}
	return s, nil
}

// listen binds the port and returns it.
func (s *kubeletServer) listen(ctx context.Context) (int32, error) {
	return s.listenOn(ctx, int(s.cfg.Port))
}

func (s *kubeletServer) listenOn(ctx context.Context, port int) (int32, error) {
	address := net.JoinHostPort(s.cfg.Address, strconv.Itoa(port))
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return 0, fmt.Errorf("listen for the kubelet API: %w", err)
	}
	s.listener = listener
	return int32(listener.Addr().(*net.TCPAddr).Port), nil
}

// serve answers requests until ctx ends.
func (s *kubeletServer) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	s.creds.start(ctx, group)
	server := s.server(ctx)
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		s.accept(ctx, server)
		return nil
	})
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		if server.Shutdown(drain) != nil {
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}

// accept takes connections until the server is shut down. A listener that failed
// was closed: the same port is listened on again.
func (s *kubeletServer) accept(ctx context.Context, server *http.Server) {
	port, closed := s.listener.Addr().(*net.TCPAddr).Port, false
	retry(ctx, clock.RealClock{}, acceptRetryMin, acceptRetryMax, "serving the kubelet API", func() error {
		if closed {
			if _, err := s.listenOn(ctx, port); err != nil {
				return err
			}
		}
		closed = true
		err := server.Serve(tls.NewListener(s.limited(), s.tlsConfig()))
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
}

// limited returns the listener within the bounds of its connections.
func (s *kubeletServer) limited() net.Listener {
	return connlimit.NewListener(s.listener, connlimit.Config{
		Unauthenticated:      s.cfg.Limits.MaxUnauthenticatedConnections,
		UnauthenticatedBytes: maxUnauthenticatedBytes,
		Authenticated:        s.cfg.Limits.MaxConnections,
		Displaced:            s.displaced.Inc,
	})
}

// server returns an HTTP server whose deadlines hold for every request until the
// handler has authorized it.
func (s *kubeletServer) server(ctx context.Context) *http.Server {
	var http1 http.Protocols
	http1.SetHTTP1(true) // exec, attach and port-forward upgrade the connection
	until := s.cfg.Limits.RequestTimeout.Duration
	return &http.Server{
		Handler:           s.handler,
		Protocols:         &http1,
		ReadHeaderTimeout: until, // of the TLS handshake as well
		ReadTimeout:       until,
		WriteTimeout:      until,
		IdleTimeout:       s.cfg.Limits.IdleTimeout.Duration,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       connlimit.ConnContext,
		ConnState:         connlimit.ConnState,
		ErrorLog:          stdlog.New(debugWriter{log.G(ctx)}, "", 0),
	}
}

// tlsConfig asks for a client certificate and leaves it to authentication to
// verify it. HTTP/1.1 only: exec, attach and port-forward upgrade the connection.
func (s *kubeletServer) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		GetConfigForClient: s.creds.serving.GetConfigForClient,
	}
}

// debugWriter sends what net/http complains about, which is mostly port scanners,
// to the debug log.
type debugWriter struct{ logger log.Logger }

func (w debugWriter) Write(p []byte) (int, error) {
	w.logger.Debug(strings.TrimSpace(string(p)))
	return len(p), nil
}
