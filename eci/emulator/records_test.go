package emulator_test

import (
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestRecordsAreForgottenAsTheCloudForgetsThem(t *testing.T) {
	s := newStage(t, func(c *emulator.Config) { c.Retention.Newest = 2 })
	for range 4 {
		s.mustCreate(append(command("true"), "RestartPolicy", "Never")...)
		s.advance(time.Minute)
	}
	if n := len(s.em.Groups()); n != 4 {
		t.Fatalf("%d records in the first hour, want all 4", n)
	}
	s.advance(57 * time.Minute)
	if n := len(s.em.Groups()); n != 3 {
		t.Errorf("%d records when the oldest is an hour old, want 3", n)
	}
	s.advance(time.Hour)
	if n := len(s.em.Groups()); n != 2 {
		t.Errorf("%d records after two hours, want the newest 2", n)
	}
}

func TestAGroupWithoutStockIsRemovedAfterADay(t *testing.T) {
	s := newStage(t)
	s.em.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, NoStock: &emulator.NoStock{Late: true}})
	s.mustCreate()
	s.advance(2 * time.Second)
	s.wantStatus(eci.StatusScheduleFailed)
	if c := s.condition("ContainerInstanceCreated"); c.Reason != "ContainerGroup.NoStock" {
		t.Errorf("condition is %+v", c)
	}
	s.advance(24*time.Hour - time.Second)
	s.wantStatus(eci.StatusScheduleFailed)
	s.advance(time.Second)
	if n := len(s.em.Groups()); n != 0 {
		t.Errorf("%d groups are left after a day", n)
	}
}

func TestGroupsCanBeReclaimedRemovedAndFailedByHand(t *testing.T) {
	s := newStage(t)
	id := s.mustCreate("SpotStrategy", "SpotAsPriceGo", "RestartPolicy", "Never")
	s.advance(10 * time.Second)
	if !s.em.ExpireGroup(id) {
		t.Error("it was not alive")
	}
	if g := s.only(); g.Status != eci.StatusExpired || g.ExpiredTime == "" || s.status().PodStatus.Phase != "Failed" {
		t.Errorf("the reclaimed group is %+v", g)
	}
	if !s.em.RemoveGroup(id) || len(s.em.Groups()) != 0 {
		t.Error("it was not removed")
	}
	id = s.mustCreate("RestartPolicy", "Never")
	s.advance(10 * time.Second)
	if !s.em.FailGroup(id, 9) || s.only().Status != eci.StatusFailed {
		t.Error("it was not failed")
	}
	if s.em.ExpireGroup(id) || s.em.RemoveGroup("eci-none") {
		t.Error("an ended or unknown group was taken")
	}
}
