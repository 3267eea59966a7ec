package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/provider/explain"
)

// Exit statuses of the commands that answer a question.
const (
	// statusRefused says that explain found a pod that would be refused.
	statusRefused = 1
	// statusFound says that check or reap found something to be done.
	statusFound = 1
	// statusNoAnswer says that there is no answer: the files, the flags, the
	// cloud or the cluster were at fault.
	statusNoAnswer = 2
)

// explainFlags are those beside the settings.
type explainFlags struct {
	files          []string
	recursive      bool
	output         string
	namespace      string
	fields         bool
	annotations    bool
	live           bool
	dryRun         string
	requireObjects bool
	// prices beat those of the settings where their flags are given.
	prices explain.ListPrices
}

func newExplainCommand(env lookupEnv) *cobra.Command {
	flags := explainFlags{prices: explain.DefaultListPrices()}
	cmd := &cobra.Command{
		Use:   "explain -f FILE|DIR|-",
		Short: "Say what ECI would make of a manifest, and what it would cost",
		Long: `Explain reads files as kubectl apply does and says of every pod in them what it
would become on ECI: the request, the size that is asked for and the one that is
billed, the price, warnings, what would be refused and what to do instead, and
objects that are missing. It needs no account and no cluster, and asks nobody
unless --live or --dry-run=cloud is given. Secrets are shown as ***.

Pods are taken from Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job,
CronJob and ReplicationController. ConfigMaps (eci-profile among them), Secrets,
ServiceAccounts, Services, Namespaces, claims, volumes, StorageClasses and the
PodNetworkings of Terway beside them are used; other kinds are passed over. Files are read strictly:
a field that Kubernetes does not know is an error.

The exit status is 1 if a pod would be refused, 2 if there is no answer (a bad
file, a bad flag, a cloud that cannot be asked), and else 0.`,
		Example: `  # What does this cost, and does it run?
  eci-vnode explain -f deployment.yaml

  # The request that would be sent, from what helm or kustomize prints
  kustomize build overlays/prod | eci-vnode explain -f - -o yaml

  # In CI: a directory with all below it, for the node as it is set up
  eci-vnode explain -R -f manifests/ --config eci-vnode.yaml --require-objects

  # Today's prices, and the opinion of the cloud itself; nothing is made
  eci-vnode explain -f pod.yaml --region cn-hangzhou --live
  eci-vnode explain -f pod.yaml --region cn-hangzhou --vswitch vsw-1 --security-group sg-1 --dry-run=cloud

  # What becomes of every field and every annotation
  eci-vnode explain --fields
  eci-vnode explain --annotations`,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.files = append(flags.files, args...)
			return noAnswer(runExplain(cmd, env, flags))
		},
	}
	flags.add(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return noAnswer(err) })
	return cmd
}

// noAnswer gives an error without a status the one of no answer.
func noAnswer(err error) error {
	var exit *exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return &exitError{status: statusNoAnswer, err: err}
}

func (f *explainFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringArrayVarP(&f.files, "filename", "f", nil, "file, directory, or - for standard input; may be repeated")
	set.BoolVarP(&f.recursive, "recursive", "R", false, "look into the directories of a directory too")
	set.StringVarP(&f.output, "output", "o", "table", "table, yaml or json; yaml and json have the requests")
	set.StringVarP(&f.namespace, "namespace", "n", "default", "namespace of objects that name none")
	set.BoolVar(&f.fields, "fields", false, "print what becomes of every field of a pod")
	set.BoolVar(&f.annotations, "annotations", false, "print what every annotation does")
	set.BoolVar(&f.live, "live", false, "ask the cloud for prices; needs --region and credentials")
	set.StringVar(&f.dryRun, "dry-run", "none", "none, or cloud: ask the cloud for its opinion of every request; nothing is made")
	set.BoolVar(&f.requireObjects, "require-objects", false, "an object that is in none of the files is a refusal")
	set.Float64Var(&f.prices.VCPUHour, "price-vcpu-hour", f.prices.VCPUHour, "price of one vCPU for an hour")
	set.Float64Var(&f.prices.GiBHour, "price-gib-hour", f.prices.GiBHour, "price of one GiB of memory for an hour")
	set.StringVar(&f.prices.Currency, "price-currency", f.prices.Currency, "currency of these prices")
	set.String("config", "", "YAML file with the settings of the node; see docs/configuration.md")
	addSettingFlags(cmd, explainSettings())
}

// explainGCPercent lets the heap grow further between collections than usual: the
// program ends soon, and a fifth of its time would go into them.
const explainGCPercent = 400

func runExplain(cmd *cobra.Command, env lookupEnv, flags explainFlags) error {
	defer debug.SetGCPercent(debug.SetGCPercent(explainGCPercent))
	if flags.fields || flags.annotations {
		return writeTables(cmd.OutOrStdout(), flags)
	}
	write, known := reportWriters()[flags.output]
	switch {
	case !known:
		return fmt.Errorf("--output %q: must be table, yaml or json", flags.output)
	case flags.dryRun != "none" && flags.dryRun != "cloud":
		return fmt.Errorf("--dry-run %q: must be none or cloud", flags.dryRun)
	case len(flags.files) == 0:
		return errors.New("say what to explain: -f FILE, -f DIR, or -f - for standard input (see --help)")
	}
	setup, err := newExplainSetup(cmd, env, flags)
	if err != nil {
		return err
	}
	manifests := explain.NewManifests(flags.namespace)
	if err := readManifests(manifests, flags, cmd.InOrStdin()); err != nil {
		return err
	}
	return explainAll(cmd.Context(), manifests, setup, write, cmd.OutOrStdout())
}

// explainAll writes the report; a refusal in it is the error.
func explainAll(ctx context.Context, manifests *explain.Manifests, setup explainSetup, write reportWriter, out io.Writer) error {
	report, err := explain.Explain(ctx, manifests, setup.config, setup.deps)
	if err != nil {
		return err
	}
	report.Assumed = setup.assumed
	if err := write(report, out); err != nil {
		return err
	}
	if refused := report.Refused(); refused > 0 {
		return &exitError{status: statusRefused, err: fmt.Errorf("%d of %d would be refused", refused, len(report.Pods))}
	}
	return nil
}

func writeTables(out io.Writer, flags explainFlags) error {
	if flags.fields {
		if err := explain.Fields().Write(out); err != nil {
			return err
		}
	}
	if flags.annotations {
		return explain.Annotations().Write(out)
	}
	return nil
}

// reportWriter writes a report in one form.
type reportWriter func(*explain.Report, io.Writer) error

func reportWriters() map[string]reportWriter {
	return map[string]reportWriter{
		"table": (*explain.Report).WriteTable,
		"yaml": func(r *explain.Report, out io.Writer) error {
			text, err := yaml.Marshal(r)
			if err != nil {
				return err
			}
			_, err = out.Write(text)
			return err
		},
		"json": func(r *explain.Report, out io.Writer) error { return writeJSON(out, r) },
	}
}

// writeJSON writes v as people and programs read it.
func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
