package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// defaultEventGroups is how many groups one answer has; the answer has no token.
const defaultEventGroups = 50

func (e *Emulator) describeContainerGroupEvents(c *call, r *eci.DescribeContainerGroupEventsRequest) (*eci.DescribeContainerGroupEventsResponse, *eci.Error) {
	check := &checker{}
	check.optional("Limit", int64(r.Limit), 1, eci.MaxStatusesPerPage)
	check.oneOf("EventSource", r.EventSource, eci.EventSourceService, eci.EventSourceAgent)
	check.optional("SinceSecond", int64(r.SinceSecond), eci.MinSinceSecond, eci.MaxSinceSecond)
	if check.err != nil {
		return nil, check.err
	}
	found, err := e.find(c, filter{ids: r.ContainerGroupIDs, tags: r.Tags, zone: r.ZoneID, vSwitch: r.VSwitchID, resourceGroup: r.ResourceGroupID})
	if err != nil {
		return nil, err
	}
	var since time.Time
	if r.SinceSecond > 0 {
		since = e.clock.Now().Add(-time.Duration(r.SinceSecond) * time.Second)
	}
	shown, _, err := page(found, r.NextToken, int(orElse(r.Limit, defaultEventGroups)))
	if err != nil {
		return nil, err
	}
	resp := &eci.DescribeContainerGroupEventsResponse{TotalCount: int32(len(found)), Data: []eci.ContainerGroupEvents{}}
	for _, g := range shown {
		resp.Data = append(resp.Data, eci.ContainerGroupEvents{
			ContainerGroupID: g.id, Name: g.request.ContainerGroupName, Namespace: namespace, UUID: g.uuid,
			Annotations: "{}", Events: eventsOf(g, r.EventSource, since),
		})
	}
	return resp, nil
}

func eventsOf(g *group, source string, since time.Time) []eci.Event {
	out := []eci.Event{}
	for _, ev := range g.events {
		if source != "" && source != ev.source || ev.last.Before(since) {
			continue
		}
		out = append(out, eci.Event{
			Type: ev.kind, Reason: ev.reason, Message: ev.message, Count: ev.count,
			FirstTimestamp: wireTime(ev.first), LastTimestamp: wireTime(ev.last),
			Source: eci.EventSource{Component: ev.source}, Metadata: eci.EventMetadata{Name: ev.name, Namespace: namespace},
			InvolvedObject: eci.InvolvedObject{APIVersion: "v1", Kind: "Pod", Name: g.request.ContainerGroupName, Namespace: namespace, UID: g.id},
		})
	}
	return out
}

// imageID stands for the digest that a registry would have given.
func imageID(image string) string {
	sum := sha256.Sum256([]byte(image))
	return image + "@sha256:" + hex.EncodeToString(sum[:])
}
