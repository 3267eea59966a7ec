package main

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// The cloud that the emulator plays.
const (
	region        = "cn-hangzhou"
	zone          = "cn-hangzhou-i"
	vSwitch       = "vsw-bench"
	securityGroup = "sg-bench"
	accessKey     = "bench"
	secretKey     = "bench-secret"
)

// cloud is an emulator in this process, whose calls are counted and whose
// containers end when they are told to.
type cloud struct {
	url      string
	limited  bool
	emulator *emulator.Emulator
	server   *http.Server

	mu        sync.Mutex
	calls     map[string]int // by action
	throttled int
	running   map[string]*process // by name of the group
}

// newCloud serves an emulator without delays; rates sets those of a new account.
func newCloud(rates bool) (*cloud, error) {
	c := &cloud{limited: rates, calls: map[string]int{}, running: map[string]*process{}}
	cfg := emulator.DefaultConfig()
	cfg.Region, cfg.Zones = region, []string{zone}
	cfg.Credentials = []emulator.Credential{{AccessKeyID: accessKey, AccessKeySecret: secretKey}}
	cfg.VSwitches = []emulator.VSwitch{{ID: vSwitch, ZoneID: zone, CIDR: "10.32.0.0/14", VPCID: "vpc-bench"}}
	cfg.SecurityGroups = []emulator.SecurityGroup{{ID: securityGroup, VPCID: "vpc-bench"}}
	if rates {
		cfg.Rates, cfg.Buckets = emulator.DocumentedRates(), emulator.DocumentedBuckets()
	}
	var err error
	if c.emulator, err = emulator.New(cfg, emulator.WithRuntime(c), emulator.WithAccessLog(c.count)); err != nil {
		return nil, fmt.Errorf("make the emulator: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.url = "http://" + listener.Addr().String()
	c.server = c.emulator.Server()
	go func() { _ = c.server.Serve(listener) }() // ends with Close, whose error says nothing
	return c, nil
}

func (c *cloud) close() {
	_ = c.server.Close()
	_ = c.emulator.Close()
}

// count takes a line of the access log.
func (c *cloud) count(a emulator.Access) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[a.Action]++
	if a.Code != "" && eci.IsThrottled(&eci.Error{Code: a.Code}) {
		c.throttled++
	}
}

// total is the number of calls so far, and how many of them were throttled.
func (c *cloud) total() (calls, throttled int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.calls {
		calls += n
	}
	return calls, c.throttled
}

// summary lists the calls so far by action.
func (c *cloud) summary() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, action := range slices.Sorted(maps.Keys(c.calls)) {
		parts = append(parts, fmt.Sprintf("%s %d", action, c.calls[action]))
	}
	return strings.Join(parts, ", ")
}

// of is the number of calls of one action.
func (c *cloud) of(action string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[action]
}

// Pull has every image.
func (c *cloud) Pull(pull emulator.Pull) { pull.Done(nil) }

// Forget has nothing to forget: each group of a run has a name of its own.
func (c *cloud) Forget(string) {}

// Start runs a container that ends when it is stopped, or by finish.
func (c *cloud) Start(run emulator.Run) (emulator.Process, error) {
	p := &process{run: run}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[run.Group.ContainerGroupName] = p
	return p, nil
}

// finish ends the container of a group with success and returns when it did.
func (c *cloud) finish(group string) (time.Time, error) {
	c.mu.Lock()
	p := c.running[group]
	c.mu.Unlock()
	if p == nil {
		return time.Time{}, fmt.Errorf("container group %s does not run", group)
	}
	now := time.Now()
	p.end(emulator.Exit{})
	return now, nil
}

// process is one run of a container.
type process struct {
	run  emulator.Run
	once sync.Once
}

func (p *process) end(exit emulator.Exit) { p.once.Do(func() { p.run.Report.Exited(exit) }) }

// Stop ends at once, as a program does that heeds its TERM.
func (p *process) Stop(time.Duration) {
	p.run.After(0, func() { p.end(emulator.Exit{Code: 143, Signal: 15}) })
}

// Usage is none.
func (p *process) Usage() emulator.Usage { return emulator.Usage{} }
