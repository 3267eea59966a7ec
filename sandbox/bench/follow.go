package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

const (
	// printers are the pods whose logs grow, each by ten lines a second, so that a
	// hundred followers together get a thousand.
	printers       = 10
	linesPerSecond = 10
	// linesBurst is how many lines are printed at once.
	linesBurst = 5
	// allReady is how long it may take to tell the printers when to begin.
	allReady = 10 * time.Second
)

// printer waits for a time in /begin, and prints each line at its own time from
// then on: what the shell costs, and a late begin, do not make it slower. Times are
// those of /proc/uptime in hundredths of a second, which all containers share.
const printer = `until read -r begin </begin; do sleep 1; done 2>/dev/null
i=0
while [ $i -lt %[1]d ]; do
  if [ $((i %% %[2]d)) -eq 0 ]; then
    read -r up rest </proc/uptime
    left=$((begin + i * 100 / %[3]d - ${up%%.*}${up#*.}))
    [ $left -le 0 ] || sleep $((left / 100)).$((left / 10 %% 10))$((left %% 10))
  fi
  i=$((i+1)); echo line $i
done`

// follower is what one reader of a log got.
type follower struct {
	lines int
	// printed are the times of the first and the last line, received that of the
	// last one here.
	printed  [2]time.Time
	received time.Time
	// late is the longest that a line took.
	late time.Duration
}

// carryLines has logs followed while they grow, and wants every line once.
func (b *bench) carryLines(ctx context.Context) error {
	names := podNames("streams-lines", 0, printers)
	script := fmt.Sprintf(printer, b.lines, linesBurst, linesPerSecond)
	err := each(ctx, names, func(ctx context.Context, _ int, name string) error {
		_, err := b.runScript(ctx, name, script)
		return err
	})
	if err != nil {
		return err
	}
	got := make([]follower, b.followers)
	group, following := errgroup.WithContext(ctx)
	for i := range got {
		group.Go(func() (err error) {
			got[i], err = b.follow(following, names[i%printers])
			return err
		})
	}
	if err := errors.Join(b.begin(ctx, names), group.Wait()); err != nil {
		return err
	}
	printed, delivered, late := ratesOf(got)
	b.add(beside(fmt.Sprintf("lines to %d followers of logs that grow, until the last has come", b.followers), b.followers*b.lines, delivered, "lines/s",
		"printed, for each follower", printed))
	b.add(shown("longest that one of these lines took", b.followers*b.lines, late.Seconds(), "s"))
	return deletePods(ctx, b.client(), names)
}

// begin tells all printers one time that is to come.
func (b *bench) begin(ctx context.Context, names []string) error {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return err
	}
	up, _, _ := strings.Cut(string(text), " ")
	now, err := strconv.Atoi(strings.Replace(up, ".", "", 1))
	if err != nil {
		return fmt.Errorf("/proc/uptime has %q: %w", text, err)
	}
	tell := fmt.Sprintf("echo %d >/begin", now+int(allReady.Seconds()*100))
	return each(ctx, names, func(ctx context.Context, _ int, name string) error {
		return b.kubectl(ctx, "exec", name, "--", "sh", "-c", tell).Run()
	})
}

// follow reads a log to its end.
func (b *bench) follow(ctx context.Context, name string) (f follower, err error) {
	options := &corev1.PodLogOptions{Follow: true, Timestamps: true}
	stream, err := b.client().CoreV1().Pods(namespace).GetLogs(name, options).Stream(ctx)
	if err != nil {
		return f, err
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		f.lines++
		stamp, text, _ := strings.Cut(lines.Text(), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if want := fmt.Sprintf("line %d", f.lines); err != nil || text != want {
			return f, fmt.Errorf("the log of %s goes on with %q, want %q", name, lines.Text(), want)
		}
		if f.lines == 1 {
			f.printed[0] = at
		}
		f.printed[1], f.received = at, time.Now()
		f.late = max(f.late, f.received.Sub(at))
	}
	if f.lines != b.lines {
		err = fmt.Errorf("the log of %s had %d lines, want %d", name, f.lines, b.lines)
	}
	return f, errors.Join(lines.Err(), err)
}

// ratesOf are lines a second, for all followers: as they were printed, and from the
// first that was printed until the last that came.
func ratesOf(got []follower) (printed, delivered float64, late time.Duration) {
	first, last, received, total := got[0].printed[0], got[0].printed[1], got[0].received, 0
	for _, f := range got {
		total += f.lines
		late = max(late, f.late)
		if f.printed[0].Before(first) {
			first = f.printed[0]
		}
		if f.printed[1].After(last) {
			last = f.printed[1]
		}
		if f.received.After(received) {
			received = f.received
		}
	}
	// The lines of the first burst are those of the time before it.
	printed = float64(total-len(got)*linesBurst) / last.Sub(first).Seconds()
	return printed, float64(total) / received.Sub(first).Seconds(), late
}
