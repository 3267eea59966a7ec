package conformance

import (
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var eventContracts = []contract{
	{"events of the group are told with their source, reason and times", eventsAreTold},
	{"a list carries events when they are asked for", listCarriesEvents},
}

func eventsAreTold(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	read := func(source string) []eci.Event {
		resp, err := s.Client.DescribeContainerGroupEvents(t.Context(), &eci.DescribeContainerGroupEventsRequest{
			ContainerGroupIDs: eci.JSONList{group.ContainerGroupID}, EventSource: source,
		})
		if err != nil {
			t.Fatal(err)
		}
		var events []eci.Event
		for _, data := range resp.Data {
			if data.ContainerGroupID != group.ContainerGroupID {
				t.Errorf("events of %s came too", data.ContainerGroupID)
			}
			events = append(events, data.Events...)
		}
		return events
	}
	var events []eci.Event
	s.eventually(t, "the start of the container is an event", func() (bool, any) {
		events = read("")
		for _, e := range events {
			if e.Reason == "Started" {
				return true, nil
			}
		}
		return false, events
	})
	for _, e := range events {
		if e.Message == "" || e.Count < 1 || (e.Type != "Normal" && e.Type != "Warning") || e.InvolvedObject.UID != group.ContainerGroupID {
			t.Errorf("event %+v", e)
		}
		mustParse(t, "FirstTimestamp", e.FirstTimestamp)
		mustParse(t, "LastTimestamp", e.LastTimestamp)
	}
	for _, e := range read(eci.EventSourceAgent) {
		if e.Source.Component != eci.EventSourceAgent {
			t.Errorf("asked for events of the agent, got %+v", e)
		}
	}
}

func listCarriesEvents(t *testing.T, s *suite) {
	group := s.mustRun(t, s.request())
	if len(group.Events) != 0 {
		t.Errorf("%d events came without being asked for", len(group.Events))
	}
	s.eventually(t, "the group has events", func() (bool, any) {
		found := s.mustList(t, &eci.DescribeContainerGroupsRequest{
			ContainerGroupIDs: eci.JSONList{group.ContainerGroupID}, WithEvent: pointer(true),
		})
		return len(found) == 1 && len(found[0].Events) > 0 && found[0].Events[0].Reason != "", found
	})
}
