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

// routes are all paths of the kubelet API. Whoever gets here may.
func routes(cfg Config, d Deps) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /configz", configz(cfg))
	if d.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(d.Gatherer, promhttp.HandlerOpts{}))
	} else {
		mux.HandleFunc("GET /metrics", notImplemented("metrics of its own"))
	}
	mux.Handle("/", podsHandler(d.Provider, cfg.Kubelet, d.Pods.GetIndexer()))
	return mux
}

// podsHandler serves the kubelet's routes. What the provider does not implement
// is answered with 501 and its name.
func podsHandler(p Provider, cfg KubeletConfig, pods cache.Indexer) http.Handler {
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
	missing := map[string]string{}
	implement := func(route, what string, ok bool) {
		if !ok {
			missing[route] = what
		}
	}

	logs, ok := p.(LogsGetter)
	if implement("/containerLogs/", "container logs", ok); ok {
		config.GetContainerLogs = withoutPast(logs.GetContainerLogs)
	}
	exec, ok := p.(Executor)
	if implement("/exec/", "exec", ok); ok {
		config.RunInContainer = exec.RunInContainer
	}
	attach, ok := p.(Attacher)
	if implement("/attach/", "attach", ok); ok {
		config.AttachToContainer = attach.AttachToContainer
	}
	forwarder, ok := p.(PortForwarder)
	if implement("/portForward/", "port-forward", ok); ok {
		forward.PortForward = forwarder.PortForward
	}
	stats, ok := p.(StatsSummarizer)
	if implement("/stats/", "stats", ok); ok {
		config.GetStatsSummary = stats.GetStatsSummary
	}
	resources, ok := p.(ResourceMetricser)
	if implement("/metrics/resource", "resource metrics", ok); ok {
		config.GetMetricsResource = resources.GetMetricsResource
	}

	mux := http.NewServeMux()
	mux.Handle("/", noticeTail(api.PodHandler(config, true)))
	if forward.PortForward != nil {
		mux.Handle("/portForward/", api.PodHandler(forward, false))
	}
	for route, what := range missing {
		mux.HandleFunc(route, notImplemented(what))
	}
	return mux
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
