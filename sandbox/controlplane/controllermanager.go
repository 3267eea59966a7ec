package controlplane

import (
	"context"
	"fmt"

	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

// newControllerManager returns the controller manager, connected but not started.
func newControllerManager(ctx context.Context, credentials Credentials) (component, error) {
	opts, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return component{}, fmt.Errorf("options of kube-controller-manager: %w", err)
	}
	all, disabled, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	if err := parse(opts.Flags(all, disabled, aliases), controllerManagerFlags(credentials)); err != nil {
		return component{}, err
	}
	config, err := opts.Config(ctx, all, disabled, aliases)
	if err != nil {
		return component{}, fmt.Errorf("configure kube-controller-manager: %w", err)
	}
	return component{name: "kube-controller-manager", run: func(ctx context.Context) error {
		return app.Run(ctx, config.Complete())
	}}, nil
}

func controllerManagerFlags(credentials Credentials) flags {
	values := clientFlags(credentials.controllerManagerKubeconfig)
	// Without its own account per controller, RBAC forbids most of them
	// everything, and a node keeps its not-ready taint for ever.
	values["use-service-account-credentials"] = "true"
	values["service-account-private-key-file"] = credentials.serviceAccount.Key
	values["root-ca-file"] = credentials.CA.Certificate
	values["cluster-signing-cert-file"] = credentials.CA.Certificate
	values["cluster-signing-key-file"] = credentials.CA.Key
	return values
}
