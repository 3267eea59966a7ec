package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// config is what is measured with how much.
type config struct {
	// bin holds eci-sandbox and eci-vnode; deploy is the operator's manifest;
	// dir takes the sandbox, logs, profiles and the result.
	bin, deploy, dir string

	// pods are the sizes of create and delete; idle those of the rows at rest.
	pods, idle sizes
	// rounds is how often the first number of pods is created and deleted.
	rounds int
	// stock is how many pods the library gets at its stock settings.
	stock int
	// burst is how many pods have events, and how many change at once.
	burst int
	// spread is over what time the changes of a burst are spread.
	spread time.Duration
	// paced is how many pods are made at the documented rates.
	paced int
	// bytes go through exec and port-forward; lines are what each of the logs has
	// that the followers read.
	bytes, lines, followers int
	// rest is how long a node at rest is watched.
	rest time.Duration
	// profile saves CPU and heap profiles of eci-vnode into dir.
	profile bool
	// only runs the parts whose names are in it; all when empty.
	only string
	// patience bounds one step.
	patience time.Duration
}

func defaultConfig() config {
	return config{
		bin: ".sandbox/bin", deploy: "deploy/eci-vnode.yaml", dir: ".bench",
		pods: sizes{1000, 5000}, idle: sizes{1000, 5000, 10000},
		rounds: 3, stock: 60, burst: 1000, spread: 10 * time.Second, paced: 1000,
		bytes: 100_000_000, lines: 500, followers: 100,
		// A repair of the syncer comes every two minutes and is counted.
		rest: 2 * time.Minute, patience: 15 * time.Minute,
	}
}

// quick shrinks everything that the program can be proven with.
func (c config) quick() config {
	c.pods, c.idle = sizes{20}, sizes{20, 30}
	c.rounds, c.stock, c.burst, c.paced = 2, 5, 10, 20
	c.bytes, c.lines, c.followers = 100_000, 20, printers
	c.spread, c.rest = time.Second, 2*time.Second
	return c
}

// parse reads the command line.
func parse(args []string) (config, error) {
	c := defaultConfig()
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	var quick bool
	f.BoolVar(&quick, "quick", false, "tiny numbers: proves that the program works, says nothing about speed; other flags are ignored but for paths")
	f.StringVar(&c.bin, "bin-dir", c.bin, "directory of eci-sandbox and eci-vnode")
	f.StringVar(&c.deploy, "deploy", c.deploy, "manifest that holds eci-vnode's rights")
	f.StringVar(&c.dir, "dir", c.dir, "directory for the sandbox, logs, profiles and result.json")
	f.Var(&c.pods, "n", "numbers of pods to create and delete, comma separated")
	f.Var(&c.idle, "idle", "numbers of pods at rest, comma separated, rising; side by side; the restart is done at the last but one")
	f.IntVar(&c.rounds, "rounds", c.rounds, "how often the first of these numbers is created and deleted, by all rivals in turn; rows have the medians")
	f.IntVar(&c.stock, "stock-n", c.stock, "pods for the library at stock settings")
	f.IntVar(&c.burst, "burst", c.burst, "pods in the bursts of events and of changes")
	f.DurationVar(&c.spread, "spread", c.spread, "time over which the changes of a burst are spread")
	f.IntVar(&c.paced, "paced-n", c.paced, "pods made at the documented rates")
	f.IntVar(&c.bytes, "bytes", c.bytes, "bytes through exec and port-forward")
	f.IntVar(&c.lines, "lines", c.lines, "lines of each of the ten logs that are followed")
	f.IntVar(&c.followers, "followers", c.followers, "readers of the ten logs")
	f.DurationVar(&c.rest, "rest", c.rest, "how long a node at rest is watched")
	f.BoolVar(&c.profile, "profile", c.profile, "save profiles of eci-vnode")
	f.StringVar(&c.only, "only", c.only, "parts to run, comma separated: "+strings.Join(partNames(), ", "))
	f.DurationVar(&c.patience, "patience", c.patience, "how long one step may take")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if quick {
		c = c.quick()
	}
	return c, c.validate()
}

// validate returns all that is wrong.
func (c config) validate() error {
	var errs []error
	for name, n := range map[string]int{"rounds": c.rounds, "stock-n": c.stock, "burst": c.burst, "paced-n": c.paced, "bytes": c.bytes, "lines": c.lines, "followers": c.followers} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("-%s: %d is below 1", name, n))
		}
	}
	for name, d := range map[string]time.Duration{"rest": c.rest, "patience": c.patience, "spread": c.spread} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("-%s: %s is not positive", name, d))
		}
	}
	for _, name := range c.parts() {
		if partNamed(name) == nil {
			errs = append(errs, fmt.Errorf("-only: %q is none of %s", name, strings.Join(partNames(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// parts are the names in only.
func (c config) parts() []string {
	if c.only == "" {
		return partNames()
	}
	return strings.Split(c.only, ",")
}

// sizes is a flag of whole numbers.
type sizes []int

// String shows the numbers.
func (s *sizes) String() string { return strings.Trim(fmt.Sprint([]int(*s)), "[]") }

// Set reads the numbers.
func (s *sizes) Set(text string) error {
	*s = nil
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a number above 0", part)
		}
		*s = append(*s, n)
	}
	return nil
}
