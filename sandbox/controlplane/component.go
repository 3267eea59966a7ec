package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
)

// A component is one server or controller of the control plane.
type component struct {
	name string
	run  func(context.Context) error // returns only when it fails or the context ends
}

// flags are settings of a component by the names of its command line, the only
// interface that Kubernetes keeps stable. Its cobra commands are not used: each
// installs signal handlers, which can be done once per process.
type flags map[string]string

func parse(sets cliflag.NamedFlagSets, values flags) error {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	for name, value := range values {
		if err := all.Set(name, value); err != nil {
			return fmt.Errorf("flag --%s=%s: %w", name, value, err)
		}
	}
	return nil
}

// write saves the flags for another process.
func (f flags) write(path string) (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, text, 0o600)
}

func readFlags(path string) (flags, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f flags
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// clientFlags are those of the components that talk to the API server and
// serve nothing themselves.
func clientFlags(kubeconfig string) flags {
	return flags{
		"kubeconfig":                kubeconfig,
		"authentication-kubeconfig": kubeconfig,
		"authorization-kubeconfig":  kubeconfig,
		"leader-elect":              "false",
		"secure-port":               "0",
		// Requests per second. The defaults (50 and 20) would make the control
		// plane, not the virtual node, the bottleneck of a large scale-up.
		"kube-api-qps":   "1000",
		"kube-api-burst": "2000",
	}
}
