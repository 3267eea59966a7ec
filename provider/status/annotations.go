package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

const annotationPrefix = "k8s.aliyun.com/"

// Annotations by which a group is found again.
const (
	AnnotationInstanceID = annotationPrefix + "eci-instance-id"
	AnnotationRequestID  = annotationPrefix + "eci-request-id"
)

// written is the row of one annotation that is written back.
type written struct {
	key   string
	value func(group eci.ContainerGroup, requestID string) string
}

// table holds all annotations that are written back. Source: product document
// "Annotations for ECI-based pods", the part on what the platform writes.
func table() []written {
	return []written{
		{"eci-request-id", func(_ eci.ContainerGroup, requestID string) string { return requestID }},
		{"eci-instance-id", func(g eci.ContainerGroup, _ string) string { return g.ContainerGroupID }},
		{"eci-instance-spec", func(g eci.ContainerGroup, _ string) string { return spec(g) }},
		{"eci-instance-cpu", func(g eci.ContainerGroup, _ string) string { return decimal(g.CPU) }},
		{"eci-instance-mem", func(g eci.ContainerGroup, _ string) string { return decimal(g.Memory) }},
		{"eci-instance-compute-category", func(g eci.ContainerGroup, _ string) string { return g.ComputeCategory }},
		{"eci-instance-zone", placed(func(g eci.ContainerGroup) string { return g.ZoneID })},
		{"eci-vpc", placed(func(g eci.ContainerGroup) string { return g.VPCID })},
		{"eci-vswitch", placed(func(g eci.ContainerGroup) string { return g.VSwitchID })},
		{"eci-security-group", placed(func(g eci.ContainerGroup) string { return g.SecurityGroupID })},
		{"eni-instance-id", func(g eci.ContainerGroup, _ string) string { return g.ENIInstanceID }},
		{"allocated-eipAddress", func(g eci.ContainerGroup, _ string) string { return g.InternetIP }},
		{"allocated-ipv6Address", func(g eci.ContainerGroup, _ string) string { return g.IPv6Address }},
	}
}

// placed holds a value back until the group has a place. Two of these annotations
// are input as well: a pod that shows the place of a group which could not be made
// there would ask for that very place with its next attempt.
func placed(value func(eci.ContainerGroup) string) func(eci.ContainerGroup, string) string {
	return func(g eci.ContainerGroup, _ string) string {
		switch g.Status {
		case "", eci.StatusScheduling, eci.StatusScheduleFailed:
			return ""
		}
		return value(g)
	}
}

// Annotations returns what is written back on the pod; what is not known is left
// out, so that it does not wipe what was written before. requestID is that of
// the create, or "".
func Annotations(group eci.ContainerGroup, requestID string) map[string]string {
	annotations := map[string]string{}
	for _, row := range table() {
		if value := row.value(group, requestID); value != "" {
			annotations[annotationPrefix+row.key] = value
		}
	}
	return annotations
}

// OwnsAnnotation says whether the annotation is one that is written back.
func OwnsAnnotation(key string) bool {
	name, ours := strings.CutPrefix(key, annotationPrefix)
	return ours && slices.ContainsFunc(table(), func(row written) bool { return row.key == name })
}

// spec is what is billed: the ECS type, or the size as 2.0-4.0Gi.
func spec(g eci.ContainerGroup) string {
	if strings.HasPrefix(g.InstanceType, "ecs.") && !strings.Contains(g.InstanceType, ",") {
		return g.InstanceType
	}
	if g.CPU == 0 || g.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("%s-%sGi", decimal(g.CPU), decimal(g.Memory))
}

// decimal writes 2 as 2.0 and 0.25 as it is; "" for nothing.
func decimal(n float64) string {
	if n == 0 {
		return ""
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
