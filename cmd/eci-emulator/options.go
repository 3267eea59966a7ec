package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// secretVariable holds the secret when no file is given.
const secretVariable = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"

// options are the flags.
type options struct {
	listen         string
	tlsCert        string
	tlsKey         string
	region         string
	zones          []string
	accessKeyID    string
	secretFile     string
	vSwitches      []string
	securityGroups []string
	vpc            string
	delays         string
	rates          string
	maxCPU         float64
	strict         bool
	allowListed    bool
	runtime        string
	images         string
	standIn        bool
	stateDir       string
	faultRate      float64
	logLevel       string
}

func defaultOptions() *options {
	cfg := emulator.DefaultConfig()
	return &options{
		listen: "127.0.0.1:18080", region: cfg.Region, accessKeyID: cfg.Credentials[0].AccessKeyID,
		vpc: cfg.VSwitches[0].VPCID, delays: "realistic", rates: "none", maxCPU: cfg.MaxCPU, strict: true,
		runtime: runtimeSimulated, standIn: true, logLevel: "info",
	}
}

func (o *options) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.listen, "listen", o.listen, "address to listen on; port 0 takes a free one")
	f.StringVar(&o.tlsCert, "tls-cert-file", "", "certificate (PEM); serves HTTPS together with --tls-private-key-file")
	f.StringVar(&o.tlsKey, "tls-private-key-file", "", "private key of the certificate (PEM)")
	f.StringVar(&o.region, "region", o.region, "the one region that is served")
	f.StringArrayVar(&o.zones, "zone", nil, "zone of the region (repeatable; default those of --vswitch, or REGION-h and REGION-i)")
	f.StringVar(&o.accessKeyID, "access-key-id", o.accessKeyID, "the one access key that is known")
	f.StringVar(&o.secretFile, "access-key-secret-file", "", "file with its secret (default $"+secretVariable+", or \"emulator-secret\")")
	f.StringArrayVar(&o.vSwitches, "vswitch", nil, "vSwitch as ID=ZONE:CIDR (repeatable; default vsw-emulator-h and -i)")
	f.StringArrayVar(&o.securityGroups, "security-group", nil, "security group (repeatable; default sg-emulator)")
	f.StringVar(&o.vpc, "vpc", o.vpc, "VPC of the vSwitches and the security groups")
	f.StringVar(&o.delays, "delays", o.delays, "how long scheduling, pulls and starts take: none, fast or realistic")
	f.StringVar(&o.rates, "rates", o.rates, "calls per minute: none, documented (a new account, creates and deletes by the second), or ACTION=N,ACTION=N")
	f.Float64Var(&o.maxCPU, "max-cpu", o.maxCPU, "vCPU quota of the account")
	f.BoolVar(&o.strict, "strict", o.strict, "refuse unknown parameters, naming them; the cloud ignores them")
	f.BoolVar(&o.allowListed, "allow-listed", false, "allow what needs an entry on the account: host paths, privileged containers")
	f.StringVar(&o.runtime, "runtime", o.runtime, "what runs the containers: simulated; process, as processes of this machine (Linux, as root); "+
		"auto, process where it can")
	f.StringVar(&o.images, "images", "", "directory of images that need no registry: an OCI layout, or *.tar of docker save (process)")
	f.BoolVar(&o.standIn, "stand-in", o.standIn, "run a small image of our own where an image's registry cannot be reached (process)")
	f.StringVar(&o.stateDir, "state-dir", "", "directory for images and containers (process; default eci-emulator in the user's cache)")
	f.Float64Var(&o.faultRate, "fault-rate", 0, "share of the calls, from 0 to 1, that go wrong: throttled, refused with 503, or the request or the answer lost")
	f.StringVar(&o.logLevel, "log-level", o.logLevel, "debug logs every call; info, warn, error")
}

