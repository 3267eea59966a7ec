package provider

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

// logCloud answers DescribeContainerLog as the cloud does: the newest lines of
// those asked for, cut at the end to what an answer holds.
type logCloud struct {
	Cloud
	now   time.Time
	lines []stampedLine
}

type stampedLine struct {
	at   time.Time
	text string
}

func (c *logCloud) print(text string) { c.lines = append(c.lines, stampedLine{c.now, text}) }

func (c *logCloud) DescribeContainerLog(_ context.Context, r *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	var from time.Time
	if r.StartTime != "" {
		from, _ = time.Parse(time.RFC3339, r.StartTime)
	}
	var found []stampedLine
	for _, line := range c.lines {
		if !line.at.Before(from) {
			found = append(found, line)
		}
	}
	found = found[max(0, len(found)-int(r.Tail)):]
	var content strings.Builder
	for _, line := range found {
		content.WriteString(line.at.UTC().Format("2006-01-02T15:04:05.000000000Z") + " " + line.text + "\n")
	}
	return &eci.DescribeContainerLogResponse{Content: content.String()[:min(content.Len(), eci.MaxLogBytes)]}, nil
}

func newLogCloud(opts api.ContainerLogOpts) (*logCloud, *logCursor) {
	c := &logCloud{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	clock := clocktesting.NewFakeClock(c.now)
	p := &Provider{cloud: newWatchedCloud(c, clock), deps: Deps{Clock: clock}}
	at := place{entry: entry{groupID: "eci-1", pod: &corev1.Pod{}}, container: "app"}
	return c, newLogCursor(p, at, opts)
}

// mustDrain reads until nothing is left to read at once.
func mustDrain(t *testing.T, c *logCursor) string {
	t.Helper()
	var out strings.Builder
	for range 10_000 {
		lines, err := c.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(strings.Join(c.show(lines), ""))
		if !c.cut {
			return out.String()
		}
	}
	t.Fatal("the log has no end")
	return ""
}

func TestAFollowedLogIsWholeWhateverItsLinesAre(t *testing.T) {
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 1))
		widest := []int{1, 40, 3000, 12_000}[seed%4]
		cloud, cursor := newLogCloud(api.ContainerLogOpts{Follow: true})
		var got, want strings.Builder
		printed := 0
		for range 8 {
			for range r.IntN(eci.MaxLogLines / 3) {
				if r.IntN(3) > 0 { // many lines share their time
					cloud.now = cloud.now.Add(time.Duration(r.IntN(3_000_000)))
				}
				line := fmt.Sprintf("line %d %s", printed, strings.Repeat("x", r.IntN(widest)))
				printed++
				cloud.print(line)
				want.WriteString(line + "\n")
			}
			got.WriteString(mustDrain(t, cursor))
		}
		if got.String() != want.String() {
			t.Fatalf("seed %d: %d bytes of %d, first difference at %d", seed, got.Len(), want.Len(), difference(got.String(), want.String()))
		}
	}
}

func difference(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func TestAReaderIsToldWhereLinesWereLost(t *testing.T) {
	cloud, cursor := newLogCloud(api.ContainerLogOpts{Follow: true})
	cloud.print("before")
	if got := mustDrain(t, cursor); got != "before\n" {
		t.Fatalf("got %q", got)
	}
	var want strings.Builder
	want.WriteString(missingLines("app") + "\n")
	for i := range eci.MaxLogLines + 100 {
		cloud.now = cloud.now.Add(time.Millisecond)
		cloud.print(fmt.Sprint(i))
		if i >= 100 {
			fmt.Fprintln(&want, i)
		}
	}
	if got := mustDrain(t, cursor); got != want.String() {
		t.Errorf("%d bytes, want %d: %.300q", len(got), want.Len(), got)
	}
}

func TestLogWishesAreGranted(t *testing.T) {
	for name, tc := range map[string]struct {
		opts api.ContainerLogOpts
		want string
	}{
		"all":        {api.ContainerLogOpts{}, "one\ntwo\nthree\n"},
		"tail":       {api.ContainerLogOpts{Tail: 2}, "two\nthree\n"},
		"bytes":      {api.ContainerLogOpts{LimitBytes: 6}, "one\ntw"},
		"since":      {api.ContainerLogOpts{SinceTime: time.Date(2026, 1, 2, 3, 4, 5, 2, time.UTC)}, "two\nthree\n"},
		"timestamps": {api.ContainerLogOpts{Tail: 1, Timestamps: true}, "2026-01-02T03:04:05.000000006Z three\n"},
	} {
		cloud, cursor := newLogCloud(tc.opts)
		for i, text := range []string{"one", "two", "three"} {
			cloud.now = cloud.now.Add(time.Duration(i + 1)) // at 1, 3 and 6 ns
			cloud.print(text)
		}
		if got := mustDrain(t, cursor); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestLogCursor_TailThatCutsLinesOfOneTimeDoublesNone(t *testing.T) {
	for tail, want := range map[int]string{1: "three\n", 2: "two\nthree\n", -1: ""} {
		cloud, cursor := newLogCloud(api.ContainerLogOpts{Follow: true, Tail: tail})
		for _, text := range []string{"one", "two", "three"} {
			cloud.print(text)
		}
		got := mustDrain(t, cursor)
		cloud.now = cloud.now.Add(time.Second)
		cloud.print("four")
		if got += mustDrain(t, cursor); got != want+"four\n" {
			t.Errorf("--tail=%d -f shows %q", tail, got)
		}
	}
}

// TestLogCursor_TailWithinManyLinesOfOneTimeDoublesNone has more lines of one time than
// the first read asks for.
func TestLogCursor_TailWithinManyLinesOfOneTimeDoublesNone(t *testing.T) {
	cloud, cursor := newLogCloud(api.ContainerLogOpts{Follow: true, Tail: 1})
	for i := range 3 * sameTime {
		cloud.print(fmt.Sprint(i))
	}
	got := mustDrain(t, cursor)
	cloud.print("last of the same time")
	if got += mustDrain(t, cursor); got != fmt.Sprintf("%d\nlast of the same time\n", 3*sameTime-1) {
		t.Errorf("--tail=1 -f shows %d bytes: %.200q", len(got), got)
	}
}
