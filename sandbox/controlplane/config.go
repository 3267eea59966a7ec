package controlplane

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// Config says where a control plane lives.
type Config struct {
	Dir           string    // holds certificates, kubeconfigs and the etcd data; created, must not hold older state
	APIServerPort int       // TCP, on 127.0.0.1
	EtcdPort      int       // TCP, on 127.0.0.1; the peer port is one higher
	NodeName      string    // of the virtual node, whose serving certificate is issued too
	NodeIP        string    // where the API server reaches the virtual node
	Log           io.Writer // what the components log

	// APIServer, if set, starts kube-apiserver in a process of its own, by
	// RunAPIServer with the flags in the file, and keeps it running; nil runs it
	// in this one. Apart it can be killed and comes back.
	APIServer func(flagsFile string)
}

// Validate reports every missing setting at once.
func (c Config) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Dir":           c.Dir == "",
		"APIServerPort": c.APIServerPort == 0,
		"EtcdPort":      c.EtcdPort == 0,
		"NodeName":      c.NodeName == "",
		"NodeIP":        c.NodeIP == "",
		"Log":           c.Log == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("controlplane: %s is not set", name))
		}
	}
	return errors.Join(errs...)
}

// ServerURL is where the API server listens.
func (c Config) ServerURL() string { return fmt.Sprintf("https://127.0.0.1:%d", c.APIServerPort) }

func (c Config) path(name string) string { return filepath.Join(c.Dir, name) }
