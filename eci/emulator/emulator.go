package emulator

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Emulator is one region of one account. It is an http.Handler; see Server for
// a server with the limits that clients need.
type Emulator struct {
	cfg      Config
	clock    Clock
	runtime  Runtime
	observe  func(Access)
	actions  map[string]action
	decoder  decoder
	verifier *verifier
	limiter  *limiter
	faults   *Faults
	queue    *queue
	ids      *idSource
	// executions are the commands at work; close ends them.
	executions sync.WaitGroup
	open       context.Context
	shut       context.CancelFunc

	// mu guards all below, and every field of the groups.
	mu      sync.Mutex
	groups  store
	eips    eipBook
	subnets []*subnet
	sizes   []size
	tokens  map[string]*replay
	records []*group
	usedCPU float64
	calls   map[string]int
	// announced are the commands that wait for their stream, by token.
	announced map[string]*announced
	sequence  uint64
}

// Option changes what an Emulator is built from.
type Option func(*Emulator)

// WithClock sets the clock of the lifecycle; the default is wall time.
func WithClock(c Clock) Option { return func(e *Emulator) { e.clock = c } }

// WithRuntime sets what runs the containers; the default is Simulated.
func WithRuntime(r Runtime) Option { return func(e *Emulator) { e.runtime = r } }

// WithAccessLog calls observe after each request, from its goroutine.
func WithAccessLog(observe func(Access)) Option { return func(e *Emulator) { e.observe = observe } }

// WithSignatureTime sets the time that request times are compared with; the
// default is wall time, as clients sign with it.
func WithSignatureTime(now func() time.Time) Option {
	return func(e *Emulator) { e.verifier.now = now }
}

// New builds an emulator from a valid Config. Close it to end its containers.
func New(cfg Config, opts ...Option) (*Emulator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Emulator{
		cfg: cfg, clock: wallClock{}, observe: func(Access) {},
		decoder:  decoder{strict: cfg.Strict, fields: &sync.Map{}},
		verifier: newVerifier(cfg.Credentials, time.Now),
		sizes:    sizesOnSale(cfg.Region),
		faults:   &Faults{}, ids: newIDSource(cfg.Seed),
		groups: store{byID: map[string]*group{}}, eips: eipBook{byID: map[string]*eip{}}, tokens: map[string]*replay{}, calls: map[string]int{},
		announced: map[string]*announced{},
	}
	e.open, e.shut = context.WithCancel(context.Background())
	for _, opt := range opts {
		opt(e)
	}
	if e.runtime == nil {
		e.runtime = NewSimulated()
	}
	for _, v := range cfg.VSwitches {
		e.subnets = append(e.subnets, newSubnet(v))
	}
	e.limiter = newLimiter(e.clock, cfg.Rates, cfg.Buckets)
	e.queue = &queue{clock: e.clock, fire: e.settle}
	e.faults.snapshot = e.snapshot
	e.actions = e.table()
	for _, id := range cfg.EIPs {
		e.putEIP(id, vpc.AllocateEIPAddressRequest{InternetChargeType: vpc.PayByTraffic})
	}
	return e, nil
}

// settle brings the lifecycle up to the present.
func (e *Emulator) settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.drain()
}

// Close kills all containers and stops all that would happen later. Requests
// that come afterwards see a cloud that stands still.
func (e *Emulator) Close() error {
	e.queue.close()
	e.shut()
	e.executions.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.groups.order {
		for c := range g.all() {
			if c.process != nil {
				c.process.Stop(0)
			}
		}
	}
	if closer, ok := e.runtime.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// SetCredentials replaces the access keys: a rotation, or a key taken away.
func (e *Emulator) SetCredentials(credentials []Credential) { e.verifier.replace(credentials) }

// Faults is where tests inject what goes wrong.
func (e *Emulator) Faults() *Faults { return e.faults }
