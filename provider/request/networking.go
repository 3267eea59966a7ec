package request

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PodNetworking is the cluster-scoped resource of Terway that gives the pods it
// selects vSwitches and security groups of their own. Source: the types of
// Terway, network.alibabacloud.com/v1beta1.
type PodNetworking struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   PodNetworkingSpec   `json:"spec,omitempty"`
	Status PodNetworkingStatus `json:"status,omitempty"`
}

// PodNetworkings is the resource, to list it by.
func PodNetworkings() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "network.alibabacloud.com", Version: "v1beta1", Resource: "podnetworkings"}
}

// PodNetworkingKind is the kind of one.
const PodNetworkingKind = "PodNetworking"

// PodNetworkingSpec is what of it means something for a container group; the
// kinds of network interfaces are for machines with many pods.
type PodNetworkingSpec struct {
	AllocationType struct {
		// Type is Elastic, or Fixed for addresses that outlive the pod.
		Type string `json:"type,omitempty"`
	} `json:"allocationType,omitempty"`
	Selector             PodNetworkingSelector `json:"selector,omitempty"`
	SecurityGroupIDs     []string              `json:"securityGroupIDs,omitempty"`
	VSwitchOptions       []string              `json:"vSwitchOptions,omitempty"`
	VSwitchSelectOptions struct {
		// VSwitchSelectionPolicy is ordered (the default), random or most.
		VSwitchSelectionPolicy string `json:"vSwitchSelectionPolicy,omitempty"`
	} `json:"vSwitchSelectOptions,omitempty"`
}

// PodNetworkingSelector selects pods for which all of its parts hold; without a
// part it selects none.
type PodNetworkingSelector struct {
	PodSelector       *metav1.LabelSelector `json:"podSelector,omitempty"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
}

// PodNetworkingStatus is what Terway found out about it.
type PodNetworkingStatus struct {
	// Status is Ready, Fail, or "" where nobody has looked at it.
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
}

const (
	// annotationPodNetworking names the PodNetworking of a pod: the user does, or
	// the webhook of Terway.
	annotationPodNetworking = annotationPrefix + "pod-networking"

	networkingFixed  = "Fixed"
	networkingFailed = "Fail"
)

// ApplyNetworking gives a pod the vSwitches and security groups of the
// PodNetworking that selects it: they beat those of the profile and of the node,
// and the annotations of the pod beat them. Of several the first by name is
// taken. One whose check by Terway failed is passed over, as Terway does, with a
// warning. The error names a PodNetworking that no group can be made by.
func ApplyNetworking(a Applied, namespaceLabels map[string]string, all []PodNetworking) (Applied, []Warning, error) {
	var warnings []Warning
	warn := func(text string, args ...any) {
		warnings = append(warnings, Warning{Reason: ReasonPodNetworking, Path: "metadata", Message: fmt.Sprintf(text, args...)})
	}
	name := a.Pod.Annotations[annotationPodNetworking]
	if name != "" && !slices.ContainsFunc(all, func(n PodNetworking) bool { return n.Name == name }) {
		return a, nil, &NetworkingError{NotFound: name}
	}
	for _, n := range slices.SortedFunc(slices.Values(all), func(a, b PodNetworking) int { return cmp.Compare(a.Name, b.Name) }) {
		if !n.selects(a.Pod, namespaceLabels) || n.Spec.AllocationType.Type == networkingFixed && !isStateful(a.Pod, a.Config) {
			continue
		}
		if n.Status.Status == networkingFailed {
			warn("PodNetworking %s is passed over, for its status is Fail: %s", n.Name, n.Status.Message)
			continue
		}
		if n.Spec.AllocationType.Type == networkingFixed {
			warn("PodNetworking %s asks for fixed addresses, which are not kept here: use %seci-fixed-ip", n.Name, annotationPrefix)
		}
		out, err := n.place(a)
		return out, warnings, err
	}
	return a, warnings, nil
}

// selects says whether the pod names it, or names none and has the labels. A
// selector that cannot be read selects nothing; ValidateNetworking tells of it.
func (n PodNetworking) selects(pod *corev1.Pod, namespaceLabels map[string]string) bool {
	if name := pod.Annotations[annotationPodNetworking]; name != "" {
		return name == n.Name
	}
	s := n.Spec.Selector
	return (s.PodSelector != nil || s.NamespaceSelector != nil) && matches(s.PodSelector, pod.Labels) && matches(s.NamespaceSelector, namespaceLabels)
}

// place puts what n says into the settings of the pod. What it leaves out stays.
func (n PodNetworking) place(a Applied) (Applied, error) {
	a.Networking = n.Name
	if len(n.Spec.SecurityGroupIDs) > maxSecurityGroups {
		return a, &NetworkingError{Problem: fmt.Sprintf("PodNetworking %s has %d security groups, and a container group takes at most %d", n.Name, len(n.Spec.SecurityGroupIDs), maxSecurityGroups)}
	}
	if len(n.Spec.VSwitchOptions) > maxVSwitches {
		return a, &NetworkingError{Problem: fmt.Sprintf("PodNetworking %s has %d vSwitches, and a container group takes at most %d", n.Name, len(n.Spec.VSwitchOptions), maxVSwitches)}
	}
	if groups := n.Spec.SecurityGroupIDs; len(groups) > 0 {
		a.Config.SecurityGroupID = strings.Join(groups, ",")
	}
	if len(n.Spec.VSwitchOptions) == 0 {
		return a, nil
	}
	a.Config.VSwitchIDs, a.Config.ZoneID = slices.Clone(n.Spec.VSwitchOptions), ""
	switch n.Spec.VSwitchSelectOptions.VSwitchSelectionPolicy {
	case "random", "most": // ECI does not look for the one with most addresses
		a.Config.ScheduleStrategy = scheduleRandom
	default:
		a.Config.ScheduleStrategy = scheduleOrdered
	}
	return a, nil
}

// NetworkingError says that the PodNetworking of a pod cannot be followed: no
// group may be made, for it would land elsewhere.
type NetworkingError struct {
	// NotFound is the name of one that does not exist; else Problem says what is
	// wrong with one that does.
	NotFound, Problem string
}

// Error names the PodNetworking.
func (e *NetworkingError) Error() string {
	if e.NotFound != "" {
		return fmt.Sprintf("PodNetworking %s, which %s names, does not exist", e.NotFound, annotationPodNetworking)
	}
	return e.Problem
}

// ValidateNetworking says what of n cannot be read.
func ValidateNetworking(n PodNetworking) error {
	for name, selector := range map[string]*metav1.LabelSelector{"podSelector": n.Spec.Selector.PodSelector, "namespaceSelector": n.Spec.Selector.NamespaceSelector} {
		if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
			return fmt.Errorf("spec.selector.%s: %w", name, err)
		}
	}
	return nil
}

// isStateful says whether the pods of the workload come back under their names.
func isStateful(pod *corev1.Pod, cfg Config) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && (owner.Kind == "StatefulSet" || slices.Contains(cfg.StatefulKinds, owner.Kind))
}
