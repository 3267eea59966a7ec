package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"

	podrequest "github.com/eci-vnode/eci-vnode/provider/request"
)

const nodeAccount = "system:serviceaccount:kube-system:eci-vnode"

// mustReadPolicy returns the shipped ValidatingAdmissionPolicy.
func mustReadPolicy(t *testing.T) *admissionv1.ValidatingAdmissionPolicy {
	t.Helper()
	for _, object := range mustReadManifest(t, func(text string) string { return text }) {
		if object.GetKind() == "ValidatingAdmissionPolicy" {
			policy := &admissionv1.ValidatingAdmissionPolicy{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, policy, true); err != nil {
				t.Fatal(err)
			}
			return policy
		}
	}
	t.Fatal("the manifest has no ValidatingAdmissionPolicy")
	return nil
}

// TestPolicy_OwnsWhatTheCodeOwns: but for what users write as well, the policy
// protects each annotation that the node writes, and no other.
func TestPolicy_OwnsWhatTheCodeOwns(t *testing.T) {
	policy := mustReadPolicy(t)
	var protected []string
	for _, variable := range policy.Spec.Variables {
		if variable.Name == "owned" {
			for _, match := range regexp.MustCompile(`'([^']+)'`).FindAllStringSubmatch(variable.Expression, -1) {
				protected = append(protected, match[1])
			}
		}
	}
	inputs := map[string]bool{} // what a pod's author writes
	known := slices.Concat(podrequest.ForeignAnnotations(), protected)
	for _, a := range podrequest.Annotations() {
		known = append(append(known, a.Key), a.Aliases...)
		inputs[a.Key] = a.Actor != podrequest.ActorNobody
	}
	slices.Sort(known)
	var owned []string
	for _, key := range slices.Compact(known) {
		if ownsAnnotation(key) && !inputs[key] {
			owned = append(owned, key)
		}
	}
	slices.Sort(protected)
	if !slices.Equal(owned, protected) {
		t.Errorf("the node owns\n%s\nthe policy protects\n%s", strings.Join(owned, "\n"), strings.Join(protected, "\n"))
	}
	for key, input := range inputs {
		if input && slices.Contains(protected, key) {
			t.Errorf("%s is for users to write", key)
		}
	}
}

// compile does what the API server does with a policy.
func compile(policy *admissionv1.ValidatingAdmissionPolicy) validating.Validator {
	environments, err := cel.NewCompositionEnv(cel.VariablesTypeName, environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		panic(err)
	}
	compiler := cel.NewCompositedCompilerFromTemplate(environments)
	full := cel.OptionalVariableDeclarations{HasAuthorizer: true}
	var variables []cel.NamedExpressionAccessor
	for _, v := range policy.Spec.Variables {
		variables = append(variables, &validating.Variable{Name: v.Name, Expression: v.Expression})
	}
	compiler.CompileAndStoreVariables(variables, full, environment.StoredExpressions)
	var conditions, validations, messages []cel.ExpressionAccessor
	for i := range policy.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[i]))
	}
	for _, v := range policy.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression})
	}
	matcher := matchconditions.NewMatcher(compiler.CompileCondition(conditions, full, environment.StoredExpressions), policy.Spec.FailurePolicy, "policy", "validate", policy.Name)
	return validating.NewValidator(
		compiler.CompileCondition(validations, full, environment.StoredExpressions), matcher,
		compiler.CompileCondition(nil, full, environment.StoredExpressions),
		compiler.CompileCondition(messages, cel.OptionalVariableDeclarations{}, environment.StoredExpressions),
		policy.Spec.FailurePolicy)
}

// write is a request to the API server.
type write struct {
	by          string
	subresource string
	before      *corev1.Pod // nil for a create
	after       runtime.Object
}

// judge returns why a policy refuses a write, or nothing.
func judge(t *testing.T, v validating.Validator, w write) string {
	t.Helper()
	resource, kind := corev1.SchemeGroupVersion.WithResource("pods"), schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	operation, old := admission.Create, runtime.Object(nil)
	if w.before != nil {
		operation, old = admission.Update, w.before
	}
	attributes := admission.NewAttributesRecord(w.after, old, kind, "default", "web", resource, w.subresource, operation, nil, false, &user.DefaultInfo{Name: w.by})
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: w.after, VersionedOldObject: old}
	result := v.Validate(t.Context(), resource, versioned, nil, nil, celconfig.RuntimeCELCostBudget, nil)
	for _, decision := range result.Decisions {
		if decision.Action != validating.ActionAdmit {
			return decision.Message
		}
	}
	return ""
}

