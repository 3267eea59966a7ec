package main

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apimachinery/pkg/util/rand"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/transport"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/vnode/leader"
)

// What a replica does.
const (
	replicaStarting int32 = iota
	replicaStandby
	replicaTakingOver
	replicaReady
)

// replica is this process as one of those that share a virtual node.
type replica struct {
	cfg   Config
	fence *leader.Fence // nil without an election
	state atomic.Int32
}

func newReplica(cfg Config, registry prometheus.Registerer) *replica {
	r := &replica{cfg: cfg}
	if cfg.LeaderElection.Enabled {
		r.fence = &leader.Fence{}
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eci_vnode_leader",
		Help: "1 if this replica leads and may write, 0 if it stands by.",
	}, func() float64 {
		defer utilruntime.HandleCrash()
		if r.mayWrite() == nil {
			return 1
		}
		return 0
	}))
	return r
}

// mayWrite is nil while this replica certainly leads.
func (r *replica) mayWrite() error {
	if r.fence == nil {
		return nil
	}
	return r.fence.Check()
}

func (r *replica) fenceKube() transport.WrapperFunc {
	if r.fence == nil {
		return nil
	}
	return r.fence.Transport
}

func (r *replica) fenceCloud() func() error { return r.mayWrite }

// lead works, without an election at once.
func (r *replica) lead(ctx context.Context, clients clients, work func(context.Context) error) error {
	begin := func(ctx context.Context) error {
		r.state.Store(replicaTakingOver)
		return work(ctx)
	}
	if r.fence == nil {
		return begin(ctx)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "eci-vnode"
	}
	r.state.Store(replicaStandby)
	return leader.Lead(ctx, electionConfig(r.cfg, host+"_"+rand.String(8)), leader.Deps{Client: clients.election, Fence: r.fence}, begin)
}

// follow waits for the virtual node to be ready.
func (r *replica) follow(ctx context.Context, ready <-chan struct{}) {
	select {
	case <-ready:
		r.state.Store(replicaReady)
		log.G(ctx).Info("the virtual node is ready")
	case <-ctx.Done():
	}
}

// notReady says why not. A standby is ready: it could take over at any time, and
// a rolling update waits for it before it stops the leader.
func (r *replica) notReady() string {
	switch r.state.Load() {
	case replicaStandby, replicaReady:
		return ""
	}
	return "the virtual node is not ready yet"
}

// recovering reports whether the leader does not know yet what runs.
func (r *replica) recovering() bool { return r.state.Load() == replicaTakingOver }

// fencedCredentials give no key to a replica that may have been deposed. They
// are asked before every attempt of every call, retries included.
type fencedCredentials struct {
	openapi.Credentials
	fence func() error
}

// Credential is that of the credentials, or the error of the fence.
func (c fencedCredentials) Credential(ctx context.Context) (openapi.Credential, error) {
	if err := c.fence(); err != nil {
		return openapi.Credential{}, err
	}
	return c.Credentials.Credential(ctx)
}
