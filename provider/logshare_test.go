package provider

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestFollowersOfOneLogShareItsReads(t *testing.T) {
	const followers, lines = 20, 30
	w := newWorld(t)
	var script, want strings.Builder
	for i := range lines {
		fmt.Fprintf(&script, "echo line %d; sleep 1;", i)
		fmt.Fprintf(&want, "line %d\n", i)
	}
	pod := w.mustRun("a", func(pod *corev1.Pod) {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		pod.Spec.Containers[0].Command = []string{"sh", "-c", script.String()}
	})
	got := make(chan string, followers)
	before := w.calls(eci.ActionDescribeContainerLog)
	for range followers {
		log, err := w.GetContainerLogs(t.Context(), "default", "a", "app", api.ContainerLogOpts{Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer log.Close()
			text, _ := io.ReadAll(log)
			got <- string(text)
		}()
	}
	turns := 0
	for ; turns < lines/2+2; turns++ {
		w.eventually("all have read", func() bool { return w.clock.Waiters() == followers })
		w.pass(followEvery)
	}
	w.eventually("all have read", func() bool { return w.clock.Waiters() == followers })
	w.tick()
	w.expectPhase(pod, corev1.PodSucceeded)
	w.clock.Step(followEvery)
	for range followers {
		if text := <-got; text != want.String() {
			t.Errorf("got %q", text)
		}
	}
	if calls := w.calls(eci.ActionDescribeContainerLog) - before; calls != followers+turns+1 {
		t.Errorf("%d calls in %d turns of %d followers, want one for each and one a turn", calls, turns+1, followers)
	}
	if left := len(w.logShares.logs); left != 0 {
		t.Errorf("%d logs are kept that nobody follows", left)
	}
}

func TestSharedReadsLoseAndDoubleNothing(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		widest := []int{1, 60, 4000}[seed%3]
		cloud, first := newLogCloud(api.ContainerLogOpts{Follow: true})
		all := ""
		type follower struct {
			*logCursor
			from int
			got  string
		}
		var followers []*follower
		printSome := func() {
			for range r.IntN(20) {
				if r.IntN(3) > 0 { // many lines share their time
					cloud.now = cloud.now.Add(time.Duration(r.IntN(30_000_000)))
				}
				line := fmt.Sprintf("line %d %s", len(all), strings.Repeat("x", r.IntN(widest)))
				cloud.print(line)
				all += line + "\n"
			}
		}
		for turn := range 20 {
			if turn%5 == 0 {
				f := &follower{logCursor: newLogCursor(first.p, first.at, api.ContainerLogOpts{Follow: true})}
				if turn%3 > 0 { // as one who wants no old lines, and has read before there were others
					cloud.now = cloud.now.Add(time.Second).Truncate(time.Second)
					f.from, f.reads = len(all), 1
				}
				switch turn % 3 {
				case 0:
					f.got = mustDrain(t, f.logCursor)
				case 1:
					f.since = cloud.now
				case 2:
					f.opts.SinceSeconds, f.began = 1, cloud.now.Add(time.Second)
				}
				f.join(true)
				followers = append(followers, f)
			}
			r.Shuffle(len(followers), func(i, j int) { followers[i], followers[j] = followers[j], followers[i] })
			for _, f := range followers {
				if r.IntN(4) > 0 { // or it is slow and misses the turn
					f.turn = logTurn{at: time.Unix(int64(turn), 0)}
					f.got += mustDrain(t, f.logCursor)
				}
				printSome()
			}
		}
		for _, f := range followers {
			f.turn.over = true
			f.got += mustDrain(t, f.logCursor)
			if want := all[f.from:]; f.got != want {
				t.Fatalf("seed %d: %d bytes of %d, first difference at %d", seed, len(f.got), len(want), difference(f.got, want))
			}
		}
	}
}

func TestAFollowerReadsForItselfWhenTheOneThatReadHasLeft(t *testing.T) {
	cloud, leading := newLogCloud(api.ContainerLogOpts{Follow: true})
	cloud.print("a line")
	waiting := newLogCursor(leading.p, leading.at, leading.opts)
	stuck := &stuckCloud{logCloud: cloud, reading: make(chan struct{})}
	leading.p.cloud = newWatchedCloud(stuck, leading.p.deps.Clock)
	for _, c := range []*logCursor{leading, waiting} {
		c.join(true)
		c.turn = logTurn{at: time.Unix(1, 0)}
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := leading.next(ctx)
		left <- err
	}()
	<-stuck.reading
	got := make(chan []string, 1)
	go func() {
		lines, _ := waiting.next(t.Context())
		got <- lines
	}()
	leave()
	if err := <-left; err == nil {
		t.Error("who has left has read")
	}
	if lines := <-got; len(lines) != 1 || !strings.HasSuffix(lines[0], "a line") {
		t.Errorf("got %q", lines)
	}
}

// stuckCloud does not answer the first read.
type stuckCloud struct {
	*logCloud
	reading chan struct{}
	reads   int
}

func (c *stuckCloud) DescribeContainerLog(ctx context.Context, r *eci.DescribeContainerLogRequest) (*eci.DescribeContainerLogResponse, error) {
	if c.reads++; c.reads == 1 {
		close(c.reading)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.logCloud.DescribeContainerLog(ctx, r)
}

func TestAReadIsSharedOnlyWhereItGivesTheSame(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0).UTC() }
	done := make(chan struct{})
	close(done)
	turn := logTurn{at: at(10)}
	for name, tc := range map[string]struct {
		read     sharedRead
		turn     logTurn
		mark     int64 // the second of the last line that was read
		previous bool
		want     bool
	}{
		"of the same turn":             {read: sharedRead{logTurn: turn, done: done}, turn: turn, want: true},
		"of an earlier turn":           {read: sharedRead{logTurn: logTurn{at: at(8)}, done: done}, turn: turn},
		"of an earlier turn, waiting":  {read: sharedRead{logTurn: logTurn{at: at(8)}}, turn: turn, want: true},
		"before the first, waiting":    {read: sharedRead{logTurn: turn}, want: true},
		"before the first":             {read: sharedRead{done: done}},
		"before the end, waiting":      {read: sharedRead{logTurn: turn}, turn: logTurn{at: at(10), over: true}},
		"after the end":                {read: sharedRead{logTurn: logTurn{at: at(8), over: true}, done: done}, turn: logTurn{at: at(10), over: true}, want: true},
		"of the run before":            {read: sharedRead{logTurn: turn, done: done, previous: true}, turn: turn},
		"that begins later":            {read: sharedRead{logTurn: turn, done: done, start: at(6)}, turn: turn, mark: 5},
		"that begins earlier":          {read: sharedRead{logTurn: turn, done: done, start: at(4)}, turn: turn, mark: 5, want: true},
		"that begins where lines came": {read: sharedRead{logTurn: turn, done: done, start: at(5)}, turn: turn, mark: 5, want: true},
	} {
		_, c := newLogCloud(api.ContainerLogOpts{Follow: true})
		if c.turn, c.previous = tc.turn, tc.previous; tc.mark > 0 {
			c.mark.stamp = at(tc.mark)
		}
		if got := tc.read.fits(c); got != tc.want {
			t.Errorf("a read %s: shared %v", name, got)
		}
	}
}
