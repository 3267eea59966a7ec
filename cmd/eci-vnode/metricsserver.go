package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/vnode/connlimit"
)

// metricsLimits bounds what the clients of the metrics server can hold. None of
// them authenticates: another one displaces the oldest of the busiest source.
type metricsLimits struct {
	connections               int
	connectionBytes           int64
	headerBytes               int
	readTimeout, writeTimeout time.Duration
	idleTimeout               time.Duration
}

// defaultMetricsLimits are for some scrapers and the probes of a kubelet. A profile
// may take longer: the handler extends the write timeout by the time it is asked for.
func defaultMetricsLimits() metricsLimits {
	return metricsLimits{
		connections: 64, connectionBytes: 4 << 20, headerBytes: 16 << 10,
		readTimeout: 10 * time.Second, writeTimeout: 30 * time.Second, idleTimeout: 2 * time.Minute,
	}
}

// metricsHandler serves the metrics and the probes; notReady and hung say why the
// program is not ready or does not work on, or nothing.
func metricsHandler(cfg Config, registry *prometheus.Registry, notReady, hung func() string) http.Handler {
	mux := http.NewServeMux()
	if cfg.Profiling {
		handleProfiles(mux)
	}
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", probe(hung))
	mux.HandleFunc("/readyz", probe(notReady))
	return mux
}

// probe answers ok unless there is something wrong.
func probe(wrong func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if reason := wrong(); reason != "" {
			http.Error(w, reason, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// serveMetrics serves until ctx ends.
func serveMetrics(ctx context.Context, cfg Config, handler http.Handler) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", cfg.MetricsAddress)
	if err != nil {
		return fmt.Errorf("serving metrics: %w", err)
	}
	return serveLimited(ctx, listener, handler, defaultMetricsLimits())
}

// serveLimited serves h within limits until ctx ends.
func serveLimited(ctx context.Context, listener net.Listener, h http.Handler, limits metricsLimits) error {
	server := &http.Server{
		Handler:           withoutBody(h),
		ReadHeaderTimeout: limits.readTimeout,
		ReadTimeout:       limits.readTimeout,
		WriteTimeout:      limits.writeTimeout,
		IdleTimeout:       limits.idleTimeout,
		MaxHeaderBytes:    limits.headerBytes,
	}
	limited := connlimit.NewListener(listener, connlimit.Config{
		Unauthenticated: limits.connections, UnauthenticatedBytes: limits.connectionBytes,
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		if err := server.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving metrics: %w", err)
		}
		return nil
	})
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		<-ctx.Done()
		return server.Close()
	})
	return group.Wait()
}

// withoutBody refuses requests with a body, which none of ours has, without
// waiting for it.
func withoutBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			h.ServeHTTP(w, r)
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // every connection of net/http can have one
		w.Header().Set("Connection", "close")
		http.Error(w, "requests to this server have no body", http.StatusRequestEntityTooLarge)
	})
}

// handleProfiles serves what `go tool pprof` reads. A profile costs CPU time and
// shows function names, so that it is off unless asked for.
func handleProfiles(mux *http.ServeMux) {
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
}
