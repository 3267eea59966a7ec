package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/client-go/kubernetes"

	"github.com/eci-vnode/eci-vnode/sandbox/controlplane"
	"github.com/eci-vnode/eci-vnode/sandbox/manifest"
	"github.com/eci-vnode/eci-vnode/sandbox/process"
)

// fieldManager owns what the sandbox applies.
const fieldManager = "eci-sandbox"

// APIServerCommand is the subcommand of eci-sandbox that runs kube-apiserver
// alone, by controlplane.RunAPIServer with its one argument.
const APIServerCommand = "kube-apiserver"

// session is one running sandbox.
type session struct {
	config Config
	files  layout
	keys   accessKey
	report *reporter

	plane    *controlplane.Plane
	cluster  *manifest.Cluster
	client   kubernetes.Interface
	children []*process.Child // in the order of their start
	// containers is what the emulator says of what runs them.
	containers string
}

// Up starts a sandbox, calls ready once it can be used, and runs until the
// context ends. It returns nil when the context ended a ready sandbox. The
// control plane dies only with this process, so end it soon afterwards.
func Up(ctx context.Context, config Config, out io.Writer, ready func()) error {
	config, err := config.Complete()
	if err != nil {
		return err
	}
	s := &session{
		config: config,
		files:  layout{config.Dir, config.BinDir},
		keys:   newAccessKey(),
		report: newReporter(out),
	}
	held, err := claim(ctx, s.files, s.report)
	if err != nil {
		return err
	}
	err = s.run(ctx, ready)
	s.stop()
	return errors.Join(err, removeVolatile(s.files), held.Release())
}

func (s *session) run(ctx context.Context, ready func()) error {
	if err := checkPorts(s.config); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped before the sandbox was ready")
		}
		return err
	}
	ready()
	select {
	case <-ctx.Done():
		return nil
	case <-s.plane.Failed():
		return s.plane.Err()
	}
}

func (s *session) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.startControlPlane,
		s.startEmulator,
		s.grantVNode,
		s.startVNode,
		s.startMetricsServer,
		s.applyManifest,
		s.showTables,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.showUsage()
	return nil
}

func (s *session) startControlPlane(ctx context.Context) error {
	s.report.sayf("Starting Kubernetes: etcd, kube-apiserver, kube-scheduler, kube-controller-manager")
	log, err := os.OpenFile(s.files.logFile(controlPlaneName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	// The log stays open: the components write to it until the process ends.
	config := controlplane.Config{
		Dir:           s.files.state(),
		APIServerPort: s.config.APIServerPort,
		EtcdPort:      s.config.EtcdPort,
		NodeName:      NodeName,
		NodeIP:        s.config.NodeIP,
		Log:           log,
	}
	if s.config.APIServerApart {
		config.APIServer = func(flagsFile string) { s.supervise(apiServerName, nil, []string{APIServerCommand, flagsFile}) }
	}
	s.plane, err = controlplane.Start(ctx, config)
	if err != nil {
		return fmt.Errorf("start the control plane (its log: %s): %w", log.Name(), err)
	}
	if err := s.connect(); err != nil {
		return err
	}
	if err := s.await(ctx, "the first ServiceAccounts", nil, s.missingAccounts); err != nil {
		return err
	}
	s.report.sayf("Kubernetes is ready at %s", s.plane.Admin.Host)
	return nil
}

func (s *session) connect() (err error) {
	if err := s.plane.WriteAdminKubeconfig(s.files.kubeconfig()); err != nil {
		return err
	}
	if s.cluster, err = manifest.NewCluster(s.plane.Admin, fieldManager); err != nil {
		return err
	}
	s.client, err = kubernetes.NewForConfig(s.plane.Admin)
	return err
}

// stop ends the children, the last one first: eci-vnode may still need the
// emulator and the API server to finish its work.
func (s *session) stop() {
	if s.plane == nil {
		return
	}
	s.report.sayf("Stopping")
	for len(s.children) > 0 {
		last := len(s.children) - 1
		s.children[last].Stop()
		s.children = s.children[:last]
	}
	s.report.sayf("The sandbox has stopped, nothing is left running")
}
