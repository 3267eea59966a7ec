package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// cgroups limit containers; nil where the machine has none for us.
type cgroups struct {
	v2 bool
	// memory and cpu are our directories, the same one in version 2.
	memory, cpu, account string
	mu                   sync.Mutex
	count                int
}

// cgroup is that of one run; nil for none.
type cgroup struct {
	of   *cgroups
	name string

	mu        sync.Mutex
	seenAt    time.Time
	seenNanos int64
	nanoCores int64
}

// limits are in cores and bytes; zero is none.
type limits struct {
	cpu    float64
	memory int64
}

const cgroupRoot = "/sys/fs/cgroup"

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

// newCgroups makes our directories, in the place of those that a killed runtime
// with the same directory left.
func newCgroups(dir string) (*cgroups, error) {
	c := cgroupsOf(dir)
	if c.v2 {
		// Without these two the directory has no limits to set, which add says.
		_ = os.WriteFile(cgroupRoot+"/cgroup.subtree_control", []byte("+cpu +memory"), 0)
	}
	if err := c.removeOld(); err != nil {
		return nil, err
	}
	for _, dir := range c.dirs() {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, errors.Join(err, c.remove())
		}
	}
	if c.v2 {
		if err := os.WriteFile(c.memory+"/cgroup.subtree_control", []byte("+cpu +memory"), 0); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

// cgroupsOf names the directories of a runtime.
func cgroupsOf(dir string) *cgroups {
	name := "eci-emulator-" + digest(dir, 8)
	if _, err := os.Stat(cgroupRoot + "/cgroup.controllers"); err == nil {
		path := filepath.Join(cgroupRoot, name)
		return &cgroups{v2: true, memory: path, cpu: path, account: path}
	}
	return &cgroups{memory: cgroupRoot + "/memory/" + name, cpu: cgroupRoot + "/cpu/" + name, account: cgroupRoot + "/cpuacct/" + name}
}

// dirs are distinct.
func (c *cgroups) dirs() []string {
	if c.v2 {
		return []string{c.memory}
	}
	dirs := []string{c.memory, c.cpu}
	mine, err1 := os.Stat(filepath.Dir(c.cpu))
	other, err2 := os.Stat(filepath.Dir(c.account))
	if err1 == nil && err2 == nil && !os.SameFile(mine, other) {
		dirs = append(dirs, c.account)
	}
	return dirs
}

// removeOld removes what a killed runtime left of its containers.
func (c *cgroups) removeOld() error {
	var errs []error
	for _, dir := range c.dirs() {
		entries, _ := os.ReadDir(dir) // none is fine
		for _, entry := range entries {
			if entry.IsDir() {
				errs = append(errs, removeEmptied(filepath.Join(dir, entry.Name())))
			}
		}
	}
	return errors.Join(errs...)
}

// remove takes our directories away.
func (c *cgroups) remove() error {
	if c == nil {
		return nil
	}
	var errs []error
	for _, dir := range c.dirs() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// add puts a process under limits.
func (c *cgroups) add(l limits, pid int) (*cgroup, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	c.count++
	g := &cgroup{of: c, name: fmt.Sprintf("run-%d", c.count)}
	c.mu.Unlock()
	for _, dir := range c.dirs() {
		if err := os.Mkdir(filepath.Join(dir, g.name), 0o755); err != nil {
			return nil, errors.Join(err, g.discard())
		}
	}
	if err := errors.Join(g.limit(l), g.join(pid)); err != nil {
		return nil, errors.Join(fmt.Errorf("limit CPU and memory: %w", err), g.discard())
	}
	return g, nil
}

func (g *cgroup) limit(l limits) error {
	quota := int64(l.cpu * cpuPeriod)
	var errs []error
	set := func(dir, file, value string) {
		errs = append(errs, os.WriteFile(filepath.Join(dir, g.name, file), []byte(value), 0))
	}
	if l.memory > 0 {
		file := "memory.limit_in_bytes"
		if g.of.v2 {
			file = "memory.max"
		}
		set(g.of.memory, file, strconv.FormatInt(l.memory, 10))
	}
	if quota > 0 {
		if g.of.v2 {
			set(g.of.cpu, "cpu.max", fmt.Sprintf("%d %d", quota, cpuPeriod))
		} else {
			set(g.of.cpu, "cpu.cfs_quota_us", strconv.FormatInt(quota, 10))
		}
	}
	return errors.Join(errs...)
}

// join puts one more process of the container in.
func (g *cgroup) join(pid int) error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, dir := range g.of.dirs() {
		errs = append(errs, os.WriteFile(filepath.Join(dir, g.name, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0))
	}
	return errors.Join(errs...)
}

func (g *cgroup) remove() { _ = g.discard() } // what stays is removed by the next runtime

// removeTries bounds the wait for the kernel to notice that the last process
// has ended, in milliseconds.
const removeTries = 2000

func (g *cgroup) discard() error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, dir := range g.of.dirs() {
		errs = append(errs, removeEmptied(filepath.Join(dir, g.name)))
	}
	return errors.Join(errs...)
}

// removeEmptied removes the directory of processes that have ended or are
// ending.
func removeEmptied(path string) error {
	err := os.Remove(path)
	for try := 0; errors.Is(err, unix.EBUSY) && try < removeTries; try++ {
		pause := time.NewTimer(time.Millisecond)
		<-pause.C
		err = os.Remove(path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// ranOutOfMemory says whether the kernel killed a process for the limit.
func (g *cgroup) ranOutOfMemory() bool {
	if g == nil {
		return false
	}
	file := "memory.oom_control"
	if g.of.v2 {
		file = "memory.events"
	}
	content, err := os.ReadFile(filepath.Join(g.of.memory, g.name, file))
	return err == nil && field(content, "oom_kill") > 0
}

// usage is of the cgroup, or of one process.
func (g *cgroup) usage(pid int, now time.Time) emulator.Usage {
	if g == nil {
		return processUsage(pid)
	}
	var u emulator.Usage
	if g.of.v2 {
		content, _ := os.ReadFile(filepath.Join(g.of.cpu, g.name, "cpu.stat"))
		u.CoreNanoSeconds = field(content, "usage_usec") * 1000
		u.MemoryBytes = number(filepath.Join(g.of.memory, g.name, "memory.current"))
	} else {
		u.CoreNanoSeconds = number(filepath.Join(g.of.account, g.name, "cpuacct.usage"))
		u.MemoryBytes = number(filepath.Join(g.of.memory, g.name, "memory.usage_in_bytes"))
	}
	content, _ := os.ReadFile(filepath.Join(g.of.memory, g.name, "memory.stat"))
	if u.MemoryBytes -= field(content, "inactive_file"); u.MemoryBytes < 0 {
		u.MemoryBytes = 0
	}
	u.NanoCores = g.rate(u.CoreNanoSeconds, now)
	return u
}

// rateWindow is the least time between two readings of a rate.
const rateWindow = time.Second

// rate is of the time since the reading before.
func (g *cgroup) rate(nanos int64, now time.Time) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if passed := now.Sub(g.seenAt); passed >= rateWindow {
		if !g.seenAt.IsZero() {
			g.nanoCores = int64(float64(nanos-g.seenNanos) / passed.Seconds())
		}
		g.seenAt, g.seenNanos = now, nanos
	}
	return g.nanoCores
}

// processUsage reads /proc, where times are in hundredths of a second.
func processUsage(pid int) emulator.Usage {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return emulator.Usage{}
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	return emulator.Usage{CoreNanoSeconds: (number(11) + number(12)) * 1e7, MemoryBytes: number(21) * int64(os.Getpagesize())}
}

// field finds "name number" in a file of lines; none is 0.
func field(content []byte, name string) int64 {
	for line := range bytes.Lines(content) {
		if fields := strings.Fields(string(line)); len(fields) == 2 && fields[0] == name {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return n
		}
	}
	return 0
}

func number(path string) int64 {
	content, _ := os.ReadFile(path)
	n, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	return n
}
