package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
)

// clients are six, each with rates of its own, so that a burst of pods or
// events starves neither the leases nor each other. All but that of the election
// write only while this replica leads.
type clients struct {
	pods, events, node, election kubernetes.Interface
	// watch has a connection of its own. The API server gives a watch of one node's
	// pods room for ten events and ends it when they are not taken at once: among
	// fifty writes on the same connection that was several times a second.
	watch kubernetes.Interface
	// custom reads and writes the resources that are not Kubernetes' own.
	custom dynamic.Interface
}

// dialTimeout and the keep-alive are those of client-go's own dialer.
const dialTimeout = 30 * time.Second

func newClients(cfg Kube, fence transport.WrapperFunc) (clients, error) {
	base, err := clientcmd.BuildConfigFromFlags("", cfg.Kubeconfig)
	if err != nil {
		return clients{}, fmt.Errorf("reaching Kubernetes: %w (set --kubeconfig, or run in a pod with a ServiceAccount)", err)
	}
	base.UserAgent = "eci-vnode/" + version()
	var out clients
	custom := rest.CopyConfig(base)
	custom.QPS, custom.Burst = cfg.QPS, cfg.Burst
	custom.Wrap(fence)
	if out.custom, err = dynamic.NewForConfig(custom); err != nil {
		return clients{}, fmt.Errorf("reaching Kubernetes: %w", err)
	}
	base.ContentType = "application/vnd.kubernetes.protobuf"
	base.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	for _, c := range []struct {
		client *kubernetes.Interface
		qps    float32
		burst  int
		fence  transport.WrapperFunc
		dial   func(ctx context.Context, network, address string) (net.Conn, error)
	}{
		{&out.pods, cfg.QPS, cfg.Burst, fence, nil},
		{&out.watch, rest.DefaultQPS, rest.DefaultBurst, fence, (&net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}).DialContext},
		// The rate is kept by who writes them, in rounds; there are two of them.
		{&out.events, 2 * float32(cfg.EventQPS), 2 * cfg.EventQPS, fence, nil},
		{&out.node, rest.DefaultQPS, rest.DefaultBurst, fence, nil},
		{&out.election, rest.DefaultQPS, rest.DefaultBurst, nil, nil},
	} {
		cc := rest.CopyConfig(base)
		cc.QPS, cc.Burst, cc.Dial = c.qps, c.burst, c.dial
		cc.Wrap(c.fence)
		set, err := kubernetes.NewForConfig(cc)
		if err != nil {
			return clients{}, fmt.Errorf("reaching Kubernetes: %w", err)
		}
		*c.client = set
	}
	return out, nil
}

// hostIP is the first address of this machine that others can reach, IPv4 before
// IPv6, or "".
func hostIP() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	var found net.IP
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && (found == nil || found.To4() == nil && n.IP.To4() != nil) {
			found = n.IP
		}
	}
	if found == nil {
		return ""
	}
	return found.String()
}

// clusterID is the UID of the namespace kube-system, which tells clusters apart
// for as long as they live. It waits for the API server.
func clusterID(ctx context.Context, client kubernetes.Interface) (string, error) {
	var id string
	err := wait.PollUntilContextCancel(ctx, 2*time.Second, true, func(ctx context.Context) (bool, error) {
		var err error
		if id, err = readClusterID(ctx, client); err != nil {
			log.G(ctx).WithError(err).Warn("the identity of this cluster is not known; will try again (--cluster-id sets one)")
		}
		return err == nil, nil
	})
	return id, err
}

// readClusterID asks once.
func readClusterID(ctx context.Context, client kubernetes.Interface) (string, error) {
	ns, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the namespace kube-system, whose UID identifies this cluster: %w", err)
	}
	return string(ns.UID), nil
}
