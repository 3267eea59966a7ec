// Command eci-sandbox runs a Kubernetes cluster with an ECI virtual node on
// this machine: no cluster, no cloud and no containers are needed. Called by
// the name kubectl, it is kubectl.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err) // prints it as kubectl does, and exits
		}
		return
	}
	// Kubernetes registers flags of its own for every command of the process.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError)
	if err := newCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "eci-sandbox:", err)
		os.Exit(1)
	}
}
