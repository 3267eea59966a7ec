package eip

import (
	corev1 "k8s.io/api/core/v1"
)

// ConditionEIP is the condition of a pod that says whether its EIP is bound; a
// readiness gate may name it. Source: product document on EIPs of pods.
const ConditionEIP corev1.PodConditionType = "k8s.aliyun.com/eip"

// Reasons of ConditionEIP; the first is that of the network controller, spaces
// included.
const (
	ReasonSucceeded = "Associate eip succeed"
	ReasonWaiting   = "EIPPending"
	ReasonQuota     = "EIPQuotaExceeded"
	ReasonBalance   = "EIPInsufficientBalance"
	ReasonInUse     = "EIPInUse"
	ReasonFailed    = "EIPFailed"
)

// State is what became of a pod's wish for an EIP. The zero State says nothing.
type State struct {
	AllocationID, Address, ENI string
	// Reason is one of the Reason constants; ReasonSucceeded is the good one.
	Reason, Message string
	// Network says that the annotations of the pod are the network controller's.
	Network bool
}

// Ready says whether the EIP is bound.
func (s State) Ready() bool { return s.Reason == ReasonSucceeded }

// Condition is ConditionEIP for the state; false for the zero State.
func (s State) Condition() (corev1.PodCondition, bool) {
	c := corev1.PodCondition{Type: ConditionEIP, Status: corev1.ConditionFalse, Reason: s.Reason, Message: s.Message}
	if s.Ready() {
		c.Status = corev1.ConditionTrue
	}
	return c, s.Reason != ""
}

// Annotations that are written back. Sources: the product's documents on ECI,
// on the network controller and on ACS, each with names of its own.
const (
	annotationECIAddress     = "k8s.aliyun.com/allocated-eipAddress"
	annotationECIID          = "k8s.aliyun.com/allocated-eipInstanceId"
	annotationNetworkAddress = "network.alibabacloud.com/allocated-eipAddress"
	annotationACSAddress     = "network.alibabacloud.com/allocated-eip-address"
	annotationACSENI         = "network.alibabacloud.com/allocated-eni-id"
	// annotationACSID is also one that a user may name an EIP by: it is written
	// only on pods of its own family, so that it never makes a mix.
	annotationACSID  = "network.alibabacloud.com/allocated-eip-id"
	annotationPodIPs = "k8s.aliyun.com/pod-ips"
)

// OwnsAnnotation says whether the annotation is one that is written back.
func OwnsAnnotation(key string) bool {
	switch key {
	case annotationECIAddress, annotationECIID, annotationNetworkAddress, annotationACSAddress, annotationACSENI, annotationACSID, annotationPodIPs:
		return true
	}
	return false
}

// Annotations returns what is written back once the EIP is bound; podIPs are
// comma separated.
func (s State) Annotations(podIPs string) map[string]string {
	if !s.Ready() {
		return nil
	}
	all := map[string]string{
		annotationECIAddress: s.Address, annotationECIID: s.AllocationID, annotationPodIPs: podIPs,
		annotationNetworkAddress: s.Address, annotationACSAddress: s.Address, annotationACSENI: s.ENI,
	}
	if s.Network {
		all[annotationACSID] = s.AllocationID
	}
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}
