package explain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Config says for which node pods are explained.
type Config struct {
	Request request.Config
	// Taints are those of the node.
	Taints []corev1.Taint
	// Addresses are the prices of public addresses.
	Addresses AddressPrices
	// RequireObjects counts a missing object as a refusal.
	RequireObjects bool
	// Requests puts the requests into the report.
	Requests bool
}

// Validate returns all that is wrong.
func (c Config) Validate() error { return c.Request.Validate() }

// Deps are what Explain asks, from many goroutines.
type Deps struct {
	Prices Prices
	// DryRun asks the cloud itself; nil asks nobody. A refusal is an *eci.Error
	// for which eci.IsInvalid or eci.IsNotFound holds; any other error says
	// nothing about the pod.
	DryRun func(ctx context.Context, req *eci.CreateContainerGroupRequest) error
}

// Explain reports what becomes of every pod, in the order of the files. The
// error says that somebody could not be asked.
func Explain(ctx context.Context, m *Manifests, cfg Config, deps Deps) (*Report, error) {
	report := &Report{Prices: deps.Prices.Source(), Notes: slices.Clone(m.notes), Pods: []Pod{}}
	profile, err := m.profile()
	if err != nil {
		return nil, err
	}
	var workloads []workload
	for _, w := range m.workloads {
		if w.kind == "DaemonSet" && !toleratesAll(w.pod.Spec.Tolerations, cfg.Taints) {
			report.Notes = append(report.Notes, Note{File: w.file, Object: "DaemonSet/" + w.name,
				Text: "not for virtual nodes: the taint of the node keeps it away, and so it should be"})
			continue
		}
		workloads = append(workloads, w)
	}
	pods := make([]Pod, len(workloads))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, w := range workloads {
		group.Go(func() (err error) {
			defer utilruntime.HandleCrashWithContext(ctx, func(_ context.Context, cause any) {
				err = fmt.Errorf("%s: %s %q: panic: %v", w.file, w.kind, w.name, cause)
			})
			e := &explainer{manifests: m, cfg: cfg, deps: deps, profile: profile, workload: w}
			if pods[i], err = e.explain(ctx); err != nil {
				return fmt.Errorf("%s: %s %q: %w", w.file, w.kind, w.name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, pod := range pods {
		report.add(pod)
	}
	return report, nil
}

// explainer explains the pods of one workload.
type explainer struct {
	manifests *Manifests
	cfg       Config
	deps      Deps
	profile   request.Profile
	workload  workload
}

func (e *explainer) explain(ctx context.Context) (Pod, error) {
	w := e.workload
	out := Pod{File: w.file, Kind: w.kind, Namespace: w.namespace, Name: w.name, Pods: w.pods, Outcome: Accepted}
	pod := w.pod.DeepCopy()
	setDefaults(pod)
	e.manifests.setAccount(pod)
	applied := e.place(pod, &out)
	pod = applied.Pod
	objects := e.manifests.objectsFor(pod)
	translation, missing, err := translate(pod, objects, applied.Config)
	for _, object := range missing {
		out.Missing = append(out.Missing, e.message("", object.Path, object.String()))
	}
	if len(out.Missing) > 0 && out.Outcome == Accepted {
		out.Outcome = Waiting
		if e.cfg.RequireObjects {
			out.Outcome = Refused
		}
	}
	shadow := &shadow{pod: pod, objects: objects, cfg: applied.Config}
	if err != nil {
		return e.refuse(out, err, shadow)
	}
	e.warn(&out, translation, shadow)
	out.setSize(pod, translation)
	if err := e.price(ctx, &out, translation.Request); err != nil {
		return out, err
	}
	e.address(&out, translation.EIP)
	if err := e.dryRun(ctx, &out, translation.Request); err != nil {
		return out, err
	}
	if e.cfg.Requests {
		// Last, for the cloud is asked with the Secrets themselves.
		shadow.redact(translation.Request)
		out.Request = translation.Request
	}
	return out, nil
}

// refuse tells why the pod cannot run. A pod that lacks something for which
// there is no stand-in is left as it is.
func (e *explainer) refuse(out Pod, err error, shadow *shadow) (Pod, error) {
	var refused *request.RefusedError
	if !errors.As(err, &refused) {
		if request.IsMissingObject(err) {
			return out, nil
		}
		return out, err
	}
	out.Outcome = Refused
	for i, problem := range refused.Fields {
		out.Refusals = append(out.Refusals, e.message(string(problem.Type), problem.Field, shadow.refusal(i, problem)))
	}
	return out, nil
}

func (e *explainer) warn(out *Pod, translation *request.Translation, shadow *shadow) {
	for i, w := range translation.Warnings {
		out.Warnings = append(out.Warnings, e.message(w.Reason, w.Path, shadow.warning(i, w)))
	}
	switch {
	case e.workload.kind == "DaemonSet":
		out.Warnings = append(out.Warnings, e.message("DaemonSet", "spec.tolerations",
			"a DaemonSet is not for virtual nodes: here it is one more group, billed for itself, that sees no other pod; make it a sidecar of the pods that need it"))
	case !toleratesAll(e.workload.pod.Spec.Tolerations, e.cfg.Taints):
		out.Warnings = append(out.Warnings, e.message("TaintNotTolerated", "spec.tolerations",
			"the pod does not tolerate the taint of the virtual node and is not scheduled there; tolerate "+taintText(e.cfg.Taints)))
	}
}

func (e *explainer) price(ctx context.Context, out *Pod, req *eci.CreateContainerGroupRequest) error {
	price, err := e.deps.Prices.PriceOf(ctx, req)
	if err != nil {
		return err
	}
	if price.Currency == "" {
		out.Warnings = append(out.Warnings, Message{Reason: "PriceUnknown", Text: price.Note})
		return nil
	}
	notes := slices.DeleteFunc([]string{e.workload.note, price.Note}, func(note string) bool { return note == "" })
	out.Cost = &Cost{
		Currency: price.Currency, PerHour: money(price.Hour), PerMonth: money(price.Hour * hoursPerMonth),
		AllPerHour: money(price.Hour * float64(out.Pods)), AllPerMonth: money(price.Hour * hoursPerMonth * float64(out.Pods)),
		Note: strings.Join(notes, "; "),
	}
	return nil
}

// address says what the EIPs of several pods cost, or that they cannot share one.
func (e *explainer) address(out *Pod, want *request.EIP) {
	if text := sharedEIP(want, out.Pods); text != "" {
		out.Outcome = Refused
		out.Refusals = append(out.Refusals, e.message("SharedEIP", "metadata.annotations", text))
	}
	currency := "USD"
	if out.Cost != nil {
		currency = out.Cost.Currency
	}
	if text := addressNote(want, out.Pods, e.cfg.Addresses, currency); text != "" {
		out.Warnings = append(out.Warnings, Message{Reason: "EIPCost", Text: text})
	}
}

// dryRun asks the cloud. It answers about the pod, or the error says nothing
// about it.
func (e *explainer) dryRun(ctx context.Context, out *Pod, req *eci.CreateContainerGroupRequest) error {
	if e.deps.DryRun == nil {
		return nil
	}
	err := e.deps.DryRun(ctx, req)
	switch {
	case err == nil, eci.IsDryRunOK(err):
		out.Cloud = "accepted by the dry run of the cloud"
	case eci.IsInvalid(err) || eci.IsNotFound(err):
		out.Outcome = Refused
		out.Cloud = "refused by the dry run of the cloud"
		out.Refusals = append(out.Refusals, Message{Reason: eci.CodeOf(err), Text: "the cloud refuses the request: " + err.Error()})
	default:
		return fmt.Errorf("the dry run of the cloud: %w", err)
	}
	return nil
}

// message puts the path of a field of the pod into the file: the pod of a
// Deployment is at spec.template.
func (e *explainer) message(reason, path, text string) Message {
	text = strings.TrimSuffix(text, " ("+path+")")
	if path != "" {
		path = e.workload.prefix + path
	}
	return Message{Reason: reason, Field: path, Text: text}
}

// toleratesAll says whether a pod with the tolerations may go to a node with the
// taints.
func toleratesAll(tolerations []corev1.Toleration, taints []corev1.Taint) bool {
	for _, taint := range taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule && !tolerates(tolerations, taint) {
			return false
		}
	}
	return true
}

func tolerates(tolerations []corev1.Toleration, taint corev1.Taint) bool {
	for _, t := range tolerations {
		value := t.Operator == corev1.TolerationOpExists || t.Value == taint.Value
		if value && (t.Key == "" || t.Key == taint.Key) && (t.Effect == "" || t.Effect == taint.Effect) {
			return true
		}
	}
	return false
}

func taintText(taints []corev1.Taint) string {
	texts := make([]string, len(taints))
	for i, taint := range taints {
		texts[i] = taint.ToString()
	}
	return strings.Join(texts, ", ")
}
