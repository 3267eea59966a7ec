package emulator

import (
	"maps"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Group is a group as tests look at it.
type Group struct {
	// ContainerGroup is what DescribeContainerGroups shows, with the events.
	eci.ContainerGroup
	// Request is what the group was made from, updates included.
	Request eci.CreateContainerGroupRequest
	Tags    map[string]string
	// PodStatus is what DescribeContainerGroupStatus shows.
	PodStatus eci.PodStatus
}

// Groups returns all groups that the emulator knows, records included, oldest
// first, without a call over the wire.
func (e *Emulator) Groups() []Group {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	out := make([]Group, 0, len(e.groups.order))
	for _, g := range e.groups.order {
		out = append(out, Group{
			ContainerGroup: e.show(g, true), Request: g.request, Tags: maps.Clone(g.tags), PodStatus: showStatus(g).PodStatus,
		})
	}
	return out
}

// Calls returns how many signed calls each action has had, throttled and failed
// ones included.
func (e *Emulator) Calls() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.calls)
}

// ExpireGroup reclaims a group as the cloud reclaims spot ones: its containers
// are killed and the record is Expired. It says whether the group was alive.
func (e *Emulator) ExpireGroup(id string) bool {
	return e.byHand(id, func(g *group) bool {
		if g.isTerminal() || g.goal == goalDelete {
			return false
		}
		e.announceReclaim(g)
		e.stopAll(g, goalExpire, 0)
		return true
	})
}

// ReclaimGroup announces that a group is taken back, by an event and a condition
// as the cloud does for spot ones, and expires it after notice (there about
// three minutes). It says whether the group was alive.
func (e *Emulator) ReclaimGroup(id string, notice time.Duration) bool {
	return e.byHand(id, func(g *group) bool {
		if g.isTerminal() || g.goal == goalDelete {
			return false
		}
		e.announceReclaim(g)
		e.queue.after(notice, func() {
			if e.remains(g) && !g.isTerminal() {
				e.stopAll(g, goalExpire, 0)
			}
		})
		return true
	})
}

func (e *Emulator) announceReclaim(g *group) {
	now := e.clock.Now()
	g.setCondition(now, conditionCreated, isTrue, "SpotToBeReleased", "The spot instance is reclaimed.")
	g.service(now, eventWarning, "SpotToBeReleased", "Spot container group %s is reclaimed.", g.id)
	e.touch(g)
}

// RemoveGroup makes a group vanish at once, as if someone had deleted it in the
// console. It says whether the group was known.
func (e *Emulator) RemoveGroup(id string) bool {
	return e.byHand(id, func(g *group) bool {
		for c := range g.all() {
			if c.process != nil {
				c.process.Stop(0)
			}
		}
		e.dropRecord(g)
		e.remove(g)
		return true
	})
}

// FailGroup ends the containers of a group with a code, as a crash of each.
func (e *Emulator) FailGroup(id string, exitCode int32) bool {
	return e.byHand(id, func(g *group) bool {
		if g.isTerminal() {
			return false
		}
		for c := range g.all() {
			if c.process != nil {
				c.process.Stop(0)
				e.exited(g, c, Exit{Code: exitCode})
			}
		}
		return true
	})
}

func (e *Emulator) byHand(id string, act func(*group) bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	g := e.groups.byID[id]
	if g == nil {
		return false
	}
	done := act(g)
	e.queue.drain()
	return done
}

// EIPs returns all EIPs of the account, oldest first, as DescribeEipAddresses
// shows them, without a call over the wire.
func (e *Emulator) EIPs() []vpc.EIPAddress {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	out := make([]vpc.EIPAddress, 0, len(e.eips.order))
	for _, a := range e.eips.order {
		out = append(out, e.showEIP(a))
	}
	return out
}

// ReleaseEIP makes an EIP vanish at once, as if someone had released it in the
// console. It says whether the EIP was known.
func (e *Emulator) ReleaseEIP(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	a := e.eips.byID[id]
	if a != nil {
		e.dropEIP(a)
	}
	return a != nil
}
