package process

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
)

// Config says where and how groups run.
type Config struct {
	// Dir is an absolute path that one runtime at a time has to itself. Unpacked
	// images stay there; all else is removed at the end.
	Dir string
	// Subnets are the vSwitches' CIDRs, each of which gets a bridge.
	Subnets []netip.Prefix
	// Images is a directory with images that need no registry: an OCI layout, or
	// files as docker save writes them (*.tar). Empty for none.
	Images string
	// StandIn runs the program's own small image where the registry of an image
	// cannot be reached.
	StandIn bool
	// Logf says what concerns the machine and not one group.
	Logf func(format string, args ...any)
}

// Default is a Config without directory and subnets, which have no default.
func Default() Config {
	return Config{StandIn: true, Logf: func(string, ...any) {}}
}

// Validate reports every wrong field.
func (c Config) Validate() error {
	var errs []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(!filepath.IsAbs(c.Dir), "Dir: %q is not an absolute path", c.Dir)
	add(strings.ContainsAny(c.Dir, ",:\\"), "Dir: %q has a comma, colon or backslash, which overlay mounts cannot have", c.Dir)
	add(len(c.Subnets) == 0, "Subnets: is empty")
	for i, subnet := range c.Subnets {
		add(!subnet.IsValid() || !subnet.Addr().Is4() || subnet.Bits() > 29, "Subnets[%d]: %s is not IPv4 with at most 29 bits", i, subnet)
	}
	add(c.Logf == nil, "Logf: is nil")
	return errors.Join(errs...)
}
