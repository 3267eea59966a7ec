package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

// What runs the containers.
const (
	runtimeSimulated = "simulated"
	runtimeProcess   = "process"
	runtimeAuto      = "auto"
)

// runtimeOf makes what --runtime names. auto says why it takes the simulated one.
func (o *options) runtimeOf(cfg emulator.Config, log *logrus.Logger) (emulator.Runtime, error) {
	if o.runtime == runtimeSimulated {
		return emulator.NewSimulated(), nil
	}
	made, err := o.processRuntime(cfg, log)
	switch {
	case err == nil:
		log.Infof("containers run as processes of this machine, with their files in %s", o.stateDir)
		return made, nil
	case o.runtime == runtimeAuto:
		log.Warnf("containers are simulated, as processes cannot run: %v", err)
		return emulator.NewSimulated(), nil
	}
	return nil, fmt.Errorf("--runtime=process: %w", err)
}

func (o *options) processRuntime(cfg emulator.Config, log *logrus.Logger) (*process.Runtime, error) {
	p := process.Default()
	p.Images, p.StandIn, p.Logf = o.images, o.standIn, log.Warnf
	var errs []error
	var err error
	if o.stateDir == "" {
		cache, err := os.UserCacheDir()
		errs = append(errs, err)
		o.stateDir = filepath.Join(cache, "eci-emulator")
	}
	p.Dir, err = filepath.Abs(o.stateDir)
	errs = append(errs, err)
	for _, v := range cfg.VSwitches {
		subnet, err := netip.ParsePrefix(v.CIDR)
		errs = append(errs, err)
		p.Subnets = append(p.Subnets, subnet)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return process.New(p)
}

func (o *options) checkRuntime() error {
	switch o.runtime {
	case runtimeSimulated, runtimeProcess, runtimeAuto:
		return nil
	}
	return fmt.Errorf("--runtime %q: want %s, %s or %s", o.runtime, runtimeSimulated, runtimeProcess, runtimeAuto)
}
