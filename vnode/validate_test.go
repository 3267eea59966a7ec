package vnode

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func validConfig() Config {
	cfg := DefaultConfig()
	cfg.Node.Name = "vk"
	return cfg
}

func TestDefaultConfigNeedsOnlyAName(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.Validate(); err == nil || err.Error() != "node.name: Required value" {
		t.Errorf("error = %v", err)
	}
	cfg = validConfig()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEverythingWrongIsReportedAtOnceWithItsPath(t *testing.T) {
	cfg := validConfig()
	cfg.Node.Name = "Not_A_Name"
	cfg.Node.Role = "not a label"
	cfg.Node.Labels = map[string]string{"a b": "c"}
	cfg.Node.Taints = []corev1.Taint{{Key: "k", Effect: "Never"}, {Key: "d", Effect: "NoSchedule"}, {Key: "d", Effect: "NoSchedule"}}
	cfg.Node.Capacity = corev1.ResourceList{"cpu": resource.MustParse("1")}
	cfg.Node.Allocatable = corev1.ResourceList{"cpu": resource.MustParse("2")}
	cfg.Node.InternalIP = "localhost"
	cfg.Node.PingInterval, cfg.Node.PingTimeout, cfg.Node.StatusInterval = 0, 0, 0
	cfg.Node.LeaseDuration = time.Second
	cfg.Kubelet.Address = "x"
	cfg.Kubelet.Port = 70000
	cfg.Kubelet.TLSCertFile = "cert.pem"
	cfg.Kubelet.StreamIdleTimeout, cfg.Kubelet.StreamCreationTimeout = 0, 0
	cfg.Workers = 0
	cfg.RetryMin, cfg.RetryMax = 0, -1
	cfg.PendingPause, cfg.DeleteRecheck = -1, 0
	cfg.ShutdownGrace = -1
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, path := range []string{
		"node.name:", "node.role:", "node.labels:", "node.taints[0].effect:", "node.taints[2]:", "node.allocatable[cpu]:",
		"node.internalIP:", "node.pingInterval:", "node.pingTimeout:", "node.statusInterval:", "node.leaseDuration:",
		"kubelet.address:", "kubelet.port:", "kubelet.tlsPrivateKeyFile:", "kubelet.streamIdleTimeout:", "kubelet.streamCreationTimeout:",
		"workers:", "retryMin:", "retryMax:", "pendingPause:", "deleteRecheck:", "shutdownGrace:",
	} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("nothing about %s in: %v", path, err)
		}
	}
}
