package controlplane

import (
	"context"
	"fmt"

	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// newScheduler returns the scheduler, connected but not started.
func newScheduler(ctx context.Context, credentials Credentials) (component, error) {
	opts := options.NewOptions()
	if err := parse(*opts.Flags, clientFlags(credentials.schedulerKubeconfig)); err != nil {
		return component{}, err
	}
	completed, scheduler, err := app.Setup(ctx, opts)
	if err != nil {
		return component{}, fmt.Errorf("set up kube-scheduler: %w", err)
	}
	return component{name: "kube-scheduler", run: func(ctx context.Context) error {
		return app.Run(ctx, completed, scheduler)
	}}, nil
}
