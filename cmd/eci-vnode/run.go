package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	logruslogger "github.com/virtual-kubelet/virtual-kubelet/log/logrus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/status"
	"github.com/eci-vnode/eci-vnode/vnode"
)

func newRunCommand(env lookupEnv) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the virtual node until it is stopped",
		Long: `Run registers the virtual node and works on its pods until it is stopped. Pods
go on running when it stops, and are found again when it starts.

Settings come from flags, then environment variables (named in brackets below),
then the file given with --config, then defaults. Credentials come from one
place, the first that is configured: ECI_ACCESS_KEY and ECI_SECRET_KEY,
ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, an OIDC token of the pod (RRSA), the
other places of Alibaba Cloud's tools, and else the RAM role of this machine.`,
		Example: `  # in a cluster, with the ServiceAccount of the pod
  eci-vnode run --region cn-hangzhou --vswitch vsw-1,vsw-2 --security-group sg-1

  # from a shell, with a kubeconfig and a file
  eci-vnode run --kubeconfig ~/.kube/config --config eci-vnode.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, env)
			if err != nil {
				return err
			}
			return run(cmd.Context(), cfg, env, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().String("config", "", "YAML file with all settings; see docs/configuration.md")
	addFlags(cmd)
	return cmd
}

// run puts the program together and works until ctx ends.
func run(ctx context.Context, cfg Config, env lookupEnv, stderr io.Writer) error {
	logger, err := newLogger(cfg.Log, stderr)
	if err != nil {
		return err
	}
	ctx = log.WithLogger(ctx, logger.WithField("node", cfg.NodeName))
	log.G(ctx).WithField("version", version()).Info("starting")

	if cfg.InternalIP == "" {
		cfg.InternalIP = hostIP()
		log.G(ctx).WithField("internalIP", cfg.InternalIP).Info("no --internal-ip; using this machine's address")
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	catchPanics(logger, registry)
	r := newReplica(cfg, registry)
	clients, err := newClients(cfg.Kube, r.fenceKube())
	if err != nil {
		return err
	}
	credentials, err := findCredentials(cfg.ECI, env, logRenewals(ctx))
	if err != nil {
		return err
	}
	beat := newHeartbeat(r.recovering)
	cloud, err := newClient(cfg.ECI, openapi.Deps{Credentials: fencedCredentials{credentials, r.fenceCloud()}, Registry: registry, Observe: beat.observe})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer utilruntime.HandleCrashWithContext(ctx)
		logIdentity(serving, credentials)
		return nil
	})
	if cfg.MetricsAddress != "" {
		handler := metricsHandler(cfg, registry, r.notReady, beat.hung)
		group.Go(func() (err error) {
			defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
			return serveMetrics(serving, cfg, handler)
		})
	}
	for _, tune := range []func(context.Context, lookupEnv){limitGarbage, limitProcessors} {
		group.Go(func() error {
			defer utilruntime.HandleCrashWithContext(ctx)
			keepUp(serving, func(ctx context.Context) { tune(ctx, env) })
			return nil
		})
	}
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		defer stop() // probes are answered until the work has ended
		return r.lead(ctx, clients, func(ctx context.Context) error { return work(ctx, cfg, clients, cloud, registry, r) })
	})
	err = group.Wait()
	log.G(ctx).Info("stopped; pods go on running")
	return err
}

// work is what the leader does, or the only replica.
func work(ctx context.Context, cfg Config, clients clients, cloud *openapi.Client, registry *prometheus.Registry, r *replica) error {
	if cfg.ECI.ClusterID == "" {
		var err error
		if cfg.ECI.ClusterID, err = clusterID(ctx, clients.pods); err != nil {
			return err
		}
	}
	return assemble(ctx, cfg, clients, cloud, registry, r)
}

// assemble wires provider and node together and runs them.
func assemble(ctx context.Context, cfg Config, clients clients, cloud *openapi.Client, registry *prometheus.Registry, r *replica) error {
	pods := vnode.NewPodInformer(clients.watch, cfg.NodeName)
	factory := informers.NewSharedInformerFactoryWithOptions(clients.pods, 0, informers.WithTransform(vnode.StripManagedFields))
	services := factory.Core().V1().Services()
	servicesSynced := services.Informer().HasSynced
	recorder, err := vnode.NewEventRecorder(clients.events, "eci-vnode", cfg.NodeName, registry, nil)
	if err != nil {
		return err
	}
	defer recorder.Start(ctx)()

	deps := provider.Deps{
		Cloud: cloud, Kube: clients.pods, Services: services.Lister(), Pods: podStore{pods.GetStore()},
		Events: recorder, EventsClient: clients.events, Registry: registry, Networks: clients.custom,
	}
	if !cfg.EIP.Disabled {
		deps.EIPs, deps.Records = cloud, clients.custom
	}
	p, err := provider.New(providerConfig(cfg), deps)
	if err != nil {
		return err
	}
	node, err := vnode.New(vnodeConfig(cfg), vnode.Deps{
		Client: clients.pods, EventsClient: clients.events, NodeClient: clients.node,
		Provider: p, Pods: pods, OwnsAnnotation: ownsAnnotation, Recorder: recorder, Registry: registry, Gatherer: registry,
	})
	if err != nil {
		return err
	}

	factory.Start(ctx.Done())
	defer factory.Shutdown()
	log.G(ctx).Info("waiting for the Kubernetes API")
	if !cache.WaitForCacheSync(ctx.Done(), servicesSynced) {
		return ctx.Err()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		return withNameAdvice(node.Run(ctx))
	})
	group.Go(func() (err error) {
		defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
		return p.Run(ctx)
	})
	group.Go(func() error {
		defer utilruntime.HandleCrashWithContext(ctx)
		r.follow(ctx, node.Ready())
		return nil
	})
	return group.Wait()
}

// withNameAdvice adds to an error about the name of the node how that is set.
func withNameAdvice(err error) error {
	var foreign *vnode.ForeignNodeError
	if errors.As(err, &foreign) {
		return fmt.Errorf("%w (the name is set with --nodename, DEFAULT_NODE_NAME or nodeName in the file)", err)
	}
	return err
}

// ownsAnnotation says whether the node writes an annotation on pods.
func ownsAnnotation(key string) bool {
	return status.OwnsAnnotation(key) || eip.OwnsAnnotation(key)
}

// podStore shows the pods of an informer.
type podStore struct{ cache.Store }

// List returns the pods that the informer has.
func (s podStore) List() []*corev1.Pod {
	items := s.Store.List()
	pods := make([]*corev1.Pod, 0, len(items))
	for _, item := range items {
		if pod, ok := item.(*corev1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	return pods
}

func newLogger(cfg Log, out io.Writer) (log.Logger, error) {
	logger := logrus.New()
	logger.SetOutput(out)
	level, err := logrus.ParseLevel(cfg.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	logger.SetLevel(level)
	if cfg.Format == "json" {
		logger.SetFormatter(&logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
	} else {
		logger.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: time.RFC3339})
	}
	return logruslogger.FromLogrus(logrus.NewEntry(logger)), nil
}
