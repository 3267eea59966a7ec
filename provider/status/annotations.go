package status

import (
	"cmp"
	"strconv"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Annotations by which a pod is found again.
const (
	AnnotationInstanceID = "k8s.aliyun.com/eci-instance-id"
	AnnotationRequestID  = "k8s.aliyun.com/eci-request-id"
)

// written is the one table of annotations that are written back to the pod, as
// users of the managed product know them. An empty value is not written.
// Source: product document "Annotations for ECI-based pods".
var written = []struct {
	key   string
	value func(g *eci.ContainerGroup) string
}{
	{AnnotationInstanceID, func(g *eci.ContainerGroup) string { return g.ContainerGroupID }},
	{"k8s.aliyun.com/eci-instance-spec", spec},
	{"k8s.aliyun.com/eci-instance-cpu", func(g *eci.ContainerGroup) string { return amount(g.CPU) }},
	{"k8s.aliyun.com/eci-instance-mem", func(g *eci.ContainerGroup) string { return amount(g.Memory) }},
	{"k8s.aliyun.com/eci-instance-zone", func(g *eci.ContainerGroup) string { return g.ZoneID }},
	{"k8s.aliyun.com/eci-instance-compute-category", func(g *eci.ContainerGroup) string { return g.ComputeCategory }},
	{"k8s.aliyun.com/eci-vpc", func(g *eci.ContainerGroup) string { return g.VPCID }},
	{"k8s.aliyun.com/eci-vswitch", func(g *eci.ContainerGroup) string { return g.VSwitchID }},
	{"k8s.aliyun.com/eci-security-group", func(g *eci.ContainerGroup) string { return g.SecurityGroupID }},
	{"k8s.aliyun.com/eni-instance-id", func(g *eci.ContainerGroup) string { return g.ENIInstanceID }},
	{"k8s.aliyun.com/allocated-ipv6Address", func(g *eci.ContainerGroup) string { return g.IPv6Address }},
}

// Annotations are what is written back to the pod of group; requestID is that
// of its create.
func Annotations(group eci.ContainerGroup, requestID string) map[string]string {
	annotations := map[string]string{}
	if requestID != "" {
		annotations[AnnotationRequestID] = requestID
	}
	for _, row := range written {
		if value := row.value(&group); value != "" {
			annotations[row.key] = value
		}
	}
	return annotations
}

// OwnsAnnotation says whether the node writes the annotation key back.
func OwnsAnnotation(key string) bool {
	if key == AnnotationRequestID {
		return true
	}
	for _, row := range written {
		if row.key == key {
			return true
		}
	}
	return false
}

// spec is what is billed: an ECS type, else vCPU and memory.
func spec(g *eci.ContainerGroup) string {
	if g.CPU == 0 || g.Memory == 0 {
		return g.InstanceType
	}
	return cmp.Or(g.InstanceType, amount(g.CPU)+"-"+amount(g.Memory)+"Gi")
}

// amount has at least one decimal, as the product writes it: 2.0, 0.25.
func amount(x float64) string {
	if x == 0 {
		return ""
	}
	if x == float64(int64(x)) {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
