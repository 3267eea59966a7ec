package vnode

import (
	"encoding/json"
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// statusPatch is the strategic merge patch that turns the status of pod into want
// and sets annotations, with the UID as precondition; nil if there is nothing to do.
func statusPatch(pod *corev1.Pod, want corev1.PodStatus, annotations map[string]string) ([]byte, error) {
	changed, ok := statusDiff(&pod.Status, &want)
	if !ok {
		return computedPatch(pod, want, annotations)
	}
	if len(changed) == 0 && len(annotations) == 0 {
		return nil, nil
	}
	var patch struct {
		Metadata struct {
			UID         types.UID         `json:"uid"`
			Annotations map[string]string `json:"annotations,omitempty"`
		} `json:"metadata"`
		Status map[string]any `json:"status,omitempty"`
	}
	patch.Metadata.UID, patch.Metadata.Annotations, patch.Status = pod.UID, annotations, changed
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("encode patch of pod status: %w", err)
	}
	return body, nil
}

// computedPatch has the patch computed by apimachinery, which knows every case
// but takes the statuses through JSON and back: a third of the time that a create
// took in this package.
func computedPatch(pod *corev1.Pod, want corev1.PodStatus, annotations map[string]string) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{Status: pod.Status})
	if err != nil {
		return nil, fmt.Errorf("encode present pod status: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: pod.UID, Annotations: annotations}, Status: want,
	})
	if err != nil {
		return nil, fmt.Errorf("encode wanted pod status: %w", err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("compute patch of pod status: %w", err)
	}
	// Times lose their fractions in JSON: what differed in Go may be the same here.
	if len(annotations) == 0 && string(patch) == fmt.Sprintf(`{"metadata":{"uid":%q}}`, pod.UID) {
		return nil, nil
	}
	return patch, nil
}

// statusDiff has the fields of want that differ from before, null for those that
// are to go, as a strategic merge patch has them. It is false for the rare change
// whose patch needs a directive, such as an address that is replaced.
func statusDiff(before, want *corev1.PodStatus) (changed map[string]any, ok bool) {
	d := diff{}
	d.scalar("observedGeneration", before.ObservedGeneration, want.ObservedGeneration)
	d.scalar("phase", before.Phase, want.Phase)
	d.scalar("message", before.Message, want.Message)
	d.scalar("reason", before.Reason, want.Reason)
	d.scalar("nominatedNodeName", before.NominatedNodeName, want.NominatedNodeName)
	d.scalar("hostIP", before.HostIP, want.HostIP)
	d.scalar("podIP", before.PodIP, want.PodIP)
	d.scalar("qosClass", before.QOSClass, want.QOSClass)
	d.scalar("resize", before.Resize, want.Resize)
	d.time("startTime", before.StartTime, want.StartTime)
	// Lists that are replaced as a whole.
	d.list("initContainerStatuses", before.InitContainerStatuses, want.InitContainerStatuses)
	d.list("containerStatuses", before.ContainerStatuses, want.ContainerStatuses)
	d.list("ephemeralContainerStatuses", before.EphemeralContainerStatuses, want.EphemeralContainerStatuses)
	return d, d.conditions(before.Conditions, want.Conditions) &&
		d.appears("hostIPs", before.HostIPs, want.HostIPs) &&
		d.appears("podIPs", before.PodIPs, want.PodIPs) &&
		d.appears("allocatedResources", before.AllocatedResources, want.AllocatedResources) &&
		d.appears("resources", before.Resources, want.Resources) &&
		d.appears("resourceClaimStatuses", before.ResourceClaimStatuses, want.ResourceClaimStatuses) &&
		d.appears("extendedResourceClaimStatus", before.ExtendedResourceClaimStatus, want.ExtendedResourceClaimStatus)
}

// diff is the part of a patch that is known so far.
type diff map[string]any

func (d diff) scalar(name string, before, want any) {
	switch {
	case before == want:
	case reflect.ValueOf(want).IsZero():
		d[name] = nil
	default:
		d[name] = want
	}
}

// time compares in whole seconds: that is what JSON keeps.
func (d diff) time(name string, before, want *metav1.Time) {
	switch {
	case before == nil && want == nil, before != nil && want != nil && before.Unix() == want.Unix():
	case want == nil || want.IsZero():
		d[name] = nil
	default:
		d[name] = want
	}
}

// list puts the whole list if it differs, fractions of seconds aside.
func (d diff) list(name string, before, want []corev1.ContainerStatus) {
	switch {
	case equality.Semantic.DeepEqual(before, want):
	case len(want) == 0:
		d[name] = nil
	case len(before) == 0 || !sameJSON(before, want):
		d[name] = want
	}
}

func sameJSON(a, b any) bool {
	one, err1 := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(one) == string(two)
}

// appears puts a value where there was none. It is false if one is replaced: then
// the patch has to say what becomes of its parts.
func (d diff) appears(name string, before, want any) bool {
	if equality.Semantic.DeepEqual(before, want) {
		return true
	}
	if v := reflect.ValueOf(before); v.Kind() == reflect.Pointer && !v.IsNil() || v.Kind() != reflect.Pointer && v.Len() > 0 {
		return false
	}
	d[name] = want
	return true
}

// conditions puts what differs of each condition. It is false if one is to go.
func (d diff) conditions(before, want []corev1.PodCondition) bool {
	var list []diff
	for i := range want {
		there := findCondition(before, want[i].Type)
		if there == nil {
			there = &corev1.PodCondition{}
		}
		if c := conditionDiff(there, &want[i]); len(c) > 0 {
			c["type"] = want[i].Type
			list = append(list, c)
		}
	}
	for i := range before {
		if findCondition(want, before[i].Type) == nil {
			return false
		}
	}
	if len(list) > 0 {
		d["conditions"] = list
	}
	return true
}

func conditionDiff(before, want *corev1.PodCondition) diff {
	c := diff{}
	c.scalar("observedGeneration", before.ObservedGeneration, want.ObservedGeneration)
	c.scalar("status", before.Status, want.Status)
	c.scalar("reason", before.Reason, want.Reason)
	c.scalar("message", before.Message, want.Message)
	c.time("lastProbeTime", &before.LastProbeTime, &want.LastProbeTime)
	c.time("lastTransitionTime", &before.LastTransitionTime, &want.LastTransitionTime)
	return c
}
