package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eci-vnode/eci-vnode/provider"
)

// dryRunGrace is the time between the two listings where nothing is deleted.
const dryRunGrace = 10 * time.Second

// reapFlags are those beside the settings.
type reapFlags struct {
	yes, all bool
	eips     bool
	grace    time.Duration
	output   string
}

func newReapCommand(env lookupEnv) *cobra.Command {
	var flags reapFlags
	cmd := &cobra.Command{
		Use:   "reap",
		Short: "Find container groups whose pod is gone, and delete them with --yes",
		Long: `Reap finds the orphans of one virtual node: container groups that carry the tags
of this node and this cluster, have not ended, and whose pod the API server does
not have. Groups of other nodes and other clusters are never looked at. A group
is an orphan only if two complete listings, a grace period apart, say so.

The node does the same by itself while it runs. This command is for a node that
is gone for good, or to look. Without --yes nothing is deleted.

The exit status is 1 if orphans are left, 2 if there is no answer, and else 0.`,
		Example: `  # look
  eci-vnode reap --config eci-vnode.yaml --kubeconfig ~/.kube/config

  # delete what was found
  eci-vnode reap --config eci-vnode.yaml --kubeconfig ~/.kube/config --yes

  # public addresses that are paid for and serve no pod
  eci-vnode reap --eips --config eci-vnode.yaml --kubeconfig ~/.kube/config

  # the last act of a node that was given up: all of its groups are orphans
  eci-vnode reap --config eci-vnode.yaml --kubeconfig ~/.kube/config --yes --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !flags.yes && !cmd.Flags().Changed("grace") {
				flags.grace = dryRunGrace
			}
			return noAnswer(runReap(cmd, env, flags))
		},
	}
	set := cmd.Flags()
	set.BoolVar(&flags.yes, "yes", false, "delete the orphans")
	set.BoolVar(&flags.eips, "eips", false, "list instead the EIPs of the node that are bound to nothing, and their age")
	set.BoolVar(&flags.all, "all", false, "with --yes: also if more than half of several groups of the node are orphans")
	set.DurationVar(&flags.grace, "grace", defaultConfig().Sync.OrphanGrace.Duration,
		fmt.Sprintf("time between the two listings (%s without --yes)", dryRunGrace))
	set.StringVarP(&flags.output, "output", "o", "table", "table or json")
	set.String("config", "", "YAML file with the settings of the node; see docs/configuration.md")
	addSettingFlags(cmd, reapSettings())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return noAnswer(err) })
	return cmd
}

// reapSettings say which node it is and how to reach account and cluster.
func reapSettings() []setting {
	return settingsOf("nodename", "kubeconfig", "region", "endpoint", "cluster-id")
}

func runReap(cmd *cobra.Command, env lookupEnv, flags reapFlags) error {
	if flags.output != "table" && flags.output != "json" {
		return fmt.Errorf("--output %q: must be table or json", flags.output)
	}
	if flags.grace < 0 {
		return fmt.Errorf("--grace %s: must not be negative", flags.grace)
	}
	cfg, problems := readSettings(cmd, env, reapSettings())
	if cfg.ECI.Region == "" {
		problems = append(problems, "eci.region: Required value: set --region or ECI_REGION, such as cn-hangzhou")
	}
	if err := joinProblems(problems); err != nil {
		return err
	}
	if flags.eips {
		return runReapEIPs(cmd, cfg, env, flags.output)
	}
	orphans, err := newOrphans(cmd.Context(), cfg, env, flags.grace, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	return reap(cmd.Context(), orphans, flags, cmd.OutOrStdout())
}

func newOrphans(ctx context.Context, cfg Config, env lookupEnv, grace time.Duration, progress io.Writer) (*provider.Orphans, error) {
	kube, err := clientAs(cfg.Kube, "")
	if err != nil {
		return nil, err
	}
	if cfg.ECI.ClusterID == "" {
		if cfg.ECI.ClusterID, err = readClusterID(ctx, kube); err != nil {
			return nil, err
		}
	}
	cloud, err := newCloud(cfg.ECI, env, nil)
	if err != nil {
		return nil, err
	}
	return provider.NewOrphans(
		provider.OrphansConfig{ClusterID: cfg.ECI.ClusterID, NodeName: cfg.NodeName, Grace: grace},
		provider.OrphansDeps{Cloud: cloud, Kube: kube, Waiting: func(suspects int, grace time.Duration) {
			fmt.Fprintf(progress, "%d container groups have no pod; listing again in %s\n", suspects, grace)
		}},
	)
}

// reaped is what became of one orphan.
type reaped struct {
	provider.Orphan
	// Outcome is one of the constants below.
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
}

const (
	outcomeFound   = "orphan"
	outcomeDeleted = "deleted"
	outcomeKept    = "not an orphan any more"
	outcomeFailed  = "not deleted"
)

// reapReport is the answer of reap.
type reapReport struct {
	ClusterID string   `json:"clusterID"`
	NodeName  string   `json:"node"`
	Groups    int      `json:"groups"`
	DryRun    bool     `json:"dryRun"`
	Orphans   []reaped `json:"orphans"`
}

// reap finds orphans, deletes them if asked to, and reports.
func reap(ctx context.Context, orphans *provider.Orphans, flags reapFlags, out io.Writer) error {
	found, err := orphans.Find(ctx)
	if err != nil {
		return err
	}
	report := reapReport{ClusterID: found.ClusterID, NodeName: found.NodeName, Groups: found.Groups, DryRun: !flags.yes, Orphans: []reaped{}}
	if found.TooMany() && flags.yes && !flags.all {
		return fmt.Errorf("%d of the %d container groups of this node look like orphans: is this the kubeconfig of its cluster, and was it not restored from a backup? "+
			"Look without --yes; if they are orphans, or the node was given up, add --all", len(found.Orphans), found.Groups)
	}
	left := 0
	for _, orphan := range found.Orphans {
		row := reaped{Orphan: orphan, Outcome: outcomeFound}
		if flags.yes {
			row.end(ctx, orphans)
		}
		if row.Outcome == outcomeFound || row.Outcome == outcomeFailed {
			left++
		}
		report.Orphans = append(report.Orphans, row)
	}
	if err := report.write(flags.output, out); err != nil {
		return err
	}
	if left > 0 {
		return &exitError{status: statusFound, err: fmt.Errorf("%d orphans are left", left)}
	}
	return nil
}

func (r *reaped) end(ctx context.Context, orphans *provider.Orphans) {
	switch deleted, err := orphans.Delete(ctx, r.Orphan); {
	case err != nil:
		r.Outcome, r.Error = outcomeFailed, err.Error()
	case deleted:
		r.Outcome = outcomeDeleted
	default:
		r.Outcome = outcomeKept
	}
}

func (r reapReport) write(output string, out io.Writer) error {
	if output == "json" {
		return writeJSON(out, r)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Orphans) > 0 {
		fmt.Fprintln(table, "CONTAINER GROUP\tNAMESPACE\tPOD\tSTATUS\tCPU\tMEMORY\tCREATED\tOUTCOME")
	}
	for _, o := range r.Orphans {
		outcome := o.Outcome
		if o.Error != "" {
			outcome += ": " + o.Error
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%g\t%gGi\t%s\t%s\n",
			o.ContainerGroupID, o.Namespace, o.PodName, o.Status, o.CPU, o.Memory, o.CreationTime, outcome)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d container groups of node %s in cluster %s are orphans%s\n",
		len(r.Orphans), r.Groups, r.NodeName, r.ClusterID, r.hint())
	return err
}

// hint tells what to do next.
func (r reapReport) hint() string {
	if r.DryRun && len(r.Orphans) > 0 {
		return "; nothing was deleted: --yes does that"
	}
	return ""
}
