package emulator

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Config describes the account and the region that the emulator plays.
type Config struct {
	Region      string
	Zones       []string
	Credentials []Credential
	// VSwitches and SecurityGroups: the first of each is the default of the
	// region.
	VSwitches      []VSwitch
	SecurityGroups []SecurityGroup
	// Strict refuses unknown and doubled parameters, gaps in lists and empty
	// numbers, naming them. The cloud itself is silent about them.
	Strict bool
	Delays Delays
	// Rates are calls per minute by action; an action without one is free.
	Rates map[string]int
	// Buckets are rates by action that are not counted by the minute.
	Buckets map[string]Bucket
	// MaxCPU is the vCPU quota of the account in the region.
	MaxCPU float64
	// EIPQuota is how many EIPs the account may hold, EIPs the ids of those that
	// it holds from the start, BandwidthPackages the ids of its shared bandwidth
	// packages.
	EIPQuota          int
	EIPs              []string
	BandwidthPackages []string
	// ImageCaches are those of the account.
	ImageCaches []eci.ImageCache
	Retention   Retention
	// DeleteUnknownSucceeds answers a delete of an unknown group with success
	// instead of a 404: the documents declare neither.
	DeleteUnknownSucceeds bool
	// AllowListed opens what needs an entry on the account: HostPathVolume and
	// privileged containers.
	AllowListed bool
	// ExecFraming is what the streams of ExecContainerCommand speak: ExecRaw,
	// ExecV4 or ExecV5.
	ExecFraming string
	// FilesInPlace lets an update that changes nothing but config files restart
	// no container: the documents do not say which it is.
	FilesInPlace bool
	// Seed makes ids repeatable; 0 takes a random one.
	Seed uint64
}

// Credential is one access key. A key with a SecurityToken is an STS one: each
// call has to carry that token.
type Credential struct {
	AccessKeyID     string
	AccessKeySecret eci.Secret
	SecurityToken   eci.Secret
	// Expires ends an STS key; zero is never. It is compared with wall time.
	Expires time.Time
	// Denied names actions that this key has no permission for: lists are then
	// empty, as the cloud has it, and other actions refused with 403.
	Denied []string
}

// VSwitch is a subnet of one zone.
type VSwitch struct {
	ID     string
	ZoneID string
	// CIDR is an IPv4 prefix of 8 to 29 bits.
	CIDR  string
	VPCID string
}

// SecurityGroup belongs to a VPC; empty is that of the first vSwitch.
type SecurityGroup struct {
	ID    string
	VPCID string
}

// Retention is how long the records of ended groups are kept.
type Retention struct {
	// All records are kept for Records, after it only the Newest ones.
	Records time.Duration
	Newest  int
	// ScheduleFailed is the time after which such a group is removed.
	ScheduleFailed time.Duration
}

// defaultEIPQuota is that of a new account. Source: quota page of EIP.
const defaultEIPQuota = 20

// DefaultConfig is an account in cn-hangzhou with one key, two vSwitches, one
// security group, one EIP and one bandwidth package, strict, without delays or rates.
func DefaultConfig() Config {
	const vpc = "vpc-emulator"
	return Config{
		Region:      "cn-hangzhou",
		Zones:       []string{"cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j", "cn-hangzhou-k"},
		Credentials: []Credential{{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}},
		VSwitches: []VSwitch{
			{ID: "vsw-emulator-h", ZoneID: "cn-hangzhou-h", CIDR: "10.0.0.0/16", VPCID: vpc},
			{ID: "vsw-emulator-i", ZoneID: "cn-hangzhou-i", CIDR: "10.1.0.0/16", VPCID: vpc},
		},
		SecurityGroups:    []SecurityGroup{{ID: "sg-emulator", VPCID: vpc}},
		Strict:            true,
		Delays:            NoDelays(),
		MaxCPU:            100_000,
		EIPQuota:          defaultEIPQuota,
		EIPs:              []string{"eip-emulator"},
		BandwidthPackages: []string{"cbwp-emulator"},
		ExecFraming:       ExecRaw,
		Retention:         Retention{Records: time.Hour, Newest: 100, ScheduleFailed: 24 * time.Hour},
	}
}

// Validate reports every wrong field with its path.
func (c Config) Validate() error {
	errs := []error{c.Delays.Validate(), c.validateNetwork(), c.validateCredentials()}
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(c.Region == "", "Region: is empty")
	add(len(c.Zones) == 0, "Zones: is empty")
	add(newExecWire(c.ExecFraming) == nil, "ExecFraming: %q is none of %s, %s, %s", c.ExecFraming, ExecRaw, ExecV4, ExecV5)
	add(c.MaxCPU <= 0, "MaxCPU: %v is not positive", c.MaxCPU)
	add(c.EIPQuota <= 0, "EIPQuota: %d is not positive", c.EIPQuota)
	add(c.Retention.Records <= 0, "Retention.Records: %s is not positive", c.Retention.Records)
	add(c.Retention.Newest < 0, "Retention.Newest: %d is negative", c.Retention.Newest)
	add(c.Retention.ScheduleFailed <= 0, "Retention.ScheduleFailed: %s is not positive", c.Retention.ScheduleFailed)
	for action, rate := range c.Rates {
		add(rate <= 0, "Rates[%s]: %d is not positive", action, rate)
	}
	for action, b := range c.Buckets {
		add(b.PerSecond <= 0 || b.Burst < 1, "Buckets[%s]: %+v is not positive", action, b)
	}
	return errors.Join(errs...)
}

func (c Config) validateCredentials() error {
	var errs []error
	if len(c.Credentials) == 0 {
		errs = append(errs, errors.New("no Credentials"))
	}
	for i, cred := range c.Credentials {
		if cred.AccessKeyID == "" || cred.AccessKeySecret == "" {
			errs = append(errs, fmt.Errorf("id or secret of Credentials[%d] is empty", i))
		}
	}
	return errors.Join(errs...)
}

func (c Config) validateNetwork() error {
	var errs []error
	if len(c.VSwitches) == 0 || len(c.SecurityGroups) == 0 {
		errs = append(errs, errors.New("VSwitches, SecurityGroups: at least one of each is needed"))
	}
	ids := map[string]bool{}
	for i, v := range c.VSwitches {
		if err := v.validate(c.Zones); err != nil {
			errs = append(errs, fmt.Errorf("VSwitches[%d]: %w", i, err))
		}
		if ids[v.ID] {
			errs = append(errs, fmt.Errorf("VSwitches[%d].ID: %q is there twice", i, v.ID))
		}
		ids[v.ID] = true
	}
	for i, g := range c.SecurityGroups {
		if g.ID == "" {
			errs = append(errs, fmt.Errorf("SecurityGroups[%d].ID: is empty", i))
		}
	}
	return errors.Join(errs...)
}

func (v VSwitch) validate(zones []string) error {
	if v.ID == "" {
		return errors.New("ID: is empty")
	}
	if !slices.Contains(zones, v.ZoneID) {
		return fmt.Errorf("ZoneID: %q is not in Zones", v.ZoneID)
	}
	prefix, err := netip.ParsePrefix(v.CIDR)
	if err != nil {
		return fmt.Errorf("CIDR: %w", err)
	}
	if !prefix.Addr().Is4() || prefix.Bits() < 8 || prefix.Bits() > 29 {
		return fmt.Errorf("CIDR: %s is not IPv4 with 8 to 29 bits", v.CIDR)
	}
	return nil
}
