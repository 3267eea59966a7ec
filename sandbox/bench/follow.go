package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

// printers are the pods whose logs grow, ten lines a second each.
const (
	printers   = 10
	linesBurst = 10
)

// follower is what one reader of a log got.
type follower struct {
	lines       int
	first, last time.Time
}

// carryLines has logs followed while they grow, and wants every line once.
func (b *bench) carryLines(ctx context.Context) error {
	names := podNames("streams-lines", 0, printers)
	// They begin when all followers are there: when the file is.
	script := fmt.Sprintf("until [ -e /begin ]; do sleep 0.1; done; i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; [ $((i%%%d)) -gt 0 ] || sleep 1; done",
		b.lines, linesBurst)
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
	err = each(ctx, names, func(ctx context.Context, _ int, name string) error {
		return b.kubectl(ctx, "exec", name, "--", "touch", "/begin").Run()
	})
	if err != nil {
		return err
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.add(beside(fmt.Sprintf("lines to %d followers of logs that grow", b.followers), b.followers*b.lines, linesPerSecond(got), "lines/s",
		"printed, for each follower", float64(b.followers*linesBurst)))
	return deletePods(ctx, b.client(), names)
}

// follow reads a log to its end.
func (b *bench) follow(ctx context.Context, name string) (f follower, err error) {
	stream, err := b.client().CoreV1().Pods(namespace).GetLogs(name, &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return f, err
	}
	defer stream.Close()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		f.lines++
		if want := fmt.Sprintf("line %d", f.lines); lines.Text() != want {
			return f, fmt.Errorf("the log of %s goes on with %q, want %q", name, lines.Text(), want)
		}
		if f.last = time.Now(); f.lines == 1 {
			f.first = f.last
		}
	}
	if f.lines != b.lines {
		return f, fmt.Errorf("the log of %s had %d lines, want %d", name, f.lines, b.lines)
	}
	return f, nil
}

// linesPerSecond is from the first line that came to anybody until the last one.
func linesPerSecond(got []follower) float64 {
	total, first, last := 0, got[0].first, got[0].last
	for _, f := range got {
		total += f.lines
		if f.first.Before(first) {
			first = f.first
		}
		if f.last.After(last) {
			last = f.last
		}
	}
	return float64(total) / last.Sub(first).Seconds()
}
