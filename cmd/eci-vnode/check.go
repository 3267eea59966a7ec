package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/check"
)

// checkFlags are those beside the settings.
type checkFlags struct {
	only, output, as string
}

func newCheckCommand(env lookupEnv) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check account and cluster before a virtual node is started there",
		Long: `Check asks the account and the cluster whether all is there that the virtual
node needs: credentials, region, quota, every vSwitch with the security group,
permissions; the API server, the rights of the caller, the name of the node. It
takes the settings of run, changes nothing, and says of everything that is
wrong what to do.

The exit status is 1 if something failed, 2 if it could not be checked (bad
settings), and else 0, also with warnings.`,
		Example: `  # account and cluster, with the settings that run will have
  eci-vnode check --config eci-vnode.yaml --kubeconfig ~/.kube/config

  # the rights of the ServiceAccount instead of one's own
  eci-vnode check --config eci-vnode.yaml --as system:serviceaccount:kube-system:eci-vnode

  # the account alone, before there is a cluster
  eci-vnode check --only cloud --region cn-hangzhou --vswitch vsw-1 --security-group sg-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return noAnswer(runCheck(cmd, env, flags)) },
	}
	flags.add(cmd.Flags())
	cmd.Flags().String("config", "", "YAML file with all settings; see docs/configuration.md")
	addSettingFlags(cmd, settings())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return noAnswer(err) })
	return cmd
}

func (f *checkFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.only, "only", "", "cloud or cluster: leave the other out")
	set.StringVarP(&f.output, "output", "o", "table", "table or json")
	set.StringVar(&f.as, "as", "", "user whose rights in the cluster are checked, such as system:serviceaccount:kube-system:eci-vnode")
}

func runCheck(cmd *cobra.Command, env lookupEnv, flags checkFlags) error {
	switch {
	case flags.only != "" && flags.only != "cloud" && flags.only != "cluster":
		return fmt.Errorf("--only %q: must be cloud or cluster", flags.only)
	case flags.output != "table" && flags.output != "json":
		return fmt.Errorf("--output %q: must be table or json", flags.output)
	}
	cfg, err := loadConfig(cmd, env)
	if err != nil {
		return err
	}
	var deps check.Deps
	if flags.only != "cloud" {
		if deps.Kube, err = clientAs(cfg.Kube, flags.as); err != nil {
			return err
		}
	}
	if flags.only != "cluster" {
		credentials, err := findCredentials(cfg.ECI, env, nil)
		if err != nil {
			return err
		}
		if deps.Cloud, err = newClient(cfg.ECI, openapi.Deps{Credentials: credentials}); err != nil {
			return err
		}
		deps.Identity = identityOf(credentials)
	}
	return writeCheck(check.Run(cmd.Context(), checkConfig(cfg), deps), flags.output, cmd.OutOrStdout())
}

// writeCheck writes the report; what failed is the error.
func writeCheck(report check.Report, output string, out io.Writer) error {
	write := report.WriteTable
	if output == "json" {
		write = func(out io.Writer) error { return writeJSON(out, report) }
	}
	if err := write(out); err != nil {
		return err
	}
	if failed := report.Failed(); failed > 0 {
		return &exitError{status: statusFound, err: fmt.Errorf("%d checks failed", failed)}
	}
	return nil
}

// clientAs is a client for a command that a person runs; as is whom it plays,
// empty for nobody else.
func clientAs(cfg Kube, as string) (kubernetes.Interface, error) {
	base, err := clientcmd.BuildConfigFromFlags("", cfg.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reaching Kubernetes: %w (set --kubeconfig, or run in a pod with a ServiceAccount)", err)
	}
	base.QPS, base.Burst = cfg.QPS, cfg.Burst
	base.UserAgent = "eci-vnode/" + version()
	base.Impersonate.UserName = as
	client, err := kubernetes.NewForConfig(base)
	if err != nil {
		return nil, errors.Join(errors.New("reaching Kubernetes"), err)
	}
	return client, nil
}
