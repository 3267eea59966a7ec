package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain runs the rival when this binary is started as such.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == libraryCommand {
		if err := command(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// repository is the root of the checkout, seen from this package's directory.
const repository = "../.."

// TestAQuickRunProducesEveryFigure says nothing about speed: the machine may be
// compiling beside us.
func TestAQuickRunProducesEveryFigure(t *testing.T) {
	c := defaultConfig().quick()
	c.dir, c.deploy = t.TempDir(), filepath.Join(repository, "deploy", "eci-vnode.yaml")
	if c.bin = os.Getenv("ECI_SANDBOX_BIN"); c.bin == "" {
		c.bin = filepath.Join(repository, ".sandbox", "bin")
	}
	var out bytes.Buffer
	rows, err := run(t.Context(), c, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	wanted := []string{
		"pods created", "pods deleted", "our writes of a pod created", "our writes of a pod deleted", "events written per pod",
		"CPU per pod, create to gone", "pods at the documented rates, all running", "cloud calls per minute at rest",
		"memory per idle pod above the base", "CPU at rest", "restart until everything is known", "cloud calls of a restart",
		"change in the cloud to status, p50", "change in the cloud to status, p99",
	}
	if realContainers() {
		wanted = append(wanted, "bytes out of kubectl port-forward", "bytes through kubectl exec -i cat, there and back",
			"lines to 10 followers of logs that grow, until the last has come", "longest that one of these lines took")
	}
	for _, want := range wanted {
		checkFigure(t, rows, want)
	}
	if f := find(rows, "events lost in a burst of pods, two each"); f == nil || f.Value != 0 {
		t.Errorf("events lost: %+v, want a row with 0", f)
	}
	if !strings.Contains(out.String(), "REACHED") {
		t.Errorf("no table was printed:\n%s", out.String())
	}
	page, err := os.ReadFile(filepath.Join(c.dir, "result.md"))
	if err != nil || strings.Count(string(page), "\n| ") != len(rows)+1 {
		t.Errorf("result.md: %v\n%s", err, page)
	}
	checkResult(t, filepath.Join(c.dir, "result.json"), len(rows))
}

// checkFigure wants a row that a run can have produced.
func checkFigure(t *testing.T, rows []figure, name string) {
	t.Helper()
	f := find(rows, name)
	switch {
	case f == nil:
		t.Errorf("there is no row %q", name)
	case f.N < 1 || f.Unit == "" || f.Value < 0:
		t.Errorf("row %q is not plausible: %+v", name, *f)
	}
}

func find(rows []figure, name string) *figure {
	for i := range rows {
		if rows[i].Figure == name {
			return &rows[i]
		}
	}
	return nil
}

func checkResult(t *testing.T, path string, want int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []figure
	if err := json.Unmarshal(data, &rows); err != nil || len(rows) != want {
		t.Errorf("%s holds %d rows (%v), want %d", path, len(rows), err, want)
	}
}

func TestAFlagThatMakesNoSenseIsRefused(t *testing.T) {
	for _, args := range [][]string{{"-n=0"}, {"-only=nothing"}, {"-burst=0"}, {"-rest=0s"}, {"-patience=-1s"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

func TestARatioIsReachedOnItsSideOfTheBound(t *testing.T) {
	raw := rival{"raw client", 100}
	for _, c := range []struct {
		value float64
		most  bool
		want  string
	}{{80, false, "yes"}, {79, false, "no"}, {80, true, "yes"}, {81, true, "no"}} {
		if got := against("f", 1, c.value, "u", raw, c.most, 0.8); got.Reached != c.want {
			t.Errorf("%+v: reached %s, want %s", c, got.Reached, c.want)
		}
	}
}

func TestARowHasTheMedianOfItsLaps(t *testing.T) {
	var three laps
	for _, n := range []int{30, 10, 20} {
		three = append(three, lap{n: n, create: half{took: time.Second}})
	}
	if got := three.median(lap.createRate); got != 20 {
		t.Errorf("the median of 30, 10 and 20 pods a second is %g", got)
	}
	if got := three[:1].median(lap.createRate); got != 30 {
		t.Errorf("the median of one lap is %g, want its 30", got)
	}
}
