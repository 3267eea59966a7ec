package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Orphan is a group that has not ended and whose pod is gone: it costs money
// that nobody asked for.
type Orphan struct {
	ContainerGroupID string    `json:"containerGroup"`
	Namespace        string    `json:"namespace"`
	PodName          string    `json:"pod"`
	PodUID           types.UID `json:"uid"`
	Status           string    `json:"status"`
	// CPU in vCPU and Memory in GiB are the billed size.
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
	// CreationTime is RFC 3339 in UTC.
	CreationTime string `json:"creationTime"`
}

// OrphansFound is what two complete listings agree on.
type OrphansFound struct {
	ClusterID string `json:"clusterID"`
	NodeName  string `json:"node"`
	// Groups counts those of the node that have not ended.
	Groups  int      `json:"groups"`
	Orphans []Orphan `json:"orphans"`
}

// TooMany reports whether so many of the groups are orphans that the cluster is to be
// doubted before they are: more than half of several. An API server that was restored
// from a backup, or is another one, makes orphans of groups whose pods are well.
func (f OrphansFound) TooMany() bool { return tooManyOrphans(len(f.Orphans), f.Groups) }

func tooManyOrphans(orphans, groups int) bool { return orphans > 1 && 2*orphans > groups }

// OrphanCloud is what looking for orphans asks of ECI.
type OrphanCloud interface {
	groupLister
	DeleteContainerGroup(context.Context, *eci.DeleteContainerGroupRequest) (*eci.DeleteContainerGroupResponse, error)
}

// OrphansConfig says whose groups are looked at: those of one node of one
// cluster, and no others.
type OrphansConfig struct {
	ClusterID, NodeName string
	// Grace is the time between the two listings.
	Grace time.Duration
}

// OrphansDeps are what Orphans works with; a nil Clock is the real one, a nil
// Waiting tells nobody.
type OrphansDeps struct {
	Cloud OrphanCloud
	Kube  kubernetes.Interface
	Clock clock.Clock
	// Waiting hears of the suspects before the grace period begins.
	Waiting func(suspects int, grace time.Duration)
}

// Orphans finds and deletes the orphans of a node from outside, by the rules of
// the reaper inside: whether the node runs does not matter.
type Orphans struct {
	cfg  OrphansConfig
	deps OrphansDeps
}

// NewOrphans checks cfg and deps; it makes no call.
func NewOrphans(cfg OrphansConfig, deps OrphansDeps) (*Orphans, error) {
	if cfg.ClusterID == "" || cfg.NodeName == "" {
		return nil, errors.New("orphans: without ClusterID and NodeName every group of the account would be looked at")
	}
	if deps.Cloud == nil || deps.Kube == nil {
		return nil, errors.New("orphans: Cloud and Kube are needed")
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Waiting == nil {
		deps.Waiting = func(int, time.Duration) {}
	}
	return &Orphans{cfg: cfg, deps: deps}, nil
}

// Find lists twice, a grace period apart, and returns the groups that both
// times had no pod. Any error means that nothing is known.
func (o *Orphans) Find(ctx context.Context) (OrphansFound, error) {
	found, err := o.look(ctx)
	if err != nil || len(found.Orphans) == 0 {
		return found, err
	}
	o.deps.Waiting(len(found.Orphans), o.cfg.Grace)
	timer := o.deps.Clock.NewTimer(o.cfg.Grace)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-ctx.Done():
		return OrphansFound{}, ctx.Err()
	}
	again, err := o.look(ctx)
	if err != nil {
		return OrphansFound{}, err
	}
	before := map[string]bool{}
	for _, orphan := range found.Orphans {
		before[orphan.ContainerGroupID] = true
	}
	both := again.Orphans[:0]
	for _, orphan := range again.Orphans {
		if before[orphan.ContainerGroupID] {
			both = append(both, orphan)
		}
	}
	again.Orphans = both
	return again, nil
}

// look is one complete listing, held against the pods of the API server. The
// cloud is asked first: a group made meanwhile is then not among them, while its
// pod may be.
func (o *Orphans) look(ctx context.Context) (OrphansFound, error) {
	found := OrphansFound{ClusterID: o.cfg.ClusterID, NodeName: o.cfg.NodeName, Orphans: []Orphan{}}
	node := request.Identity{ClusterID: o.cfg.ClusterID, NodeName: o.cfg.NodeName}
	groups, err := describeAll(ctx, o.deps.Cloud, &eci.DescribeContainerGroupsRequest{Tags: node.Tags()})
	if err != nil {
		return found, fmt.Errorf("listing the container groups of node %s: %w", o.cfg.NodeName, err)
	}
	pods, err := podsOfNode(ctx, o.deps.Kube, o.cfg.NodeName)
	if err != nil {
		return found, err
	}
	for i := range groups {
		who, ok := request.IdentityOf(groups[i].Tags)
		if !ok || who.ClusterID != o.cfg.ClusterID || who.NodeName != o.cfg.NodeName || eci.IsTerminal(groups[i].Status) {
			continue
		}
		found.Groups++
		gone, err := podIsGone(ctx, o.deps.Kube, who, pods)
		if err != nil {
			return found, err
		}
		if gone {
			found.Orphans = append(found.Orphans, orphanOf(&groups[i], who))
		}
	}
	return found, nil
}

func orphanOf(g *eci.ContainerGroup, who request.Identity) Orphan {
	return Orphan{
		ContainerGroupID: g.ContainerGroupID, Namespace: who.Namespace, PodName: who.PodName, PodUID: who.UID,
		Status: g.Status, CPU: g.CPU, Memory: g.Memory, CreationTime: g.CreationTime,
	}
}

// Delete ends one orphan, unless its pod is there after all. deleted is false
// with a nil error when there was nothing to end any more, or no orphan.
func (o *Orphans) Delete(ctx context.Context, orphan Orphan) (deleted bool, err error) {
	who := request.Identity{Namespace: orphan.Namespace, PodName: orphan.PodName, UID: orphan.PodUID}
	var pods map[types.UID]bool
	if who.MayBeCut() { // else asking for the pod by its name is enough
		if pods, err = podsOfNode(ctx, o.deps.Kube, o.cfg.NodeName); err != nil {
			return false, err
		}
	}
	gone, err := podIsGone(ctx, o.deps.Kube, who, pods)
	if err != nil || !gone {
		return false, err
	}
	_, err = o.deps.Cloud.DeleteContainerGroup(ctx, &eci.DeleteContainerGroupRequest{ContainerGroupID: orphan.ContainerGroupID})
	if eci.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
