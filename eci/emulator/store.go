package emulator

import (
	"cmp"
	"slices"
	"sort"
)

// store holds the groups by id and in the order of their making.
type store struct {
	byID  map[string]*group
	order []*group
}

func (s *store) add(g *group) {
	s.byID[g.id] = g
	s.order = append(s.order, g)
}

func (s *store) remove(g *group) {
	delete(s.byID, g.id)
	if i := s.position(g.number); i < len(s.order) && s.order[i] == g {
		s.order = append(s.order[:i], s.order[i+1:]...)
	}
}

// position is where the group of that number is, or would be.
func (s *store) position(number uint64) int {
	return sort.Search(len(s.order), func(i int) bool { return s.order[i].number >= number })
}

// snapshot copies all groups, in order.
func (e *Emulator) snapshot() []*group {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
	copied := make([]*group, len(e.groups.order))
	for i, g := range e.groups.order {
		copied[i] = g.clone()
	}
	return copied
}

// newestFirst copies a list in the order of answers. With ids it keeps those
// only, each once.
func newestFirst(list []*group, ids []string) []*group {
	out := make([]*group, 0, len(list))
	for _, g := range list {
		if ids == nil || slices.Contains(ids, g.id) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *group) int { return cmp.Compare(b.number, a.number) })
	return slices.Compact(out)
}