// podWith is a pod on a node, "" for none yet.
func podWith(node string, annotations ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: corev1.PodSpec{NodeName: node}}
	for i := 0; i < len(annotations); i += 2 {
		metav1.SetMetaDataAnnotation(&pod.ObjectMeta, annotations[i], annotations[i+1])
	}
	return pod
}

func TestPolicy_LetsOnlyTheNodeWriteItsAnnotations(t *testing.T) {
	const id, address, node = "k8s.aliyun.com/eci-instance-id", "network.alibabacloud.com/allocated-eipAddress", "virtual-kubelet"
	binding := func(annotations ...string) runtime.Object {
		return &corev1.Binding{ObjectMeta: podWith("", annotations...).ObjectMeta, Target: corev1.ObjectReference{Kind: "Node", Name: node}}
	}
	refused := []string{"only the virtual node writes", id}
	for name, c := range map[string]struct {
		write
		says []string // nothing is allowed
	}{
		"a new pod":                     {write{by: "alice", after: podWith("")}, nil},
		"a new pod with settings":       {write{by: "alice", after: podWith("", "k8s.aliyun.com/eci-vswitch", "vsw-1", "k8s.aliyun.com/eci-security-group", "sg-1", "other", "x")}, nil},
		"a copy":                        {write{by: "alice", after: podWith("", id, "eci-1")}, refused},
		"a copy that names its node":    {write{by: "alice", after: podWith(node, id, "eci-1", address, "1.2.3.4")}, []string{id, address, "leave them out of a new pod"}},
		"a restore by an administrator": {write{by: "kubernetes-admin", after: podWith("", id, "eci-1")}, refused},
		"a controller":                  {write{by: "system:serviceaccount:kube-system:replicaset-controller", after: podWith("", "a", "b")}, nil},
		"another account of its name":   {write{by: "system:serviceaccount:default:eci-vnode", after: podWith("", id, "eci-1")}, refused},
		"the node":                      {write{by: nodeAccount, subresource: "status", before: podWith(node), after: podWith(node, id, "eci-1")}, nil},
		"an edit of something else":     {write{by: "alice", before: podWith(node, id, "eci-1"), after: podWith(node, id, "eci-1", "a", "b")}, nil},
		"a change":                      {write{by: "alice", before: podWith(node, id, "eci-1"), after: podWith(node, id, "eci-2")}, refused},
		"an addition":                   {write{by: "alice", before: podWith(node), after: podWith(node, id, "eci-2")}, refused},
		"a removal":                     {write{by: "alice", before: podWith(node, id, "eci-1"), after: podWith(node)}, refused},
		"an addition before it is bound": {
			write{by: "alice", before: podWith(""), after: podWith("", id, "eci-2")}, refused},
		"by the status": {write{by: "alice", subresource: "status", before: podWith(node), after: podWith(node, id, "eci-2")}, refused},
		"by a binding":  {write{by: "scheduler", subresource: "binding", after: binding(id, "eci-2")}, refused},
		"a binding":     {write{by: "system:kube-scheduler", subresource: "binding", after: binding()}, nil},
		"a pod of another virtual node": {
			write{by: "system:serviceaccount:kube-system:virtual-kubelet", subresource: "status", before: podWith("managed"), after: podWith("managed", id, "eci-3")}, nil},
		"a kubelet's status": {write{by: "system:node:a", subresource: "status", before: podWith("a", "x", "y"), after: podWith("a", "x", "y")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, compile(mustReadPolicy(t)), c.write)
			if len(c.says) == 0 && got != "" {
				t.Errorf("refused: %s", got)
			}
			for _, want := range c.says {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in the refusal %q", want, got)
				}
			}
		})
	}
}

func TestPolicy_IsAskedForEveryWayToWriteAnAnnotation(t *testing.T) {
	var ways []string
	for _, rule := range mustReadPolicy(t).Spec.MatchConstraints.ResourceRules {
		for _, resource := range rule.Resources {
			for _, operation := range rule.Operations {
				ways = append(ways, string(operation)+" "+resource)
			}
		}
	}
	slices.Sort(ways)
	want := []string{"CREATE bindings", "CREATE pods", "CREATE pods/binding", "CREATE pods/status", "UPDATE pods", "UPDATE pods/status"}
	if !slices.Equal(ways, want) {
		t.Errorf("it is asked for %q", ways)
	}
	for _, object := range mustReadManifest(t, func(text string) string { return text }) {
		if object.GetKind() == "ValidatingAdmissionPolicyBinding" {
			return
		}
	}
	t.Error("nothing binds the policy")
}
