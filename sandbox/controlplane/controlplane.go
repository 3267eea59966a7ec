package controlplane

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// readyPoll is how often a starting API server is asked whether it is ready.
const readyPoll = 50 * time.Millisecond

// Plane is a running control plane.
type Plane struct {
	Credentials Credentials
	Admin       *rest.Config // cluster administrator

	ctx  context.Context // ends, with the cause, when a component fails
	fail context.CancelCauseFunc
}

// Start returns when the API server is ready and the scheduler and the
// controller manager run, or when the context ends. What has been started
// lives until the process ends. Call it once per process.
func Start(ctx context.Context, config Config) (*Plane, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if err := redirectLogs(config.Log); err != nil {
		return nil, err
	}
	credentials, err := writeCredentials(config)
	if err != nil {
		return nil, fmt.Errorf("write certificates: %w", err)
	}
	admin, err := adminClientConfig(credentials)
	if err != nil {
		return nil, err
	}
	plane := &Plane{Credentials: credentials, Admin: admin}
	plane.ctx, plane.fail = context.WithCancelCause(context.WithoutCancel(ctx))
	return plane, plane.start(ctx, config)
}

func (p *Plane) start(ctx context.Context, config Config) error {
	etcd, err := startEtcd(ctx, config)
	if err != nil {
		return err
	}
	p.run(etcd)
	if err := p.startAPIServer(config); err != nil {
		return err
	}
	if err := p.awaitReady(ctx); err != nil {
		return fmt.Errorf("wait for kube-apiserver: %w", err)
	}
	scheduler, err := newScheduler(p.ctx, p.Credentials)
	if err != nil {
		return err
	}
	controllerManager, err := newControllerManager(p.ctx, p.Credentials)
	if err != nil {
		return err
	}
	p.run(scheduler)
	p.run(controllerManager)
	return nil
}

// startAPIServer settles the feature gates of this process in any case.
func (p *Plane) startAPIServer(config Config) error {
	flags := apiServerFlags(config, p.Credentials)
	apiServer, err := newAPIServer(p.ctx, flags)
	if err != nil {
		return err
	}
	if config.APIServer == nil {
		p.run(apiServer)
		return nil
	}
	file, err := flags.write(config.path("kube-apiserver.json"))
	if err != nil {
		return err
	}
	config.APIServer(file)
	return nil
}

// Failed is closed when a component has ended by itself; Err says which.
func (p *Plane) Failed() <-chan struct{} { return p.ctx.Done() }

// Err is nil while all components run, else why the first one ended.
func (p *Plane) Err() error { return context.Cause(p.ctx) }

func (p *Plane) run(c component) {
	go func() {
		err := c.run(p.ctx)
		if err == nil {
			err = context.Canceled
		}
		p.fail(fmt.Errorf("%s ended: %w", c.name, err))
	}()
}

func (p *Plane) awaitReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(p.Admin)
	if err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil, p.Err()
	})
}
