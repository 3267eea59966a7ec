package emulator

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// filter is what the lists can be asked for; an empty field asks nothing.
type filter struct {
	ids                                        eci.JSONList
	tags                                       []eci.Tag
	zone, vSwitch, securityGroup               string
	resourceGroup, name, status, computeBudget string
	sinceSecond                                int32
}

// maxFilterTags is by the API metadata.
const maxFilterTags = 10

// check refuses a filter that the cloud would.
func (f filter) check() *eci.Error {
	c := &checker{}
	c.atMost("ContainerGroupIds", len(f.ids), eci.MaxGroupsPerPage)
	c.atMost("Tag", len(f.tags), maxFilterTags)
	for i, tag := range f.tags {
		c.required(indexed("Tag", i)+".Key", tag.Key)
	}
	c.optional("SinceSecond", int64(f.sinceSecond), eci.MinSinceSecond, eci.MaxSinceSecond)
	c.oneOf("Status", f.status, eci.StatusScheduling, eci.StatusPending, eci.StatusRunning, eci.StatusRestarting, eci.StatusUpdating,
		eci.StatusTerminating, eci.StatusSucceeded, eci.StatusFailed, eci.StatusExpired, eci.StatusScheduleFailed)
	return c.err
}

func (f filter) matches(g *group, changedAfter time.Time) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	if !is(f.zone, g.zone) || !is(f.vSwitch, g.subnet.ID) || !is(f.securityGroup, g.securityGroup) ||
		!is(f.resourceGroup, g.request.ResourceGroupID) || !is(f.name, g.request.ContainerGroupName) ||
		!is(f.status, g.status) || !is(f.computeBudget, g.computeCategory()) || g.changed.Before(changedAfter) {
		return false
	}
	for _, tag := range f.tags {
		// A filter without a value asks for the key alone.
		if got, ok := g.tags[tag.Key]; !ok || tag.Value != "" && got != tag.Value {
			return false
		}
	}
	return true
}

// find returns the groups of a filter, newest first.
func (e *Emulator) find(c *call, f filter) ([]*group, *eci.Error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if c.effects.empty {
		return nil, nil
	}
	var changedAfter time.Time
	if f.sinceSecond > 0 {
		changedAfter = e.clock.Now().Add(-time.Duration(f.sinceSecond) * time.Second)
	}
	bornBefore := e.bornBefore(c)
	var found []*group
	for _, g := range e.candidates(c, f.ids) {
		if f.matches(g, changedAfter) && !g.created.After(bornBefore) {
			found = append(found, g)
		}
	}
	return found, nil
}

// bornBefore is when the youngest groups were made that a call may see.
func (e *Emulator) bornBefore(c *call) time.Time { return e.clock.Now().Add(-c.effects.hideYoung) }

// candidates are the named groups, or all, newest first.
func (e *Emulator) candidates(c *call, ids []string) []*group {
	all := e.groups.order
	if c.effects.isFrozen {
		all = c.effects.frozen
	} else if ids != nil {
		all = nil
		for _, id := range ids {
			if g := e.groups.byID[id]; g != nil {
				all = append(all, g)
			}
		}
	}
	return newestFirst(all, ids)
}

// page cuts a list to at most limit groups that come after a token, and makes
// the token of the next page. A token names the last group that was seen, so
// that groups that come and go between pages shift nothing.
func page(list []*group, token string, limit int) ([]*group, string, *eci.Error) {
	if token != "" {
		last, err := parseToken(token)
		if err != nil {
			return nil, "", invalid("NextToken", "it is not one of this list")
		}
		for len(list) > 0 && list[0].number >= last {
			list = list[1:]
		}
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	return list, makeToken(list[limit-1].number), nil
}

func makeToken(number uint64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "after:%d", number))
}

func parseToken(token string) (uint64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	var number uint64
	_, err = fmt.Sscanf(string(raw), "after:%d", &number)
	return number, err
}

// computeCategory is the first one asked for, general by default.
func (g *group) computeCategory() string {
	if len(g.request.ComputeCategory) > 0 {
		return strings.ToLower(g.request.ComputeCategory[0])
	}
	return "general"
}
