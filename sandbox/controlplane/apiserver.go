package controlplane

import (
	"context"
	"fmt"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// serviceCIDR lies outside the vSwitches that the emulator is given.
const serviceCIDR = "10.96.0.0/16"

// newAPIServer returns the API server, configured but not started. It must be
// the first component made: it settles the feature gates, which the components
// of one process share.
func newAPIServer(ctx context.Context, values flags) (component, error) {
	opts := options.NewServerRunOptions()
	if err := parse(opts.Flags(), values); err != nil {
		return component{}, err
	}
	if err := opts.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return component{}, fmt.Errorf("set the feature gates: %w", err)
	}
	completed, err := opts.Complete(ctx)
	if err != nil {
		return component{}, fmt.Errorf("complete the options of kube-apiserver: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return component{}, fmt.Errorf("options of kube-apiserver: %w", utilerrors.NewAggregate(errs))
	}
	return component{name: "kube-apiserver", run: func(ctx context.Context) error { return app.Run(ctx, completed) }}, nil
}

// RunAPIServer runs nothing but kube-apiserver, with the flags in a file that
// Config.APIServer was given, until ctx ends.
func RunAPIServer(ctx context.Context, flagsFile string) error {
	values, err := readFlags(flagsFile)
	if err != nil {
		return err
	}
	apiServer, err := newAPIServer(ctx, values)
	if err != nil {
		return err
	}
	return apiServer.run(ctx)
}

func apiServerFlags(config Config, credentials Credentials) flags {
	return flags{
		"etcd-servers":               loopbackURLs(config.EtcdPort)[0].String(),
		"bind-address":               "127.0.0.1",
		"secure-port":                fmt.Sprint(config.APIServerPort),
		"advertise-address":          "127.0.0.1",
		"endpoint-reconciler-type":   "none", // it refuses to publish a loopback address
		"service-cluster-ip-range":   serviceCIDR,
		"authorization-mode":         "Node,RBAC",
		"allow-privileged":           "true",
		"client-ca-file":             credentials.CA.Certificate,
		"tls-cert-file":              credentials.apiServer.Certificate,
		"tls-private-key-file":       credentials.apiServer.Key,
		"service-account-issuer":     "https://kubernetes.default.svc",
		"service-account-key-file":   credentials.serviceAccount.Key,
		"proxy-client-cert-file":     credentials.frontProxy.Certificate,
		"proxy-client-key-file":      credentials.frontProxy.Key,
		"kubelet-client-key":         credentials.apiServerToKubelet.Key,
		"kubelet-client-certificate": credentials.apiServerToKubelet.Certificate,
		// The serving certificate of the virtual node is verified, as on a real cluster.
		"kubelet-certificate-authority":    credentials.CA.Certificate,
		"kubelet-preferred-address-types":  "InternalIP,Hostname",
		"service-account-signing-key-file": credentials.serviceAccount.Key,

		"requestheader-client-ca-file":       credentials.frontProxyCA.Certificate,
		"requestheader-allowed-names":        "front-proxy-client",
		"requestheader-username-headers":     "X-Remote-User",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
	}
}
