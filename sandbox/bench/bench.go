package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"
)

// bench is one run.
type bench struct {
	config
	out     io.Writer
	began   time.Time
	load    string // of the machine, when we began
	cluster *cluster
	rows    []figure
	// sampled is whose CPU is sampled at each half of a lap, if any, and profiles
	// how many samples there are; odd ones are of creating, even ones of deleting.
	sampled  *virtualNode
	profiles int
}

// run measures, prints and saves. The rows are those of the parts that ran.
func run(ctx context.Context, c config, out io.Writer) (rows []figure, err error) {
	for _, path := range []*string{&c.bin, &c.dir, &c.deploy} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	b := &bench{config: c, out: out, began: time.Now(), load: loadOfMachine()}
	b.sayf("starting a sandbox in %s", c.dir)
	if b.cluster, err = newCluster(ctx, c); err != nil {
		return nil, err
	}
	err = b.runParts(ctx)
	return b.rows, errors.Join(err, b.cluster.stop(), b.save(), missing(c, b.chosen(), b.rows))
}

// save prints the table and writes it for programs and for pages.
func (b *bench) save() error {
	var page bytes.Buffer
	return errors.Join(
		writeTable(b.out, b.rows),
		writeJSON(filepath.Join(b.dir, "result.json"), b.rows),
		writeMarkdown(&page, b.where(), b.rows),
		os.WriteFile(filepath.Join(b.dir, "result.md"), page.Bytes(), 0o644),
	)
}

func (b *bench) runParts(ctx context.Context) error {
	if err := b.warmUp(ctx); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	var errs []error
	for _, p := range b.chosen() {
		b.sayf("%s", p.about)
		if err := p.run(b, ctx); err != nil {
			b.sayf("  failed: %v", err) // the other parts can still tell
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// chosen are the parts to run.
func (b *bench) chosen() []part {
	return slices.DeleteFunc(parts(), func(p part) bool { return !slices.Contains(b.parts(), p.name) })
}

// part is a group of rows that is measured together.
type part struct {
	name, about string
	run         func(*bench, context.Context) error
	// rows are those that it must give.
	rows func(config) []wantedRow
}

// parts in the order of the run.
func parts() []part {
	return []part{
		{"throughput", "creating and deleting: eci-vnode, the raw client, the library", (*bench).throughput, throughputRows},
		{"events", "a burst of events", (*bench).events, eventRows},
		{"streams", "bytes and lines through kubectl", (*bench).streams, streamRows},
		{"rates", "creating at the documented rates", (*bench).rates, rateRows},
		{"idle", "at rest, changes and a restart", (*bench).atRest, restRows},
	}
}

func partNames() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

func partNamed(name string) *part {
	for _, p := range parts() {
		if p.name == name {
			return &p
		}
	}
	return nil
}

func (b *bench) client() kubernetes.Interface { return b.cluster.client }
func (b *bench) logs() string                 { return filepath.Join(b.dir, "log") }

// add takes a row and shows it, since the table comes at the end only.
func (b *bench) add(f figure) {
	b.rows = append(b.rows, f)
	b.sayf("  %s, n=%d: %s %s %s", f.Figure, f.N, number(f.Value), f.Unit, f.Rival)
}

func (b *bench) sayf(format string, args ...any) {
	fmt.Fprintf(b.out, "[%6.1fs] %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// step bounds what waits for pods.
func (b *bench) step(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.patience)
}
