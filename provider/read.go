package provider

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// detailReaders is how many pages of details are read at once: of many groups that
// change together the last is not to wait for fifty answers one after the other.
const detailReaders = 4

// readStatuses lists the states of this node's groups by id, those that changed
// in the last sinceSecond seconds, or all for 0. It returns all pages or an
// error.
func (p *Provider) readStatuses(ctx context.Context, sinceSecond int32) (map[string]*eci.ContainerGroupStatus, error) {
	states := map[string]*eci.ContainerGroupStatus{}
	req := &eci.DescribeContainerGroupStatusRequest{
		Tags:        p.nodeTags(),
		SinceSecond: sinceSecond,
		Limit:       eci.MaxStatusesPerPage,
	}
	for {
		resp, err := p.cloud.DescribeContainerGroupStatus(ctx, req)
		if errors.Is(err, eci.ErrAnswerTooLong) && req.Limit > 1 {
			req.Limit /= 2 // the messages of containers can be long
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, state := range resp.Data { // a copy of each: a pointer into the page would keep all of it
			states[state.ContainerGroupID] = &state
		}
		if resp.NextToken == "" {
			return states, nil
		}
		req.NextToken = resp.NextToken
	}
}

// readDetails reads groups in full and records what they show, those that changed
// first before the others. A group that a successful answer leaves out is a
// sighting of its absence, which is worth what the evidence is.
func (p *Provider) readDetails(ctx context.Context, lives map[string]*eci.ContainerGroupStatus, has evidence) error {
	ids := slices.SortedFunc(maps.Keys(lives), func(a, b string) int {
		return cmp.Or(cmp.Compare(changeOf(lives[a]), changeOf(lives[b])), cmp.Compare(a, b))
	})
	var batches errgroup.Group
	batches.SetLimit(p.readers)
	size := eci.MaxGroupsPerPage
	if has.witness != "" {
		size--
	}
	for batch := range slices.Chunk(ids, size) {
		batches.Go(func() (err error) {
			defer utilruntime.HandleCrashWithContext(ctx, panicked(&err))
			return p.readBatch(ctx, batch, lives, has)
		})
	}
	return batches.Wait()
}

// changeOf is when a group last changed, as far as its state tells.
func changeOf(live *eci.ContainerGroupStatus) (last string) {
	if live == nil {
		return ""
	}
	for _, c := range live.PodStatus.Conditions {
		last = max(last, c.LastTransitionTime)
	}
	for _, c := range live.PodStatus.ContainerStatuses {
		switch state := c.State; {
		case state.Running != nil:
			last = max(last, state.Running.StartedAt)
		case state.Terminated != nil:
			last = max(last, state.Terminated.FinishedAt)
		}
	}
	return last
}

func (p *Provider) readBatch(ctx context.Context, batch []string, lives map[string]*eci.ContainerGroupStatus, has evidence) error {
	asked := batch
	if has.witness != "" && !slices.Contains(batch, has.witness) {
		asked = append(slices.Clone(batch), has.witness)
	}
	began := p.deps.Clock.Now()
	groups, err := p.describe(ctx, &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: asked, WithEvent: ptr.To(true)})
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for i := range groups {
		id := groups[i].ContainerGroupID
		found[id] = true
		if _, wanted := lives[id]; !wanted {
			continue // the witness
		}
		p.onePod(ctx, func() { p.observe(ctx, p.store.ofGroup(id), &groups[i], lives[id]) })
	}
	for _, id := range batch {
		if !found[id] {
			p.onePod(ctx, func() { p.missed(ctx, p.store.ofGroup(id), max(has.newest, newestOf(groups)), began) })
		}
	}
	return nil
}

// onePod does something for one pod of many: a panic in it is not theirs. The pod
// still differs from what the cloud shows, so that the next turn looks at it again.
func (p *Provider) onePod(ctx context.Context, f func()) {
	defer utilruntime.HandleCrashWithContext(ctx)
	f()
}

// describe lists groups in full, every page or an error.
func (p *Provider) describe(ctx context.Context, req *eci.DescribeContainerGroupsRequest) ([]eci.ContainerGroup, error) {
	return describeAll(ctx, p.cloud, req)
}

// groupLister is the call that shows groups in full.
type groupLister interface {
	DescribeContainerGroups(context.Context, *eci.DescribeContainerGroupsRequest) (*eci.DescribeContainerGroupsResponse, error)
}

// describeAll asks for fewer where an answer is too long: of groups by id for each half,
// and of others for smaller pages.
func describeAll(ctx context.Context, cloud groupLister, req *eci.DescribeContainerGroupsRequest) ([]eci.ContainerGroup, error) {
	var groups []eci.ContainerGroup
	req.Limit = eci.MaxGroupsPerPage
	for {
		resp, err := cloud.DescribeContainerGroups(ctx, req)
		if errors.Is(err, eci.ErrAnswerTooLong) {
			if n := len(req.ContainerGroupIDs); n > 1 {
				return describeHalves(ctx, cloud, *req, n/2)
			}
			if len(req.ContainerGroupIDs) == 0 && req.Limit > 1 {
				req.Limit /= 2
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		groups = append(groups, resp.ContainerGroups...)
		if resp.NextToken == "" {
			return groups, nil
		}
		req.NextToken = resp.NextToken
	}
}

func describeHalves(ctx context.Context, cloud groupLister, req eci.DescribeContainerGroupsRequest, half int) ([]eci.ContainerGroup, error) {
	first, second := req, req
	first.ContainerGroupIDs, second.ContainerGroupIDs = req.ContainerGroupIDs[:half], req.ContainerGroupIDs[half:]
	groups, err := describeAll(ctx, cloud, &first)
	if err != nil {
		return nil, err
	}
	others, err := describeAll(ctx, cloud, &second)
	return append(groups, others...), err
}