// config turns the flags into a valid configuration; all errors come together.
func (o *options) config(getenv func(string) string) (emulator.Config, error) {
	cfg := emulator.DefaultConfig()
	cfg.Region, cfg.MaxCPU, cfg.Strict, cfg.AllowListed = o.region, o.maxCPU, o.strict, o.allowListed
	secret, errSecret := o.secret(getenv)
	cfg.Credentials = []emulator.Credential{{AccessKeyID: o.accessKeyID, AccessKeySecret: secret}}
	var errDelays, errRates error
	cfg.Delays, errDelays = emulator.ParseDelays(o.delays)
	if cfg.Rates, errRates = parseRates(o.rates); o.rates == "documented" {
		cfg.Buckets = emulator.DocumentedBuckets()
	}
	errNetwork := o.network(&cfg)
	if err := errors.Join(errSecret, errDelays, errRates, errNetwork, o.checkTLS(), o.checkRuntime()); err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

func (o *options) checkTLS() error {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return errors.New("--tls-cert-file and --tls-private-key-file belong together")
	}
	return nil
}

func (o *options) secret(getenv func(string) string) (eci.Secret, error) {
	if o.secretFile == "" {
		return eci.Secret(cmp.Or(getenv(secretVariable), emulator.DefaultConfig().Credentials[0].AccessKeySecret.Reveal())), nil
	}
	text, err := os.ReadFile(o.secretFile)
	if err != nil {
		return "", fmt.Errorf("--access-key-secret-file: %w", err)
	}
	return eci.Secret(strings.TrimSpace(string(text))), nil
}

// network reads zones, vSwitches and security groups.
func (o *options) network(cfg *emulator.Config) error {
	var errs []error
	cfg.Zones, cfg.VSwitches = slices.Clone(o.zones), nil
	if len(o.vSwitches) == 0 && len(o.zones) == 0 {
		cfg.Zones = []string{o.region + "-h", o.region + "-i"}
	}
	for _, text := range o.vSwitches {
		v, err := parseVSwitch(text)
		errs = append(errs, err)
		v.VPCID = o.vpc
		cfg.VSwitches = append(cfg.VSwitches, v)
		if !slices.Contains(cfg.Zones, v.ZoneID) {
			cfg.Zones = append(cfg.Zones, v.ZoneID)
		}
	}
	if len(o.vSwitches) == 0 {
		for i, zone := range cfg.Zones {
			cfg.VSwitches = append(cfg.VSwitches, emulator.VSwitch{
				ID: "vsw-emulator-" + zone[strings.LastIndex(zone, "-")+1:], ZoneID: zone, CIDR: fmt.Sprintf("10.%d.0.0/16", i), VPCID: o.vpc,
			})
		}
	}
	if len(o.securityGroups) > 0 {
		cfg.SecurityGroups = nil
	}
	for _, id := range o.securityGroups {
		cfg.SecurityGroups = append(cfg.SecurityGroups, emulator.SecurityGroup{ID: id, VPCID: o.vpc})
	}
	if len(o.securityGroups) == 0 {
		cfg.SecurityGroups[0].VPCID = o.vpc
	}
	return errors.Join(errs...)
}

func parseVSwitch(text string) (emulator.VSwitch, error) {
	id, rest, ok1 := strings.Cut(text, "=")
	zone, cidr, ok2 := strings.Cut(rest, ":")
	if !ok1 || !ok2 || id == "" || zone == "" {
		return emulator.VSwitch{}, fmt.Errorf("--vswitch %q: want ID=ZONE:CIDR", text)
	}
	return emulator.VSwitch{ID: id, ZoneID: zone, CIDR: cidr}, nil
}

func parseRates(text string) (map[string]int, error) {
	switch text {
	case "", "none":
		return nil, nil
	case "documented":
		return emulator.DocumentedRates(), nil
	}
	rates := map[string]int{}
	for part := range strings.SplitSeq(text, ",") {
		action, number, _ := strings.Cut(part, "=")
		var n int
		if _, err := fmt.Sscanf(number, "%d", &n); err != nil || n < 1 {
			return nil, fmt.Errorf("--rates %q: want none, documented or ACTION=N", part)
		}
		rates[action] = n
	}
	return rates, nil
}
