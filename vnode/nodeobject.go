package vnode

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels without a constant in the Kubernetes API.
const (
	labelType       = "type"
	labelTypeValue  = "virtual-kubelet"
	labelRole       = "kubernetes.io/role"
	labelBetaOS     = "beta.kubernetes.io/os"
	labelBetaArch   = "beta.kubernetes.io/arch"
	labelBetaRegion = corev1.LabelFailureDomainBetaRegion
	labelBetaZone   = corev1.LabelFailureDomainBetaZone
)

// annotationVirtual marks a Node as a virtual one, whatever its labels are.
const annotationVirtual = "virtual-kubelet.io/virtual-node"

// nodeObject is the Node as the configuration has it, without conditions.
func nodeObject(cfg NodeConfig, port int32) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: cfg.Name, Labels: nodeLabels(cfg), Annotations: nodeAnnotations(cfg),
		},
		Spec: corev1.NodeSpec{Taints: cloneTaints(cfg.Taints)},
		Status: corev1.NodeStatus{
			Phase:       corev1.NodeRunning,
			Capacity:    cfg.Capacity.DeepCopy(),
			Allocatable: allocatable(cfg),
			Addresses:   nodeAddresses(cfg),
			DaemonEndpoints: corev1.NodeDaemonEndpoints{
				KubeletEndpoint: corev1.DaemonEndpoint{Port: port},
			},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion: cfg.Version, OperatingSystem: cfg.OS, Architecture: cfg.Arch,
			},
		},
	}
}

func nodeAnnotations(cfg NodeConfig) map[string]string {
	annotations := map[string]string{annotationVirtual: "true"}
	maps.Copy(annotations, cfg.Annotations)
	return annotations
}

func nodeLabels(cfg NodeConfig) map[string]string {
	labels := map[string]string{
		labelType:                labelTypeValue,
		corev1.LabelHostname:     cfg.Name,
		corev1.LabelOSStable:     cfg.OS,
		labelBetaOS:              cfg.OS,
		corev1.LabelArchStable:   cfg.Arch,
		labelBetaArch:            cfg.Arch,
		labelRole:                cfg.Role,
		corev1.LabelTopologyZone: cfg.Zone, labelBetaZone: cfg.Zone,
		corev1.LabelTopologyRegion: cfg.Region, labelBetaRegion: cfg.Region,
		// A load balancer must not send traffic to node ports that nobody serves.
		corev1.LabelNodeExcludeBalancers: "true",
	}
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	maps.Copy(labels, cfg.Labels)
	return labels
}

func allocatable(cfg NodeConfig) corev1.ResourceList {
	if len(cfg.Allocatable) > 0 {
		return cfg.Allocatable.DeepCopy()
	}
	return cfg.Capacity.DeepCopy()
}

func nodeAddresses(cfg NodeConfig) []corev1.NodeAddress {
	addresses := []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: cfg.Name}}
	if cfg.InternalIP != "" {
		addresses = append([]corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: cfg.InternalIP}}, addresses...)
	}
	return addresses
}

func cloneTaints(taints []corev1.Taint) []corev1.Taint {
	return append([]corev1.Taint(nil), taints...)
}
