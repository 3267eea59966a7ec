package openapi

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxSeen is how many states are kept before the oldest are let go: two
// generations of 5,000, some 10 MB.
const maxSeen = 5000

// seenStates remembers decoded states by a hash of their JSON. An increment tells
// of everything that changed in the last minute at least, twice a second while
// pods move: decoding the same states again and again was a third of the CPU time
// of a node whose pods come up. States are never changed in place, so that every
// answer may share them.
type seenStates struct {
	seed maphash.Seed

	mu         sync.Mutex
	young, old map[uint64]*eci.ContainerGroupStatus
	words      words
}

func newSeenStates() *seenStates {
	return &seenStates{seed: maphash.MakeSeed(), young: map[uint64]*eci.ContainerGroupStatus{}, words: words{}}
}

// decode reads a page of states. It is false for an answer that has to be read
// leniently, and then resp is as it was.
func (s *seenStates) decode(body []byte, resp *eci.DescribeContainerGroupStatusResponse) bool {
	items, rest, ok := cutData(body)
	if !ok {
		return false
	}
	var page eci.DescribeContainerGroupStatusResponse
	if err := json.Unmarshal(rest, &page); err != nil {
		return false
	}
	page.Data = make([]eci.ContainerGroupStatus, 0, len(items))
	for _, item := range items {
		state, err := s.state(item)
		if err != nil {
			return false
		}
		page.Data = append(page.Data, *state)
	}
	*resp = page
	return true
}

func (s *seenStates) state(raw []byte) (*eci.ContainerGroupStatus, error) {
	key := maphash.Bytes(s.seed, raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.young[key]
	if state != nil {
		return state, nil
	}
	if state = s.old[key]; state == nil {
		state = &eci.ContainerGroupStatus{}
		if err := json.Unmarshal(raw, state); err != nil {
			return nil, err
		}
		s.words.compact(state)
	}
	if len(s.young) >= maxSeen {
		s.old, s.young = s.young, map[uint64]*eci.ContainerGroupStatus{}
	}
	s.young[key] = state
	return state, nil
}

// cutData finds the elements of the list Data of an object, and the object with
// an empty one. It looks at brackets and texts only: what the elements are is
// for the decoder to say.
func cutData(body []byte) (items [][]byte, rest []byte, ok bool) {
	depth, start, open := 0, -1, -1
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			end := endOfText(body, i)
			if end < 0 {
				return nil, nil, false
			}
			if depth == 1 && open < 0 && string(body[i:end+1]) == `"Data"` {
				after := bytes.TrimLeft(body[end+1:], ": \t\r\n")
				if len(after) == 0 || after[0] != '[' {
					return nil, nil, false
				}
				end = len(body) - len(after)
				open, start, depth = end, end+1, depth+1
			}
			i = end
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 1 && start >= 0 {
				if item := bytes.TrimSpace(body[start:i]); len(item) > 0 {
					items = append(items, item)
				}
				rest, start = slices.Concat(body[:open+1], body[i:]), -1
			}
		case ',':
			if depth == 2 && start >= 0 {
				items, start = append(items, bytes.TrimSpace(body[start:i])), i+1
			}
		}
	}
	return items, rest, rest != nil && depth == 0
}

// endOfText is where the text that begins at i ends, or -1.
func endOfText(body []byte, i int) int {
	for i++; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
