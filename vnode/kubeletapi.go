package vnode

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// route is what answers the paths that a pattern of http.ServeMux describes.
type route struct {
	pattern string
	handler http.Handler
}

// newKubeletHandler answers the requests that keeper allows.
func newKubeletHandler(keeper gatekeeper, cfg Config, d Deps) http.Handler {
	limits := cfg.Kubelet.Limits
	streams := newStreamLimiter(limits)
	return &guard{
		gatekeeper: keeper, node: cfg.Node.Name, timeout: limits.RequestTimeout.Duration,
		next: &limitedHandler{limits: limits, streams: streams, next: serve(routes(cfg, d, streams))},
	}
}

// serve answers by the routes. Whoever gets here may.
func serve(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, r.handler)
	}
	return withPanicsAnswered(noticeTail(mux))
}

// routes are all of the kubelet API.
func routes(cfg Config, d Deps, streams *streamLimiter) []route {
	metrics := http.Handler(notImplemented("metrics of its own"))
	if d.Gatherer != nil {
		metrics = promhttp.HandlerFor(d.Gatherer, promhttp.HandlerOpts{})
	}
	return append(podRoutes(d.Provider, cfg.Kubelet, d.Pods.GetIndexer(), streams),
		route{"GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })},
		route{"GET /configz", configz(cfg)},
		route{"GET /metrics", metrics},
	)
}

// podRoutes are those that the provider serves. What it does not implement is
// answered with 501 and its name.
func podRoutes(p Provider, cfg KubeletConfig, pods cache.Indexer, streams *streamLimiter) []route {
	config := api.PodHandlerConfig{
		GetPods: func(ctx context.Context) ([]*corev1.Pod, error) { return runningPods(ctx, p, pods) },
		GetPodsFromKubernetes: func(context.Context) ([]*corev1.Pod, error) {
			return listPods(pods), nil
		},
		StreamIdleTimeout:     cfg.StreamIdleTimeout,
		StreamCreationTimeout: cfg.StreamCreationTimeout,
	}
	// The library gives port-forward the two timeouts in each other's place
	// (node/api/server.go:84), so it gets a handler with them the other way round.
	forward := api.PodHandlerConfig{
		StreamIdleTimeout:     cfg.StreamCreationTimeout,
		StreamCreationTimeout: cfg.StreamIdleTimeout,
	}
	var rest []route
	implement := func(pattern, what string, ok bool) {
		if !ok {
			rest = append(rest, route{pattern, notImplemented(what)})
		}
	}

	logs, ok := p.(LogsGetter)
	if implement("/containerLogs/", "container logs", ok); ok {
		config.GetContainerLogs = guardedLogs(withoutPast(logs.GetContainerLogs))
	}
	exec, ok := p.(Executor)
	if implement("/exec/", "exec", ok); ok {
		config.RunInContainer = guardedExec(exec.RunInContainer)
	}
	attach, ok := p.(Attacher)
	if implement("/attach/", "attach", ok); ok {
		config.AttachToContainer = guardedAttach(attach.AttachToContainer)
	}
	forwarder, ok := p.(PortForwarder)
	if implement("/portForward/", "port-forward", ok); ok {
		forward.PortForward = guardedForward(streams.portForward(forwarder.PortForward))
	}
	stats, ok := p.(StatsSummarizer)
	if implement("/stats/", "stats", ok); ok {
		config.GetStatsSummary = stats.GetStatsSummary
	}
	resources, ok := p.(ResourceMetricser)
	if implement("/metrics/resource", "resource metrics", ok); ok {
		config.GetMetricsResource = resources.GetMetricsResource
	}

	if forward.PortForward != nil {
		rest = append(rest, route{"/portForward/", api.PodHandler(forward, false)})
	}
	return append(rest, route{"/", api.PodHandler(config, true)})
}

func notImplemented(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, what+" is not supported by the provider of this virtual node", http.StatusNotImplemented)
	}
}

// runningPods are the pods of the provider that are meant to go on running: those
// that the API server no longer has, or has told to end, are left out from that
// moment, however long they take to end. (virtual-kubelet's own suite expects a
// deleted pod to be absent within a second.)
func runningPods(ctx context.Context, p Provider, known cache.Indexer) ([]*corev1.Pod, error) {
	all, err := p.GetPods(ctx)
	if err != nil {
		return nil, err
	}
	var running []*corev1.Pod
	for _, pod := range all {
		if pod == nil {
			continue
		}
		if there := podByUID(known, pod.UID); there != nil && there.DeletionTimestamp == nil {
			running = append(running, pod)
		}
	}
	return running, nil
}
