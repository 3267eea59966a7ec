package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/eci-vnode/eci-vnode/sandbox"
	"github.com/eci-vnode/eci-vnode/sandbox/controlplane"
	"github.com/eci-vnode/eci-vnode/sandbox/metricsserver"
)

func newCommand() *cobra.Command {
	config := sandbox.Default()
	root := &cobra.Command{
		Use:   "eci-sandbox",
		Short: "A Kubernetes cluster with an ECI virtual node, on this machine",
		Long: `eci-sandbox runs a real Kubernetes control plane, an emulator of Alibaba Cloud
ECI, and eci-vnode between the two, on this machine. It needs no privileges; as
root on Linux the containers of pods really run.
Everything it writes is in one directory; every start begins with an empty
cluster.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&config.Dir, "dir", config.Dir, "directory for all that the sandbox writes")
	flags.StringVar(&config.BinDir, "bin-dir", ownDir(), "directory of eci-emulator and eci-vnode")
	root.AddCommand(newUp(&config), newDown(&config), newStatus(&config), newAPIServer(), newMetricsServer())
	return root
}

func newUp(config *sandbox.Config) *cobra.Command {
	var detach bool
	var readyFD uint
	up := &cobra.Command{
		Use:   "up",
		Short: "Start the sandbox and run it until Ctrl-C",
		Example: `  eci-sandbox up                                # Ctrl-C stops it
  eci-sandbox up --detach                       # returns when all is ready
  eci-sandbox up --apiserver-port 26443         # when a port is taken
  eci-sandbox up --manifest my-pod.yaml         # another first pod
  eci-sandbox up --runtime simulated            # no real containers, also as root
  eci-sandbox up --metrics-server-port 0        # no kubectl top and no HPAs
  eci-sandbox up --vnode-arg=--log-level=debug  # one more argument for eci-vnode`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			if detach {
				// The last value of a flag counts.
				args := append(slices.Clone(os.Args[1:]), "--detach=false", fmt.Sprintf("--ready-fd=%d", sandbox.ReadyFD))
				return sandbox.Detach(ctx, *config, args, cmd.OutOrStdout())
			}
			return sandbox.Up(ctx, *config, cmd.OutOrStdout(), func() { tellReady(readyFD) })
		},
	}
	flags := up.Flags()
	flags.BoolVar(&detach, "detach", false, "return when all is ready, and leave the sandbox running in the background")
	flags.UintVar(&readyFD, "ready-fd", 0, "file descriptor that is told when all is ready")
	_ = flags.MarkHidden("ready-fd")
	flags.IntVar(&config.APIServerPort, "apiserver-port", config.APIServerPort, "port of kube-apiserver on 127.0.0.1")
	flags.IntVar(&config.EtcdPort, "etcd-port", config.EtcdPort, "port of etcd on 127.0.0.1; its peers use the next one")
	flags.IntVar(&config.EmulatorPort, "emulator-port", config.EmulatorPort, "port of the ECI emulator on 127.0.0.1")
	flags.IntVar(&config.KubeletPort, "kubelet-port", config.KubeletPort, "port of eci-vnode's kubelet API")
	flags.IntVar(&config.MetricsServerPort, "metrics-server-port", config.MetricsServerPort,
		"port of metrics-server on 127.0.0.1, for kubectl top and HorizontalPodAutoscalers; 0 runs none")
	flags.StringVar(&config.NodeIP, "node-ip", config.NodeIP,
		"IPv4 address of the node; on a loopback address kubectl logs and exec work, nodes/proxy does not")
	flags.StringVar(&config.Runtime, "runtime", config.Runtime,
		"what runs containers: process, on this machine (Linux, as root); simulated; auto, process where it can")
	flags.StringVar(&config.Deploy, "deploy", config.Deploy, "manifest that holds eci-vnode's ServiceAccount and rights")
	flags.StringVar(&config.Manifest, "manifest", config.Manifest, "manifest to apply and wait for at the end, empty for none")
	flags.StringArrayVar(&config.VNodeArgs, "vnode-arg", nil, "one more argument for eci-vnode; may be repeated")
	flags.StringArrayVar(&config.EmulatorArgs, "emulator-arg", nil, "one more argument for eci-emulator; may be repeated")
	flags.BoolVar(&config.APIServerApart, "apiserver-apart", false, "run kube-apiserver in a process of its own, which may be killed and comes back")
	flags.DurationVar(&config.Timeout, "timeout", config.Timeout, "how long to wait for each thing to become ready")
	return up
}

func newDown(config *sandbox.Config) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the sandbox, and clean up after one that was killed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return sandbox.Down(cmd.Context(), *config, cmd.OutOrStdout())
		},
	}
}

func newStatus(config *sandbox.Config) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell what runs; exit status 1 when nothing does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return sandbox.Status(*config, cmd.OutOrStdout())
		},
	}
}

// newAPIServer is for the sandbox itself.
func newAPIServer() *cobra.Command {
	return &cobra.Command{
		Use:    sandbox.APIServerCommand + " FLAGS-FILE",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return controlplane.RunAPIServer(ctx, args[0])
		},
	}
}

// newMetricsServer is for the sandbox itself.
func newMetricsServer() *cobra.Command {
	config := metricsserver.Default()
	run := &cobra.Command{
		Use:    sandbox.MetricsServerCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return metricsserver.Run(ctx, config)
		},
	}
	flags := run.Flags()
	flags.StringVar(&config.Kubeconfig, "kubeconfig", "", "who it is")
	flags.StringVar(&config.CertFile, "tls-cert-file", "", "its certificate")
	flags.StringVar(&config.KeyFile, "tls-private-key-file", "", "the key of the certificate")
	flags.IntVar(&config.Port, "secure-port", 0, "where it listens on 127.0.0.1")
	return run
}

// untilSignal ends the context at the first signal. The second one kills the
// process, and the kernel its children.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// tellReady writes to the pipe of the process that started us, if any.
func tellReady(fd uint) {
	if fd == 0 {
		return
	}
	pipe := os.NewFile(uintptr(fd), "ready")
	defer pipe.Close()
	_, _ = pipe.WriteString(sandbox.Ready) // a parent that is gone does not need it
}

// ownDir is where the programs lie that were built with this one.
func ownDir() string {
	self, err := os.Executable()
	if err != nil {
		return "."
	}
	return filepath.Dir(self)
}
