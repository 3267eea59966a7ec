package metricsserver

import (
	"context"
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

// Run scrapes nodes and serves metrics.k8s.io until ctx ends.
func Run(ctx context.Context, config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	cluster, err := clientcmd.BuildConfigFromFlags("", config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig of metrics-server: %w", err)
	}
	apiServer, err := newAPIServer(config)
	if err != nil {
		return err
	}
	served, err := server.Config{
		Apiserver:        apiServer,
		Rest:             cluster,
		Kubelet:          kubelets(cluster),
		MetricResolution: config.Resolution,
		ScrapeTimeout:    config.Timeout,
	}.Complete()
	if err != nil {
		return fmt.Errorf("set up metrics-server: %w", err)
	}
	return served.RunUntil(ctx.Done())
}

// kubelets are asked by the same account, and verified against the cluster's CA.
func kubelets(cluster *rest.Config) *client.KubeletClientConfig {
	return &client.KubeletClientConfig{
		Client:              *rest.CopyConfig(cluster),
		AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
		Scheme:              "https",
		UseNodeStatusPort:   true,
	}
}

// newAPIServer believes and lets in whom the cluster does.
func newAPIServer(config Config) (*genericapiserver.Config, error) {
	made := genericapiserver.NewConfig(api.Codecs)
	made.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()

	serving := genericoptions.NewSecureServingOptions().WithLoopback()
	serving.BindAddress, serving.BindPort = net.IPv4(127, 0, 0, 1), config.Port
	serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = config.CertFile, config.KeyFile
	if err := serving.ApplyTo(&made.SecureServing, &made.LoopbackClientConfig); err != nil {
		return nil, fmt.Errorf("set up serving: %w", err)
	}
	authentication := genericoptions.NewDelegatingAuthenticationOptions()
	authentication.RemoteKubeConfigFile = config.Kubeconfig
	if err := authentication.ApplyTo(&made.Authentication, made.SecureServing, nil); err != nil {
		return nil, fmt.Errorf("set up authentication: %w", err)
	}
	authorization := genericoptions.NewDelegatingAuthorizationOptions()
	authorization.RemoteKubeConfigFile = config.Kubeconfig
	if err := authorization.ApplyTo(&made.Authorization); err != nil {
		return nil, fmt.Errorf("set up authorization: %w", err)
	}
	// Kubernetes has the definitions of metrics.k8s.io too; those of the module
	// have the names that they had before 1.35.
	names := openapinamer.NewDefinitionNamer(api.Scheme)
	made.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, names)
	made.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, names)
	made.OpenAPIConfig.Info.Title, made.OpenAPIV3Config.Info.Title = "metrics-server", "metrics-server"
	return made, nil
}
