package provider

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// A list that leaves a group out proves little: a caller without permission is
// answered with an empty list, and a list may lag. What follows asks for more.

// isOutdone says that an answer which leaves the group of e out shows one that
// was made after it, newest at the latest: the list works, and is no older than
// the group.
func isOutdone(e entry, newest string) bool {
	return e.group != nil && e.group.createdAt != "" && newest > e.group.createdAt
}

// readLag is how long after its creation a group may be missing from whatever is
// read, also when it is asked for by its name: a replica that lags may serve all
// reads. How far is not documented (assumed).
const readLag = 10 * time.Second

// mayLag says that a read which leaves the group of e out may only be late. We
// count from when we first knew of the group, which is no earlier than it was made.
func (p *Provider) mayLag(e entry) bool { return p.deps.Clock.Since(e.createdAt) < readLag }

// evidence is what gives weight to answers that leave groups out.
type evidence struct {
	// newest is when the newest group was made that a listing of this turn shows.
	newest string
	// witness is the id of a group that is asked for beside the others: seeing it
	// saves a call for each group that is not seen.
	witness string
}

// newestOf is when the newest of groups was made.
func newestOf(groups []eci.ContainerGroup) (newest string) {
	for i := range groups {
		newest = max(newest, groups[i].CreationTime)
	}
	return newest
}

// newestIn is when the newest of the groups that a listing shows was made, as far
// as that is known: the states do not tell.
func (p *Provider) newestIn(states map[string]*eci.ContainerGroupStatus) (newest string) {
	for id := range states {
		if e, ok := p.store.ofID(id); ok && e.group != nil {
			newest = max(newest, e.group.createdAt)
		}
	}
	return newest
}

// existence is what asking for a group by name has shown.
type existence int

const (
	existenceUnknown existence = iota
	exists
	existsNot
)

// existenceOf asks for the log of a group: of the harmless calls that name one it
// is the only one that is no list, so that it is refused without permission, and
// not found without a group (measured on the emulator alone: the documents do not
// name its errors).
func (p *Provider) existenceOf(ctx context.Context, pod *corev1.Pod, id string) existence {
	_, err := p.cloud.DescribeContainerLog(ctx, &eci.DescribeContainerLogRequest{
		ContainerGroupID: id, ContainerName: pod.Spec.Containers[0].Name, Tail: 1,
	})
	switch {
	case err == nil:
		return exists
	case eci.IsNotFound(err):
		return existsNot
	}
	return existenceUnknown
}

// provenLost says whether a group that lists have left out for long, though
// nobody of us deleted it, is gone: an empty list alone does not tell.
func (p *Provider) provenLost(ctx context.Context, e entry, listed int) bool {
	is := p.existenceOf(ctx, e.pod, e.groupID)
	return is == existsNot || is == existenceUnknown && listed > 0
}

// provenGone says whether a group that lists leave out after its delete was
// accepted is gone. Should the cloud not tell, it is once it had the time to end
// after its delete was forced.
func (p *Provider) provenGone(ctx context.Context, e entry) bool {
	switch p.existenceOf(ctx, e.pod, e.groupID) {
	case existsNot:
		return true
	case exists:
		return false
	}
	return e.deletion.forced && p.deps.Clock.Now().After(e.deletion.endBy.Add(forceSlack))
}
