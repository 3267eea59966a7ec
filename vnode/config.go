package vnode

import (
	"runtime"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Config holds the settings of a virtual node.
type Config struct {
	Node    NodeConfig
	Kubelet KubeletConfig

	// Workers is how many pods are created, how many deleted, and how many
	// statuses written at the same time. Each kind has its own workers, so a
	// slow cloud cannot hold up deletes behind creates, or statuses behind both.
	Workers int
	// RetryMin and RetryMax bound the pause before a failed pod is tried again;
	// it doubles from one failure to the next.
	RetryMin, RetryMax time.Duration
	// PendingPause is how long the status of a pod that comes up waits for the
	// next change before it is written; 0 is not at all.
	PendingPause time.Duration
	// DeleteRecheck is how long a provider that was asked to delete a pod may
	// stay silent before it is asked again.
	DeleteRecheck time.Duration
	// ShutdownGrace is how long calls in flight may go on after shutdown began.
	ShutdownGrace time.Duration
}

// NodeConfig describes the Node object.
type NodeConfig struct {
	Name string
	// Role is shown by `kubectl get nodes`; empty for none.
	Role string
	// Taints are put on the node at every start; taints of others stay.
	Taints []corev1.Taint
	// Labels and Annotations are added to the well-known ones and win over them.
	Labels, Annotations map[string]string
	Region, Zone        string
	OS, Arch            string
	// Capacity of the node; Allocatable is the same when empty.
	Capacity, Allocatable corev1.ResourceList
	// InternalIP is where the API server finds the kubelet API; empty for none.
	InternalIP string
	// Version is shown as the kubelet version.
	Version string

	// PingInterval is how often the provider is asked for conditions and the
	// Node object is looked at; PingTimeout how long the provider may take.
	PingInterval, PingTimeout time.Duration
	// StatusInterval is how often an unchanged node status is written.
	StatusInterval time.Duration
	// LeaseDuration is after how long without renewal the node counts as lost;
	// a quarter of it is the time between renewals. Whole seconds.
	LeaseDuration time.Duration
}

// KubeletConfig describes the kubelet's HTTPS API.
type KubeletConfig struct {
	// Address to listen on; empty for all. Port 0 picks a free one.
	Address string
	Port    int32
	// TLSCertFile and TLSPrivateKeyFile are PEM files, read again when they
	// change. Without them a certificate is made up at start.
	TLSCertFile, TLSPrivateKeyFile string
	// SignedCertificate has the cluster sign the certificate instead, as a kubelet
	// does (signer kubernetes.io/kubelet-serving), and again before it expires.
	// The made-up one serves until the first is approved.
	SignedCertificate bool
	// ClientCAFile is a PEM bundle that client certificates must chain to. Empty
	// takes the cluster's own, from the ConfigMap
	// kube-system/extension-apiserver-authentication, and follows it.
	ClientCAFile string
	// AnonymousAuth lets requests without credentials through to authorization,
	// as system:anonymous.
	AnonymousAuth bool
	// StreamIdleTimeout ends an exec, attach or port-forward on which nothing moves.
	StreamIdleTimeout time.Duration
	// StreamCreationTimeout is how long a client may take to open its streams.
	StreamCreationTimeout time.Duration
	// Limits bounds what callers can hold and cost.
	Limits KubeletLimits
}

// DefaultConfig is a complete, valid Config except for Node.Name.
func DefaultConfig() Config {
	return Config{
		Node: NodeConfig{
			Role: "agent",
			OS:   "linux",
			Arch: runtime.GOARCH,
			Capacity: corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("1000"),
				corev1.ResourceMemory: resource.MustParse("4Ti"),
				corev1.ResourcePods:   resource.MustParse("1000"),
			},
			Version:        "v1.35.4",
			PingInterval:   10 * time.Second,
			PingTimeout:    10 * time.Second,
			StatusInterval: time.Minute,
			LeaseDuration:  40 * time.Second, // as the kubelet
		},
		Kubelet: KubeletConfig{
			Port:                  10250,
			StreamIdleTimeout:     4 * time.Hour,    // as the kubelet
			StreamCreationTimeout: 30 * time.Second, // as the kubelet
			Limits:                DefaultKubeletLimits(),
		},
		Workers:       50,
		RetryMin:      100 * time.Millisecond,
		RetryMax:      5 * time.Minute,
		PendingPause:  1500 * time.Millisecond, // longer than most pauses between two reads of a cloud
		DeleteRecheck: time.Minute,
		ShutdownGrace: 20 * time.Second,
	}
}
