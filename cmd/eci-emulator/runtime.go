package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

// What runs the containers.
const (
	runtimeSimulated = "simulated"
	runtimeProcess   = "process"
	runtimeAuto      = "auto"
)

// runtimeOf makes what --runtime names, and says what became of it: auto tells
// why it takes the simulated one.
func (o *options) runtimeOf(cfg emulator.Config, log *logrus.Logger) (_ emulator.Runtime, what string, err error) {
	if o.runtime == runtimeSimulated {
		return emulator.NewSimulated(), "containers are simulated", nil
	}
	made, err := o.processRuntime(cfg, log)
	switch {
	case err == nil:
		return made, "containers run as processes of this machine, with their files in " + o.stateDir, nil
	case o.runtime == runtimeAuto:
		return emulator.NewSimulated(), fmt.Sprintf("containers are simulated, as processes cannot run: %v", err), nil
	}
	return nil, "", fmt.Errorf("--runtime=process: %w", err)
}

func (o *options) processRuntime(cfg emulator.Config, log *logrus.Logger) (*process.Runtime, error) {
	p := process.Default()
	p.Images, p.StandIn, p.Logf = o.images, o.standIn, log.Warnf
	var errs []error
	var err error
	o.stateDir, err = stateDir(o.stateDir)
	errs = append(errs, err)
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

// stateDir is the directory that a flag names, or the default one.
func stateDir(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "eci-emulator"), err
}

// newClean removes what an emulator that was killed left.
func newClean() *cobra.Command {
	var dir string
	clean := &cobra.Command{
		Use:   "clean",
		Short: "Remove what an emulator with --runtime=process left when it was killed: bridges, cgroups, files",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := stateDir(dir)
			if err != nil {
				return err
			}
			return process.Clean(dir)
		},
	}
	clean.Flags().StringVar(&dir, "state-dir", "", "the --state-dir that it had")
	return clean
}
