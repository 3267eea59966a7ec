package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Where the profile of the cluster is.
const (
	ProfileNamespace = "kube-system"
	ProfileName      = "eci-profile"
)

// Profile is the ConfigMap eci-profile: defaults of the cluster for pods that do
// not say otherwise. It is read when a pod is created, and a change reaches new
// pods only. Source: product document "Configure an eci-profile".
type Profile struct {
	// SecurityGroupID and VSwitchIDs beat those of Config, and are beaten by
	// annotations.
	SecurityGroupID string
	VSwitchIDs      []string
	Selectors       []ProfileSelector
	// Ignored are keys of the ConfigMap that mean nothing to this node, in order.
	Ignored []string
}

// ProfileSelector gives annotations and labels to the pods that it matches. One
// without a selector matches all.
type ProfileSelector struct {
	Name              string                `json:"name"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector,omitempty"`
	Effect            ProfileEffect         `json:"effect"`
}

// ProfileEffect is what a selector gives.
type ProfileEffect struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// ParseProfile reads the data of the ConfigMap; nil data is an empty profile. The
// error names every key that cannot be read. What can be read is returned with
// it.
func ParseProfile(data map[string]string) (Profile, error) {
	var p Profile
	var errs []error
	for _, key := range sortedKeys(data) {
		switch value := data[key]; key {
		case "securityGroupId":
			p.SecurityGroupID = value
		case "vSwitchIds", "vswitchIds":
			p.VSwitchIDs = splitList(value)
			if n := len(p.VSwitchIDs); n > maxVSwitches {
				errs = append(errs, fmt.Errorf("%s: %d vSwitches, at most %d", key, n, maxVSwitches))
				p.VSwitchIDs = p.VSwitchIDs[:maxVSwitches]
			}
		case "selectors":
			var err error
			if p.Selectors, err = parseSelectors(value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", key, err))
			}
		default:
			p.Ignored = append(p.Ignored, key)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return p, fmt.Errorf("ConfigMap %s/%s: %w", ProfileNamespace, ProfileName, err)
	}
	return p, nil
}

// parseSelectors reads strictly: a misspelled key would match every pod.
func parseSelectors(text string) ([]ProfileSelector, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxProfileText {
		return nil, fmt.Errorf("it has %d bytes, and at most %d are read", len(text), maxProfileText)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	var all []ProfileSelector
	if err := decoder.Decode(&all); err != nil {
		return nil, err
	}
	for i, s := range all {
		if s.Name == "" {
			return nil, fmt.Errorf("[%d].name is missing", i)
		}
		for _, selector := range []*metav1.LabelSelector{s.NamespaceSelector, s.ObjectSelector} {
			if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
				return nil, fmt.Errorf("[%d] %q: %w", i, s.Name, err)
			}
		}
	}
	return all, nil
}

// Applied is a pod under a profile.
type Applied struct {
	// Pod has the annotations and labels of the profile, and shares the rest with
	// the pod of the cluster, in the place of which it is to be translated.
	Pod *corev1.Pod
	// Config has the vSwitches and the security group of the profile.
	Config Config
	// Annotations and Labels are those that the profile has added.
	Annotations, Labels map[string]string
	// Selectors are the names of those that matched, in order.
	Selectors []string
	// Networking is the name of the PodNetworking that gave it its place, or "".
	Networking string
}

// ApplyProfile gives a pod what the profile has for it. Keys of the pod win, then
// those of earlier selectors. Nothing that is given is changed.
func ApplyProfile(pod *corev1.Pod, namespaceLabels map[string]string, p Profile, cfg Config) Applied {
	changed := *pod
	out := Applied{Pod: &changed, Config: cfg, Annotations: map[string]string{}, Labels: map[string]string{}}
	if p.SecurityGroupID != "" {
		out.Config.SecurityGroupID = p.SecurityGroupID
	}
	if len(p.VSwitchIDs) > 0 {
		// The zone of the settings need not be that of these vSwitches.
		out.Config.VSwitchIDs, out.Config.ZoneID = slices.Clone(p.VSwitchIDs), ""
	}
	for _, s := range p.Selectors {
		if !matches(s.NamespaceSelector, namespaceLabels) || !matches(s.ObjectSelector, pod.Labels) {
			continue
		}
		out.Selectors = append(out.Selectors, s.Name)
		out.Pod.Annotations = addMissing(out.Pod.Annotations, s.Effect.Annotations, out.Annotations)
		out.Pod.Labels = addMissing(out.Pod.Labels, s.Effect.Labels, out.Labels)
	}
	return out
}

func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(set))
}

// addMissing adds what to lacks, under any of the names that an annotation has,
// and notes it in added.
func addMissing(to, from, added map[string]string) map[string]string {
	cloned := len(added) > 0 // else the map is that of the pod
	for _, key := range sortedKeys(from) {
		if hasAnyName(to, key) {
			continue
		}
		if !cloned {
			to, cloned = maps.Clone(to), true
		}
		if to == nil {
			to = map[string]string{}
		}
		to[key], added[key] = from[key], from[key]
	}
	return to
}

// hasAnyName says whether a map has the key, or another name of that annotation.
func hasAnyName(m map[string]string, key string) bool {
	if _, ok := m[key]; ok {
		return true
	}
	for _, row := range annotationTable().rows {
		names := append([]string{row.Key}, row.Aliases...)
		if !slices.Contains(names, key) {
			continue
		}
		for _, name := range names {
			if _, ok := m[name]; ok {
				return true
			}
		}
	}
	return false
}
