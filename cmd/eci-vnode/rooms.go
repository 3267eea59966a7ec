package main

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/check"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/vnode"
	"github.com/eci-vnode/eci-vnode/vnode/leader"
)

// providerConfig is the part of the settings that the provider works by.
func providerConfig(c Config) provider.Config {
	out := provider.DefaultConfig()
	// The zone is a label of the node: a group runs in the zone of its vSwitch.
	out.Request.RegionID = c.ECI.Region
	out.Request.VSwitchIDs, out.Request.SecurityGroupID = c.ECI.VSwitchIDs, c.ECI.SecurityGroupID
	out.Request.ResourceGroupID = c.ECI.ResourceGroupID
	out.Request.ClusterID, out.Request.NodeName = c.ECI.ClusterID, c.NodeName
	out.Request.ClusterDNS, out.Request.ClusterDomain = c.ECI.ClusterDNS, c.ECI.ClusterDomain
	out.Request.Tags = c.ECI.Tags
	out.Request.MaxEnvValue, out.Request.HostPathAllowed = c.Pods.MaxEnvValue, c.Pods.HostPathAllowed
	out.Request.BandwidthUnit, out.Request.Hardening = c.Pods.BandwidthUnit, request.Hardening(c.Pods.Hardening)
	out.Request.Permissions = c.Permissions
	out.UpdateFiles, out.Refresh = c.Pods.UpdateFiles, c.Pods.Refresh.Duration
	out.FastSync, out.SlowSync, out.Repair = c.Sync.Fast.Duration, c.Sync.Slow.Duration, c.Sync.Repair.Duration
	out.EventRate = c.Kube.EventQPS
	out.OrphanGrace, out.LostGrace = c.Sync.OrphanGrace.Duration, c.Sync.LostGrace.Duration
	out.MassOrphanGrace = c.Sync.MassOrphanGrace.Duration
	out.Request.StatefulKinds = c.EIP.CustomStatefulWorkloadKinds
	out.EIP.Workers = c.EIP.MaxConcurrentReconciles
	out.EIP.CollectionPeriod = time.Duration(c.EIP.GarbageCollectionPeriodInMinutes * float64(time.Minute))
	return out
}

// vnodeConfig is the part of the settings that describes the node.
func vnodeConfig(c Config) vnode.Config {
	out := vnode.DefaultConfig()
	out.Workers = c.Kube.Workers
	n := &out.Node
	n.Name, n.InternalIP = c.NodeName, c.InternalIP
	n.Region, n.Zone = c.ECI.Region, c.ECI.Zone
	n.Labels, n.Annotations = c.Labels, c.Annotations
	n.Capacity, n.Allocatable = c.Capacity, c.Allocatable
	if !c.Taint.Disabled {
		n.Taints = append(n.Taints, corev1.Taint{Key: c.Taint.Key, Value: c.Taint.Value, Effect: corev1.TaintEffect(c.Taint.Effect)})
	}
	n.Taints = append(n.Taints, c.Taints...)
	k := &out.Kubelet
	k.Address, k.Port = c.Kubelet.Address, c.Kubelet.Port
	k.TLSCertFile, k.TLSPrivateKeyFile = c.Kubelet.TLSCertFile, c.Kubelet.TLSPrivateKeyFile
	k.SignedCertificate = c.Kubelet.ServerTLSBootstrap
	k.ClientCAFile, k.AnonymousAuth = c.Kubelet.ClientCAFile, c.Kubelet.AnonymousAuth
	k.Limits = c.Kubelet.Limits
	return out
}

// checkConfig is the part of the settings that can be checked beforehand.
func checkConfig(c Config) check.Config {
	var lease check.Lease
	if e := electionConfig(c, "somebody"); c.LeaderElection.Enabled {
		lease = check.Lease{Namespace: e.Namespace, Name: e.Name}
	}
	return check.Config{
		Region: c.ECI.Region, VSwitchIDs: c.ECI.VSwitchIDs, SecurityGroupID: c.ECI.SecurityGroupID, ResourceGroupID: c.ECI.ResourceGroupID,
		NodeName: c.NodeName, ClusterID: c.ECI.ClusterID, Lease: lease, SignedCertificate: c.Kubelet.ServerTLSBootstrap,
	}
}

// electionConfig is the part of the settings that the replicas share, for one
// of them.
func electionConfig(c Config, identity string) leader.Config {
	e := c.LeaderElection
	return leader.Config{
		Namespace: e.Namespace, Name: cmp.Or(e.Name, "eci-vnode-"+c.NodeName), Identity: cmp.Or(e.Identity, identity),
		LeaseDuration: e.LeaseDuration.Duration, RenewDeadline: e.RenewDeadline.Duration, RetryPeriod: e.RetryPeriod.Duration,
	}
}

// newCloud makes the client of ECI for a command that ends by itself.
func newCloud(c ECI, env lookupEnv, registry prometheus.Registerer) (*openapi.Client, error) {
	credentials, err := findCredentials(c, env, nil)
	if err != nil {
		return nil, err
	}
	return newClient(c, openapi.Deps{Credentials: credentials, Registry: registry})
}

// findCredentials chooses the one place that credentials come from; observe, if
// not nil, is told how each renewal of temporary ones went.
func findCredentials(c ECI, env lookupEnv, observe func(error)) (*openapi.Source, error) {
	return openapi.FindSource(openapi.SourceConfig{
		Env: env, AllowIMDSv1: c.AllowIMDSv1, Endpoint: c.Endpoint, STSEndpoint: c.STSEndpoint, Observe: observe,
	})
}

// newClient makes a client by the settings.
func newClient(c ECI, deps openapi.Deps) (*openapi.Client, error) {
	cfg := openapi.DefaultConfig(c.Region)
	cfg.Endpoint, cfg.VPCEndpoint = c.Endpoint, c.VPCEndpoint
	cfg.Timeout = cmp.Or(c.Timeout.Duration, cfg.Timeout)
	for action, rate := range c.Rates {
		if cfg.Rates[action] = rate; rate.PerSecond == 0 {
			delete(cfg.Rates, action)
		}
	}
	for action, rate := range cfg.Rates {
		cfg.Rates[action] = shareOf(rate, cmp.Or(c.BudgetShare, 1))
	}
	cfg.UserAgent = "eci-vnode/" + version()
	return openapi.New(cfg, deps)
}

// shareOf is a part of a rate; a bucket holds at least one call.
func shareOf(rate openapi.Rate, share float64) openapi.Rate {
	return openapi.Rate{PerSecond: share * rate.PerSecond, Burst: max(1, int(share*float64(rate.Burst)))}
}
