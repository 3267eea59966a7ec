package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// newRootCommand builds the command line. The root itself takes the flags of
// `run`, because a manifest written for the first ECI provider gives flags and
// no subcommand.
func newRootCommand(env lookupEnv) *cobra.Command {
	run := newRunCommand(env)
	root := &cobra.Command{
		Use:   "eci-vnode",
		Short: "A virtual node for Kubernetes on Alibaba Cloud Elastic Container Instance",
		Long: `eci-vnode registers a virtual node with a Kubernetes cluster. Each pod that is
bound to it becomes one container group on Alibaba Cloud Elastic Container
Instance (ECI), and what happens there is shown as the pod's status.

  eci-vnode run --region cn-hangzhou --vswitch vsw-... --security-group sg-...

Flags without a subcommand mean "run", so that manifests of the first ECI
provider keep working.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().NFlag() == 0 {
				return cmd.Help()
			}
			return run.RunE(cmd, args)
		},
	}
	root.Flags().AddFlagSet(run.Flags())
	root.AddCommand(run, newCheckCommand(env), newReapCommand(env), newExplainCommand(env), newVersionCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "eci-vnode", version())
			return err
		},
	}
}

// version is the module version, or the revision that the binary was built
// from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
