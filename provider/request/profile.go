package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	// Enforced selectors beat the pod: what they give stands in the place of what
	// the pod says, under any name of the annotation.
	Enforced []ProfileSelector
	// EnforcedProblem says why the enforced selectors could not be read: no pod may
	// be translated then, for it could get by what it is bound to.
	EnforcedProblem error
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
		case "enforcedSelectors":
			if p.Enforced, p.EnforcedProblem = parseSelectors(value); p.EnforcedProblem != nil {
				p.EnforcedProblem = fmt.Errorf("ConfigMap %s/%s: %s: %w", ProfileNamespace, ProfileName, key, p.EnforcedProblem)
			}
		default:
			p.Ignored = append(p.Ignored, key)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return p, errors.Join(p.EnforcedProblem, fmt.Errorf("ConfigMap %s/%s: %w", ProfileNamespace, ProfileName, err))
	}
	return p, p.EnforcedProblem
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
	// Annotations and Labels are those that the profile has added, or put in the
	// place of those of the pod.
	Annotations, Labels map[string]string
	// Selectors are the names of those that matched, in order.
	Selectors []string
	// Networking is the name of the PodNetworking that gave it its place, or "".
	Networking string
}

// ApplyProfile gives a pod what the profile has for it. Enforced keys win, then
// those of the pod, then those of earlier selectors. Nothing that is given is
// changed.
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
	for _, s := range p.Enforced {
		if s.selects(pod, namespaceLabels) {
			out.Selectors = append(out.Selectors, s.Name)
			out.Pod.Annotations = enforce(out.Pod.Annotations, s.Effect.Annotations, out.Annotations)
			out.Pod.Labels = enforce(out.Pod.Labels, s.Effect.Labels, out.Labels)
		}
	}
	for _, s := range p.Selectors {
		if !s.selects(pod, namespaceLabels) {
			continue
		}
		out.Selectors = append(out.Selectors, s.Name)
		out.Pod.Annotations = addMissing(out.Pod.Annotations, s.Effect.Annotations, out.Annotations)
		out.Pod.Labels = addMissing(out.Pod.Labels, s.Effect.Labels, out.Labels)
	}
	out.Config.Granted = out.Annotations
	return out
}

// selects reports whether the selector matches the pod, by the labels that its
// author gave it.
func (s ProfileSelector) selects(pod *corev1.Pod, namespaceLabels map[string]string) bool {
	return matches(s.NamespaceSelector, namespaceLabels) && matches(s.ObjectSelector, pod.Labels)
}

// enforce puts from in the place of what to has under any name of the key, but
// for what an earlier selector has enforced, and notes it in enforced.
func enforce(to, from, enforced map[string]string) map[string]string {
	cloned := false // the map is that of the pod
	for _, key := range sortedKeys(from) {
		if hasAnyName(enforced, key) {
			continue
		}
		if !cloned {
			to, cloned = maps.Clone(to), true
		}
		if to == nil {
			to = map[string]string{}
		}
		for _, name := range namesOf(key) {
			delete(to, name)
		}
		to[key], enforced[key] = from[key], from[key]
	}
	return to
}

// EIPDefaults are the annotations about EIPs among those that the profile gives.
func (a Applied) EIPDefaults() map[string]string {
	defaults := map[string]string{}
	for key, value := range a.Annotations {
		if strings.Contains(key, eipMark) {
			defaults[key] = value
		}
	}
	return defaults
}

// WithDefaults returns the pod with annotations that the profile once gave it in
// the place of its own of these names, and the settings that grant them.
func WithDefaults(pod *corev1.Pod, given map[string]string, cfg Config) (*corev1.Pod, Config) {
	if len(given) == 0 {
		return pod, cfg
	}
	changed := *pod
	changed.Annotations = enforce(pod.Annotations, given, map[string]string{})
	cfg.Granted = given
	return &changed, cfg
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
	return slices.ContainsFunc(namesOf(key), func(name string) bool {
		_, ok := m[name]
		return ok
	})
}

// namesOf returns all names of the annotation that has the key; a key that is no
// annotation of ours has only its own.
func namesOf(key string) []string {
	for _, row := range annotationTable().rows {
		if names := append([]string{row.Key}, row.Aliases...); slices.Contains(names, key) {
			return names
		}
	}
	return []string{key}
}
