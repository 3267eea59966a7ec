package campaign

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Op is one thing that the scheduler, a user or bad luck does. Arg seeds every
// choice inside of it, so that an Op means something after others were dropped.
type Op struct {
	Kind string
	Arg  uint16
}

// History is what happens in one run; it alone decides everything.
type History []Op

// deeds are all kinds with their weight in a random history.
var deeds = []struct {
	kind   string
	weight int
	do     func(*world)
}{
	{"run", 48, (*world).run},
	{"wait", 12, (*world).wait},
	{"create", 10, (*world).createPod},
	{"delete", 7, (*world).deletePod},
	{"force", 2, (*world).forcePod},
	{"replace", 3, (*world).replacePod},
	{"update", 2, (*world).updatePod},
	{"fail", 5, (*world).failCalls},
	{"stale", 5, (*world).staleReads},
	{"lag", 3, (*world).lagReads},
	{"stock", 2, (*world).noStock},
	{"denied", 2, (*world).denyLists},
	{"expired", 1, (*world).expireKey},
	{"heal", 3, (*world).heal},
	{"hand", 3, (*world).touchByHand},
	{"api", 4, (*world).failAPI},
	{"watch", 3, (*world).breakWatch},
	{"crash", 5, (*world).crash},
	{"second", 2, (*world).second},
	{"pause", 2, (*world).pause},
	{"cut", 2, (*world).partition},
	{"slow", 2, (*world).slowAnswers},
	{"skew", 1, (*world).skewClock},
	{"drain", 1, (*world).drain},
	{"files", 1, (*world).changeFiles},
	{"lie", 3, (*world).lie},
	{"copy", 2, (*world).copyPod},
	{"stranger", 1, (*world).stranger},
	{"logs", 1, (*world).crowdReads},
}

// NewHistory returns the history of a seed, of n operations.
func NewHistory(seed uint64, n int) History {
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	total := 0
	for _, d := range deeds {
		total += d.weight
	}
	history := History{{"create", uint16(rng.Uint32())}}
	for len(history) < n {
		at := rng.IntN(total)
		for _, d := range deeds {
			if at -= d.weight; at < 0 {
				history = append(history, Op{d.kind, uint16(rng.Uint32())})
				break
			}
		}
	}
	return history
}

// String is the history on one line; ParseHistory reads it.
func (h History) String() string {
	words := make([]string, len(h))
	for i, op := range h {
		words[i] = fmt.Sprintf("%s:%d", op.Kind, op.Arg)
	}
	return strings.Join(words, " ")
}

// ParseHistory reads what String has written.
func ParseHistory(text string) (History, error) {
	var h History
	for _, word := range strings.Fields(text) {
		kind, number, _ := strings.Cut(word, ":")
		arg, err := strconv.ParseUint(number, 10, 16)
		if err != nil || doer(kind) == nil {
			return nil, fmt.Errorf("history: %q is no operation", word)
		}
		h = append(h, Op{kind, uint16(arg)})
	}
	return h, nil
}

func doer(kind string) func(*world) {
	for _, d := range deeds {
		if d.kind == kind {
			return d.do
		}
	}
	return nil
}

// Shrink drops operations from a failing history as long as it fails with the
// same invariant, and returns what is left.
func Shrink(h History, off Protection) History {
	first := Run(h, off, false)
	if first.Violation == nil {
		return h
	}
	fails := func(h History) bool {
		got := Run(h, off, false)
		return got.Violation != nil && got.Violation.Invariant == first.Violation.Invariant
	}
	for size := len(h) / 2; size > 0; {
		dropped := false
		for at := 0; at+size <= len(h); {
			shorter := append(append(History(nil), h[:at]...), h[at+size:]...)
			if fails(shorter) {
				h, dropped = shorter, true
			} else {
				at += size
			}
		}
		if !dropped || size > len(h) {
			size /= 2
		}
	}
	return h
}
