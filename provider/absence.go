package provider

import (
	"context"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
)

// A list that leaves a group out proves little: a caller without permission is
// answered with an empty list, and a list may lag. What follows asks for more.

// isWitness says that an answer which leaves the group of e out shows one that
// was made after it: the list works, and is no older than the group.
func isWitness(e entry, shown []eci.ContainerGroup) bool {
	if e.group == nil || e.group.CreationTime == "" {
		return false
	}
	return slices.ContainsFunc(shown, func(g eci.ContainerGroup) bool { return g.CreationTime > e.group.CreationTime })
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
func (p *Provider) existenceOf(ctx context.Context, e entry) existence {
	_, err := p.cloud.DescribeContainerLog(ctx, &eci.DescribeContainerLogRequest{
		ContainerGroupID: e.groupID, ContainerName: e.pod.Spec.Containers[0].Name, Tail: 1,
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
	is := p.existenceOf(ctx, e)
	return is == existsNot || is == existenceUnknown && listed > 0
}

// provenGone says whether a group that lists leave out after its delete was
// accepted is gone. Should the cloud not tell, it is once it had the time to end
// after its delete was forced.
func (p *Provider) provenGone(ctx context.Context, e entry) bool {
	switch p.existenceOf(ctx, e) {
	case existsNot:
		return true
	case exists:
		return false
	}
	return e.forced && p.deps.Clock.Now().After(e.endBy.Add(forceSlack))
}
