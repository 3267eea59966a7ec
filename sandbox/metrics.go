package sandbox

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eci-vnode/eci-vnode/sandbox/manifest"
	"github.com/eci-vnode/eci-vnode/sandbox/metricsserver"
)

// MetricsServerCommand is the subcommand of eci-sandbox that runs metrics-server
// alone, by metricsserver.Run.
const MetricsServerCommand = "metrics-server"

// metricsVersion is the API that metrics-server adds to the cluster.
const metricsVersion = "metrics.k8s.io/v1beta1"

// startMetricsServer runs metrics-server, if a port is given for it, and returns
// when the cluster has its API.
func (s *session) startMetricsServer(ctx context.Context) error {
	if s.config.MetricsServerPort == 0 {
		return nil
	}
	s.report.sayf("Starting metrics-server")
	objects, err := manifest.Decode(strings.NewReader(metricsserver.Objects()), "the objects of metrics-server")
	if err != nil {
		return err
	}
	apiService, err := s.metricsAPIService()
	if err != nil {
		return err
	}
	if err := s.cluster.Apply(ctx, append(objects, apiService)...); err != nil {
		return err
	}
	if _, err := s.writeAccountKubeconfig(ctx, s.files.metricsKubeconfig(), metricsserver.Namespace, metricsserver.Name); err != nil {
		return err
	}
	serving := s.plane.Credentials.MetricsServing
	child := s.supervise(metricsServerName, nil, []string{
		MetricsServerCommand,
		"--kubeconfig=" + s.files.metricsKubeconfig(),
		"--tls-cert-file=" + serving.Certificate,
		"--tls-private-key-file=" + serving.Key,
		fmt.Sprintf("--secure-port=%d", s.config.MetricsServerPort),
	})
	if err := s.await(ctx, "metrics-server", child, s.metricsMissing); err != nil {
		return s.withLog(metricsServerName, err)
	}
	s.report.sayf("metrics-server is ready: kubectl top has figures within a minute of a pod's start")
	return nil
}

// metricsAPIService sends requests for the API to the service, and verifies who
// answers.
func (s *session) metricsAPIService() (*unstructured.Unstructured, error) {
	ca, err := os.ReadFile(s.plane.Credentials.CA.Certificate)
	if err != nil {
		return nil, err
	}
	group, version, _ := strings.Cut(metricsVersion, "/")
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1",
		"kind":       "APIService",
		"metadata":   map[string]any{"name": version + "." + group},
		"spec": map[string]any{
			"group": group, "version": version, "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"caBundle": base64.StdEncoding.EncodeToString(ca),
			"service": map[string]any{
				"namespace": metricsserver.Namespace, "name": metricsserver.Name, "port": int64(s.config.MetricsServerPort),
			},
		},
	}}, nil
}

// metricsMissing waits until the API server gets answers.
func (s *session) metricsMissing(context.Context) (string, error) {
	if _, err := s.client.Discovery().ServerResourcesForGroupVersion(metricsVersion); err != nil {
		return "the API server does not reach it yet", nil
	}
	return "", nil
}
